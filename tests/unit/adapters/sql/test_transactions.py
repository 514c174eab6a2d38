"""When the runner starts over, and when it must not."""

import time
from contextlib import suppress

import pytest

from dmcore.adapters.sql._errors import Remedy, Verdict
from dmcore.adapters.sql._transactions import Attempts, GivenUp
from dmcore.errors import StoreBusy


def may(
    remedy: Remedy, *, attempt: int = 1, elapsed_s: float = 0.0, committing: bool = False
) -> bool:
    attempts = Attempts()
    attempts._began_s = time.monotonic() - elapsed_s
    for _ in range(attempt):
        attempts.begin()
    if committing:
        attempts.begin_commit()
    with suppress(StoreBusy):
        return 0 <= attempts.pause_after(Verdict(StoreBusy, remedy)) <= 0.05
    return False


@pytest.mark.parametrize("attempt", [1, 2, 1_000])
def test_another_writer_is_waited_for_as_long_as_patience_lasts(attempt: int) -> None:
    assert may(Remedy.START_OVER, attempt=attempt, elapsed_s=19.0)
    assert not may(Remedy.START_OVER, attempt=attempt, elapsed_s=20.0)


def test_a_conflict_at_commit_is_certain_and_may_start_over() -> None:
    """The database says that nothing was committed."""
    assert may(Remedy.START_OVER, committing=True)


@pytest.mark.promise("PAIR-2")
def test_a_row_that_was_there_after_all_is_read_again_but_not_for_ever() -> None:
    assert may(Remedy.READ_AGAIN)
    assert may(Remedy.READ_AGAIN, attempt=20)
    assert not may(Remedy.READ_AGAIN, attempt=21)


@pytest.mark.promise("MSG-4")
def test_a_connection_lost_at_commit_is_the_callers_to_decide() -> None:
    """Whether it was committed is not known: starting over could store the message twice."""
    assert may(Remedy.RECONNECT)
    assert not may(Remedy.RECONNECT, committing=True)


def test_a_try_that_follows_one_has_not_sent_its_commit() -> None:
    attempts = Attempts()
    attempts.begin()
    attempts.begin_commit()
    attempts.begin()
    assert attempts.pause_after(Verdict(StoreBusy, Remedy.RECONNECT)) >= 0


def test_a_lost_connection_is_made_anew_twice() -> None:
    assert may(Remedy.RECONNECT, attempt=2)
    assert not may(Remedy.RECONNECT, attempt=3)


def test_what_has_no_remedy_is_not_tried_again() -> None:
    assert not may(Remedy.NONE)


def test_nobody_tries_or_commits_for_a_caller_who_has_gone() -> None:
    has_gone = False
    attempts = Attempts(lambda: has_gone)
    attempts.begin()
    has_gone = True
    for step in (attempts.begin_commit, attempts.begin):
        with pytest.raises(GivenUp):
            step()
