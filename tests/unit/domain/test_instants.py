"""Instants: whole microseconds, kept exactly."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import YEAR_9999_US

from dmcore.domain.instants import to_datetime, to_us

FIRST_US = to_us(datetime.min.replace(tzinfo=UTC))


@given(instant_us=st.integers(FIRST_US, YEAR_9999_US))
def test_no_microsecond_is_lost(instant_us: int) -> None:
    """A float of seconds would lose some after the year 2242."""
    assert to_us(to_datetime(instant_us)) == instant_us


@given(when=st.datetimes(timezones=st.just(UTC)))
def test_no_datetime_is_lost(when: datetime) -> None:
    assert to_datetime(to_us(when)) == when


def test_the_epoch_is_zero_and_time_runs_in_utc() -> None:
    assert to_datetime(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert to_datetime(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert to_datetime(0).tzinfo is UTC


def test_a_datetime_of_any_zone_is_one_instant() -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    assert to_us(datetime(1970, 1, 1, 5, 45, 0, 1, tzinfo=zone)) == 1


def test_a_datetime_without_a_zone_is_no_instant() -> None:
    with pytest.raises(TypeError):
        to_us(datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused
