"""Says which extra is missing, where an import would only say which module."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Around the imports of a framework; ``name`` is the extra that brings it."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ImportError(
            f'{missing.name} is not installed: pip install "dmcore[{name}]"', name=missing.name
        ) from missing
