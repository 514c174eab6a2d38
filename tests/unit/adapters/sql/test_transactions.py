"""When the runner starts over, and when it must not."""

import pytest

from dmcore.adapters.sql._errors import Remedy, Verdict
from dmcore.adapters.sql._transactions import _Flag, _may_start_over
from dmcore.errors import StoreBusy


def may(
    remedy: Remedy, *, attempt: int = 1, elapsed_s: float = 0.0, committing: bool = False
) -> bool:
    flag = _Flag()
    flag.is_set = committing
    return _may_start_over(Verdict(StoreBusy(), remedy), flag, attempt, elapsed_s)


@pytest.mark.parametrize("attempt", [1, 2, 1_000])
def test_another_writer_is_waited_for_as_long_as_patience_lasts(attempt: int) -> None:
    assert may(Remedy.START_OVER, attempt=attempt, elapsed_s=19.9)
    assert not may(Remedy.START_OVER, attempt=attempt, elapsed_s=20.0)


def test_a_conflict_at_commit_is_certain_and_may_start_over() -> None:
    """The database says that nothing was committed."""
    assert may(Remedy.START_OVER, committing=True)


@pytest.mark.promise("MSG-4")
def test_a_connection_lost_at_commit_is_the_callers_to_decide() -> None:
    """Whether it was committed is not known: starting over could store the message twice."""
    assert may(Remedy.RECONNECT)
    assert not may(Remedy.RECONNECT, committing=True)


def test_a_lost_connection_is_made_anew_twice() -> None:
    assert may(Remedy.RECONNECT, attempt=2)
    assert not may(Remedy.RECONNECT, attempt=3)


def test_what_has_no_remedy_is_not_tried_again() -> None:
    assert not may(Remedy.NONE)
