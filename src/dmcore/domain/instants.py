"""Instants: whole microseconds since the epoch in UTC, so every store keeps them exactly."""

from datetime import UTC, datetime, timedelta
from typing import Final

from dmcore.domain.numbers import is_whole_number
from dmcore.errors import InvalidSetting

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_us(when: datetime) -> int:
    """The instant of an aware ``when``."""
    return (when - _EPOCH) // _MICROSECOND


def to_datetime(instant_us: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + instant_us * _MICROSECOND


_FIRST_US: Final = to_us(datetime.min.replace(tzinfo=UTC))
_LAST_US: Final = to_us(datetime.max.replace(tzinfo=UTC))


def checked_instant(reading_us: int) -> int:
    """A clock's reading, if it is an instant of the years 1 to 9999. Raises ``InvalidSetting``."""
    if not is_whole_number(reading_us, least=_FIRST_US, most=_LAST_US):
        raise InvalidSetting("clock", "must show whole microseconds in the years 1 to 9999")
    return reading_us
