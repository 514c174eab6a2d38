"""Whole numbers within bounds, as settings and sizes are."""


def is_whole_number(value: object, *, least: int, most: int | None = None) -> bool:
    """Whether ``value`` is an ``int``, and no ``bool``, in ``least..most``."""
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return least <= value and (most is None or value <= most)
