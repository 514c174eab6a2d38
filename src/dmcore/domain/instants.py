"""Instants: whole microseconds since the epoch in UTC, so every store keeps them exactly."""

from datetime import UTC, datetime, timedelta
from typing import Final

from dmcore.domain.numbers import is_whole_number
from dmcore.errors import InvalidSetting

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

LONGEST: Final = timedelta(days=36_500)
"""The longest span of time that anything is set to: a hundred years."""


def to_us(when: datetime) -> int:
    """The instant of an aware ``when``."""
    return (when - _EPOCH) // _MICROSECOND


def to_datetime(instant_us: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + instant_us * _MICROSECOND


FIRST_US: Final = to_us(datetime.min.replace(tzinfo=UTC))
LAST_US: Final = to_us(datetime.max.replace(tzinfo=UTC))


def is_instant(value: object) -> bool:
    """Whether a value is an instant of the years 1 to 9999."""
    return is_whole_number(value, least=FIRST_US, most=LAST_US)


def is_span(value: object) -> bool:
    """Whether a value is a span of time that can be reckoned with, nothing included."""
    return isinstance(value, timedelta) and timedelta(0) <= value <= LONGEST


def checked_instant(reading_us: int) -> int:
    """A clock's reading, if it is an instant of the years 1 to 9999. Raises ``InvalidSetting``."""
    if not is_instant(reading_us):
        raise InvalidSetting("clock", "must show whole microseconds in the years 1 to 9999")
    return reading_us
