"""Says which extra is missing, where an import would only say which module."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Around imports that are optional; ``name`` is the extra of dmcore that brings them."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ImportError(
            f'{missing.name} is not installed: pip install "dmcore[{name}]"', name=missing.name
        ) from missing
