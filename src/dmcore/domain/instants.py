"""Instants: whole microseconds since the epoch in UTC, so every store keeps them exactly."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_us(when: datetime) -> int:
    """The instant of an aware ``when``."""
    return (when - _EPOCH) // _MICROSECOND


def to_datetime(instant_us: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + instant_us * _MICROSECOND
