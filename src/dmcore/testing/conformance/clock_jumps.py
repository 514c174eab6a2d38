"""A clock that jumps opens no limit and locks nobody out beyond one window."""

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from dmcore import Policy
from dmcore.adapters.clock import ManualClock
from dmcore.errors import LimitReached
from dmcore.testing.world import DAY_US, MINUTE_US, SECOND_US, MakeWorld, World

BACK_S = (0.000_001, 1, 59, 60, 3600, 400 * 86_400)
MICROSECOND = timedelta(microseconds=1)


def accepted(attempt: Callable[[], object], most: int = 100) -> int:
    """How many attempts in a row are accepted."""
    for count in range(most):
        try:
            attempt()
        except LimitReached:
            return count
    return most


def wait_of(attempt: Callable[[], object]) -> timedelta:
    with pytest.raises(LimitReached) as caught:
        attempt()
    return caught.value.retry_after


def until_it_opens(limited: World, attempt: Callable[[], object], at_us: int) -> None:
    """Let the time pass that was announced: a microsecond before its end is too early."""
    limited.clock.set_us(at_us - 1)
    assert wait_of(attempt) == MICROSECOND
    limited.clock.set_us(at_us)


class TestClockJumps:
    """A clock that jumps opens no limit and locks nobody out beyond one window."""

    @pytest.fixture
    def limited(self, make_world: MakeWorld) -> World:
        return make_world(Policy())

    @pytest.mark.promise("LIMIT-2")
    @pytest.mark.parametrize("back_s", BACK_S)
    def test_a_jump_back_opens_nothing_and_locks_out_for_one_window(
        self, limited: World, back_s: float
    ) -> None:
        """The wait counts from the first refusal, and trying again does not begin it anew."""
        first = limited.ann.start("bob", "0")

        def attempt() -> object:
            return limited.ann.send(first.conversation, "more")

        assert accepted(attempt) == 19
        limited.tick(seconds=-back_s)
        refused_us = limited.clock.now_us()
        assert wait_of(attempt) == timedelta(seconds=60)
        for _ in range(5):
            limited.tick(seconds=10)
            elapsed = timedelta(microseconds=limited.clock.now_us() - refused_us)
            assert wait_of(attempt) == timedelta(seconds=60) - elapsed
        until_it_opens(limited, attempt, refused_us + MINUTE_US)
        assert accepted(attempt) == 20

    @pytest.mark.promise("LIMIT-2", "MSG-5")
    @pytest.mark.parametrize("back_s", BACK_S)
    def test_a_jump_back_opens_nothing_to_who_changes_a_message(
        self, make_world: MakeWorld, back_s: float
    ) -> None:
        """That they were refused is kept, and so their wait ends as it was said."""
        limited = make_world(Policy(edit_window=None))
        first = limited.ann.start("bob", "0")
        texts = itertools.count()

        def attempt() -> object:
            return limited.ann.edit(first.conversation, first.id, f"text {next(texts)}")

        assert accepted(attempt) == 20
        limited.tick(seconds=-back_s)
        refused_us = limited.clock.now_us()
        assert wait_of(attempt) == timedelta(seconds=60)
        until_it_opens(limited, attempt, refused_us + MINUTE_US)
        assert accepted(attempt) == 20
        assert limited.is_sound()

    @pytest.mark.promise("LIMIT-2")
    @pytest.mark.parametrize("back_s", BACK_S)
    def test_a_jump_back_keeps_what_was_counted(self, limited: World, back_s: float) -> None:
        first = limited.ann.start("bob", "0")

        def attempt() -> object:
            return limited.ann.send(first.conversation, "more")

        assert accepted(attempt, 11) == 11
        limited.tick(seconds=-back_s)
        assert accepted(attempt) == 8
        limited.tick(seconds=60)
        assert accepted(attempt) == 20

    @pytest.mark.promise("LIMIT-2")
    @pytest.mark.parametrize("back_s", [1, 86_399, 86_400, 400 * 86_400])
    def test_the_start_limit_survives_a_jump_back(self, limited: World, back_s: float) -> None:
        names = iter(map(str, range(100)))

        def attempt() -> object:
            return limited.ann.start(next(names), "hello")

        assert accepted(attempt) == 5
        limited.tick(seconds=-back_s)
        refused_us = limited.clock.now_us()
        assert wait_of(attempt) == timedelta(days=1)
        until_it_opens(limited, attempt, refused_us + DAY_US)
        assert accepted(attempt) == 5

    @pytest.mark.promise("LIMIT-2")
    def test_a_jump_ahead_and_back_opens_nothing(self, limited: World) -> None:
        """What was sent in the wrong future counts as now once the clock is right again."""
        first = limited.ann.start("bob", "0")

        def attempt() -> object:
            return limited.ann.send(first.conversation, "more")

        assert accepted(attempt) == 19
        limited.tick(seconds=86_400 * 365)
        assert accepted(attempt) == 20
        limited.tick(seconds=-86_400 * 365)
        refused_us = limited.clock.now_us()
        assert wait_of(attempt) == timedelta(seconds=60)
        limited.clock.set_us(refused_us + MINUTE_US)
        assert accepted(attempt) == 20

    @pytest.mark.promise("LIMIT-2")
    @pytest.mark.parametrize("back_s", [30, 61, 3600])
    def test_a_clock_that_is_set_back_and_then_right_again_opens_nothing(
        self, limited: World, back_s: float
    ) -> None:
        """As one server whose clock is slow makes of a limit when a user reaches two of them."""
        first = limited.ann.start("bob", "0")

        def attempt() -> object:
            return limited.ann.send(first.conversation, "more")

        count = 1
        for _ in range(5):
            count += accepted(attempt)
            limited.tick(seconds=-back_s)
            count += accepted(attempt)
            limited.tick(seconds=back_s)
        assert count == 20

    @pytest.mark.promise("LIMIT-1", "LIMIT-2")
    @pytest.mark.parametrize("behind_s", [1, 5, 30])
    def test_servers_whose_clocks_differ_let_no_more_through_than_they_differ(
        self, limited: World, behind_s: int
    ) -> None:
        """Whoever reaches both in turns: a window is never shorter than itself less the
        difference.
        """
        slow = ManualClock(limited.clock.now_us() - behind_s * SECOND_US)
        behind = limited.harness.open(policy=Policy(), clock=slow, entropy=limited.entropy)
        passed_at_us = []
        for number in range(240):
            dm = (limited.dm, behind)[number % 2]
            try:
                dm.mailbox("ann").start("bob", str(number))
            except LimitReached:
                pass
            else:
                passed_at_us.append(limited.clock.now_us())
            limited.tick(seconds=0.5)
            slow.advance(seconds=0.5)
        shortest_us = min(b - a for a, b in zip(passed_at_us, passed_at_us[20:], strict=False))
        assert shortest_us >= MINUTE_US - behind_s * SECOND_US

    @pytest.mark.promise("LIMIT-2")
    def test_a_refusal_after_a_jump_stores_the_corrected_windows_and_nothing_else(
        self,
        limited: World,
    ) -> None:
        limited.ann.start("bob", "0")
        accepted(lambda: limited.ann.start("bob", "more"))
        journal = limited.journal("ann"), limited.journal("bob")
        status = limited.olga.status()
        limited.tick(seconds=-3600)
        wait_of(lambda: limited.ann.start("bob", "more"))
        assert (limited.journal("ann"), limited.journal("bob")) == journal
        assert limited.olga.status() == status
        limited.tick(seconds=1)
        with limited.unchanged():
            wait_of(lambda: limited.ann.start("bob", "more"))
        assert limited.is_sound()

    @pytest.mark.promise("LIMIT-2")
    def test_one_refusal_corrects_both_windows(self, limited: World) -> None:
        """Who was refused a start need not wait another window for messages, and the reverse."""
        for number in range(5):
            limited.ann.start(f"user {number}", "hello")
        assert accepted(lambda: limited.ann.start("user 0", "more")) == 15
        limited.tick(seconds=-86_400 * 30)
        assert wait_of(lambda: limited.ann.start("user 5", "hello")) == timedelta(days=1)
        limited.tick(seconds=60)
        assert accepted(lambda: limited.ann.start("user 0", "more")) == 20
        limited.tick(seconds=86_400 - 60, us=-1)
        assert wait_of(lambda: limited.ann.start("user 5", "hello")) == MICROSECOND
        limited.tick(seconds=0, us=1)
        limited.ann.start("user 5", "hello")

    @pytest.mark.promise("LIMIT-2")
    def test_an_accepted_message_corrects_the_windows_too(self, limited: World) -> None:
        for number in range(4):
            limited.ann.start(f"user {number}", "hello")
        limited.tick(seconds=-86_400 * 30)
        accepted_us = limited.clock.now_us()
        limited.ann.start("user 4", "hello")
        limited.clock.set_us(accepted_us + DAY_US - 1)
        assert wait_of(lambda: limited.ann.start("user 5", "hello")) == MICROSECOND
        limited.clock.set_us(accepted_us + DAY_US)
        names = iter("abcdefgh")
        assert accepted(lambda: limited.ann.start(next(names), "hello")) == 5
