"""Exact rolling windows, against a second opinion that counts everything."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dmcore.domain.instants import LONGEST
from dmcore.domain.limits import NEVER_US, RateLimit, Window
from dmcore.errors import InvalidSetting

SECOND_US = 1_000_000
TWENTY = RateLimit(20, timedelta(seconds=60))

limits = st.builds(
    RateLimit, st.integers(1, 6), st.integers(1, 50).map(lambda us: timedelta(microseconds=us))
)
# Steps of a clock that stands still, walks, leaps past a window, or (below) jumps back.
steps = st.lists(st.integers(0, 60), max_size=60)
jumps = st.lists(st.integers(-200, 200), max_size=60)


def filled(*instants: int) -> Window:
    """A window of which the clock is right."""
    return Window(instants=instants, time_us=instants[-1], reading_us=instants[-1])


class CountsEverything:
    """The rule, said plainly: how many of all the accepted ones are younger than a window?"""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self.accepted: list[int] = []

    def allows(self, now_us: int) -> bool:
        window_us = self.limit.window // timedelta(microseconds=1)
        young = [instant for instant in self.accepted if instant > now_us - window_us]
        return len(young) < self.limit.count


@pytest.mark.promise("LIMIT-1")
@given(limit=limits, steps=steps)
def test_the_window_accepts_exactly_what_counting_everything_accepts(
    limit: RateLimit, steps: list[int]
) -> None:
    """Neither over nor under, and remembering no more than ``count`` instants."""
    plain = CountsEverything(limit)
    window = Window()
    now_us = 1_000
    for step in steps:
        now_us += step
        wait_us = limit.wait_us(window, now_us)
        assert (wait_us == 0) == plain.allows(now_us)
        if wait_us == 0:
            plain.accepted.append(now_us)
            window = limit.counted(window, now_us)
        assert len(window.instants) <= limit.count


@pytest.mark.promise("LIMIT-1")
@given(limit=limits, steps=steps)
def test_the_wait_is_the_first_moment_that_is_allowed(limit: RateLimit, steps: list[int]) -> None:
    """One microsecond earlier is still refused."""
    plain = CountsEverything(limit)
    window = Window()
    now_us = 1_000
    for step in steps:
        now_us += step
        wait_us = limit.wait_us(window, now_us)
        if wait_us:
            assert plain.allows(now_us + wait_us)
            assert not plain.allows(now_us + wait_us - 1)
        else:
            plain.accepted.append(now_us)
            window = limit.counted(window, now_us)


@pytest.mark.promise("LIMIT-1")
def test_an_event_exactly_one_window_old_no_longer_counts() -> None:
    window = filled(*range(20))
    assert TWENTY.wait_us(window, 60 * SECOND_US - 1) == 1
    assert TWENTY.wait_us(window, 60 * SECOND_US) == 0


@pytest.mark.promise("LIMIT-1")
def test_the_oldest_of_the_last_twenty_decides() -> None:
    window = filled(0, *[30 * SECOND_US] * 19)
    assert TWENTY.wait_us(window, 31 * SECOND_US) == 29 * SECOND_US
    assert TWENTY.wait_us(filled(*window.instants[1:]), 31 * SECOND_US) == 0
    later = TWENTY.counted(window, 60 * SECOND_US)
    assert later.instants == (*[30 * SECOND_US] * 19, 60 * SECOND_US)
    assert TWENTY.wait_us(later, 60 * SECOND_US) == 30 * SECOND_US


@pytest.mark.promise("LIMIT-1")
def test_a_policy_that_became_stricter_holds_at_once() -> None:
    """The window was written under a larger count; only its newest part matters."""
    window = filled(*range(20))
    assert RateLimit(3, timedelta(seconds=60)).wait_us(window, 20) == 60 * SECOND_US - 3
    assert RateLimit(3, timedelta(seconds=60)).counted(window, 20).instants == (18, 19, 20)


@pytest.mark.promise("LIMIT-1")
def test_a_policy_that_became_milder_counts_what_is_known() -> None:
    assert TWENTY.wait_us(filled(1, 2, 3), 3) == 0


# A clock that jumps -----------------------------------------------------------------------------


def attempt(limit: RateLimit, window: Window, now_us: int) -> tuple[int, Window]:
    """What an attempt at ``now_us`` has to wait, and the window after it."""
    wait_us = limit.wait_us(window, now_us)
    change = limit.refused if wait_us else limit.counted
    return wait_us, change(window, now_us)


def attempts(limit: RateLimit, clocks: list[int]) -> Iterator[tuple[int, Window]]:
    window = Window()
    for now_us in clocks:
        wait_us, window = attempt(limit, window, now_us)
        yield wait_us, window


@pytest.mark.promise("LIMIT-2")
@given(limit=limits, jumps=jumps)
def test_nobody_waits_longer_than_one_window_whatever_the_clock_does(
    limit: RateLimit, jumps: list[int]
) -> None:
    for wait_us, _ in attempts(limit, list(accumulate(jumps, initial=10_000))):
        assert 0 <= wait_us <= limit.window_us


@pytest.mark.promise("LIMIT-2")
@given(limit=limits, before=steps, back=st.integers(0, 500), after=steps)
def test_the_announced_wait_is_the_endured_wait(
    limit: RateLimit, before: list[int], back: int, after: list[int]
) -> None:
    """However far the clock was set back, from the refusal on the wait is exact."""
    clocks = list(accumulate([*before, -back, *after], initial=10_000))
    for now_us, (wait_us, window) in zip(clocks, attempts(limit, clocks), strict=True):
        if wait_us:
            assert attempt(limit, window, now_us)[0] == wait_us
            assert attempt(limit, window, now_us + wait_us - 1)[0] == 1
            assert attempt(limit, window, now_us + wait_us)[0] == 0


@pytest.mark.promise("LIMIT-2")
@given(limit=limits, behind=st.integers(1, 500), turns=st.lists(st.booleans(), min_size=10))
def test_a_second_clock_that_is_behind_opens_nothing(
    limit: RateLimit, behind: int, turns: list[bool]
) -> None:
    """Two servers that show different times at one moment: whoever is asked, the limit is one."""
    assume(behind != limit.window_us)
    right = 10_000
    clocks = [right - behind * turn for turn in turns]
    accepted = [wait for wait, _ in attempts(limit, [right] * limit.count + clocks) if wait == 0]
    assert len(accepted) == limit.count


@pytest.mark.promise("LIMIT-2")
@pytest.mark.parametrize("offsets_s", [(0, 90, 95), (0, 50, 65), (0, 90), (0, 3600, 3597)])
@pytest.mark.parametrize("jitter_us", [0, 2_000])
def test_however_far_clocks_are_apart_their_differences_do_not_add_up(
    offsets_s: tuple[int, ...], jitter_us: int
) -> None:
    """One user, 600 attempts within six seconds on servers in turn: at most one window is lost."""
    window, accepted = Window(), 0
    for number in range(600):
        true_us = 10_000 * SECOND_US + number * 10_000
        offset_us = offsets_s[number % len(offsets_s)] * SECOND_US
        shown_us = true_us + offset_us + jitter_us * (number % 3 - 1)
        wait_us, window = attempt(TWENTY, window, shown_us)
        accepted += not wait_us
    assert 20 <= accepted <= 41


@pytest.mark.promise("LIMIT-2")
@given(limit=limits, back=st.integers(1, 100_000))
def test_a_clock_set_back_locks_out_for_one_window_from_the_first_refusal(
    limit: RateLimit, back: int
) -> None:
    window, now_us = Window(), 200_000
    while (tried := attempt(limit, window, now_us))[0] == 0:
        window = tried[1]
    wait_us, window = attempt(limit, window, now_us - back)
    assert wait_us == limit.window_us
    assert attempt(limit, window, now_us - back + wait_us)[0] == 0
    assert attempt(limit, window, now_us - back + wait_us - 1)[0] == 1


@pytest.mark.promise("LIMIT-2")
@given(limit=limits, jumps=jumps)
def test_a_window_is_always_in_order(limit: RateLimit, jumps: list[int]) -> None:
    for _, window in attempts(limit, list(accumulate(jumps, initial=10_000))):
        assert list(window.instants) == sorted(window.instants)
        assert window.time_us >= max(window.instants, default=NEVER_US)
        assert window.time_us >= window.reading_us


# The setting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, -1, 1_001, 1.0, "20", None, True], ids=repr)
def test_a_count_is_a_whole_number_from_1_to_1000(count: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        RateLimit(count, timedelta(seconds=60))
    assert caught.value.details["setting"] == "limit.count"


@pytest.mark.parametrize(
    "window", [timedelta(0), timedelta(seconds=-1), 60, None, "1 minute"], ids=repr
)
def test_a_window_is_a_positive_span(window: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        RateLimit(20, window)
    assert caught.value.details["setting"] == "limit.window"


def test_the_bounds_of_the_setting_are_allowed() -> None:
    assert RateLimit(1, timedelta(microseconds=1)).wait_us(filled(5), 5) == 1
    assert RateLimit(1_000, LONGEST).wait_us(filled(*range(1_000)), 1_000) > 0


def test_a_limit_is_its_count_and_its_window_and_nothing_else() -> None:
    """The greatest count allowed is no setting: nobody can raise it from outside."""
    assert repr(TWENTY) == f"RateLimit(count=20, window={timedelta(seconds=60)!r})"
    three: tuple[Any, ...] = (5_000, timedelta(seconds=60), 10_000)
    with pytest.raises(TypeError):
        RateLimit(*three)
