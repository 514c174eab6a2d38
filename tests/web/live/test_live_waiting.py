"""Asking and waiting: the same feed for a client that has no stream."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest
from tests.web.live.conftest import MakeStage
from tests.web.live.scene import PATIENCE_S, QUICK, Stage, comes_true

from dmcore import Changes, DirectMessages
from dmcore.adapters.web._errors import NotSignedIn, TooManyStreams
from dmcore.adapters.web.live import Rhythm
from dmcore.errors import CursorExpired, InvalidCursor, InvalidPageSize, MessagingUnavailable

LONG_S = 3600.0


class Asking:
    """A request that waits, made in the background."""

    def __init__(self, stage: Stage, user: str, after: str | None, **viewer: Any) -> None:
        self.found: Changes | None = None
        self.refused: Exception | None = None
        visit = stage.visit(user, **viewer)
        work: Callable[[], Changes] = lambda: stage.run(  # noqa: E731
            stage.live.changes(visit, after, 100, LONG_S)
        )
        self._thread = threading.Thread(target=self._ask, args=(work,), daemon=True)
        self._thread.start()
        assert comes_true(lambda: not stage.is_free(user))

    def _ask(self, work: Callable[[], Changes]) -> None:
        try:
            self.found = work()
        except Exception as refusal:  # noqa: BLE001
            self.refused = refusal

    def answered(self) -> Changes | Exception | None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.refused or self.found


def now(dm: DirectMessages, user: str = "ann") -> str:
    return dm.mailbox(user).snapshot().cursor


def ask(stage: Stage, after: str | None, *, limit: int = 100, seconds: float = LONG_S) -> Changes:
    return stage.run(stage.live.changes(stage.visit("ann"), after, limit, seconds))


@pytest.mark.promise("FEED-1")
def test_what_is_there_is_answered_at_once(stage: Stage, dm: DirectMessages) -> None:
    start = now(dm)
    for _ in range(3):
        dm.mailbox("bob").start("ann", "x")
    for after in (start, None):
        page = ask(stage, after, limit=2)
        assert page == dm.mailbox("ann").changes(after=after, limit=2)
        assert (len(page.items), page.has_more) == (2, True)
    assert stage.is_free("ann")


@pytest.mark.promise("FEED-1")
def test_what_comes_while_it_waits_is_answered_then_and_only_that(
    stage: Stage, dm: DirectMessages
) -> None:
    dm.mailbox("bob").start("ann", "before")
    start = now(dm)
    asking = Asking(stage, "ann", start)
    dm.mailbox("bob").start("cyd", "of no interest")
    dm.mailbox("bob").start("ann", "x")
    found = asking.answered()
    assert isinstance(found, Changes)
    assert found == dm.mailbox("ann").changes(after=start)
    assert len(found.items) == 1
    assert stage.is_free("ann")


def test_it_waits_no_longer_than_was_asked_and_not_at_all_for_nothing(
    stage: Stage, dm: DirectMessages
) -> None:
    start = now(dm)
    for seconds in (0, 0.05):
        page = ask(stage, start, seconds=seconds)
        assert (page.items, page.next, page.has_more) == ((), start, False)
    assert stage.is_free("ann")


def test_what_is_refused_without_waiting_is_refused_with_it(
    stage: Stage, dm: DirectMessages
) -> None:
    for seconds in (0, LONG_S):
        with pytest.raises(InvalidCursor):
            ask(stage, "nonsense", seconds=seconds)
        with pytest.raises(InvalidPageSize):
            ask(stage, None, limit=101, seconds=seconds)
    start = now(dm)
    dm.mailbox("bob").start("ann", "x")
    late = dm.mailbox("ann").changes().items[0].at + timedelta(days=1)
    dm.operations("olga").prune_journals(before=late)
    for seconds in (0, LONG_S):
        with pytest.raises(CursorExpired):
            ask(stage, start, seconds=seconds)
    assert stage.is_free("ann")


def test_one_who_waits_takes_a_place_among_the_streams(stage: Stage, dm: DirectMessages) -> None:
    start = now(dm)
    stream = stage.opened("ann")
    asking = Asking(stage, "ann", start)
    assert comes_true(lambda: len(stage.live._room.of(stage.visit("ann").mailbox.user)) == 2)
    with pytest.raises(TooManyStreams):
        ask(stage, start)
    assert ask(stage, start, seconds=0).items == (), "who does not wait takes none"
    dm.mailbox("bob").start("ann", "x")
    assert isinstance(asking.answered(), Changes)
    stage.closed(stream)
    assert stage.is_free("ann")


@pytest.mark.promise("OPS-1")
def test_one_who_waits_is_told_that_messaging_was_turned_off(
    stage: Stage, dm: DirectMessages
) -> None:
    asking = Asking(stage, "ann", now(dm))
    dm.operations("olga").set_mode("off")
    assert isinstance(asking.answered(), MessagingUnavailable)
    assert stage.is_free("ann")


def test_one_whose_sign_in_ends_while_they_wait_gets_nothing(
    make_stage: MakeStage, dm: DirectMessages
) -> None:
    out: set[str] = set()
    stage = make_stage(attrs.evolve(QUICK, is_current=lambda viewer: viewer.session not in out))
    asking = Asking(stage, "ann", now(dm), session="1")
    out.add("1")
    assert isinstance(asking.answered(), NotSignedIn)
    assert stage.is_free("ann")


def test_logging_out_and_closing_end_the_wait(stage: Stage, dm: DirectMessages) -> None:
    start = now(dm)
    asking = Asking(stage, "ann", start)
    stage.live.disconnect("ann")
    ended = asking.answered()
    assert isinstance(ended, Changes)
    assert ended.items == ()
    asking = Asking(stage, "ann", start)
    stage.live.close()
    ended = asking.answered()
    assert isinstance(ended, Changes)
    assert ended.items == ()
    assert ask(stage, start).items == (), "nothing waits any more"
    assert stage.is_free("ann")


def test_one_who_waits_is_not_taken_for_one_who_stopped_reading(
    make_stage: MakeStage, dm: DirectMessages
) -> None:
    stage = make_stage(rhythm=Rhythm(stalled=0.05))
    asking = Asking(stage, "ann", now(dm))
    stage.opened("bob")
    assert comes_true(lambda: stage.is_free("bob"))
    assert not stage.is_free("ann")
    dm.mailbox("bob").start("ann", "x")
    found = asking.answered()
    assert isinstance(found, Changes)
    assert len(found.items) == 1
