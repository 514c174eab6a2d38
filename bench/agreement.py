"""Before anything is timed: a floor answers what dmcore answers and changes what dmcore changes."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Final

from bench.floors import INBOX_PAGE, THREAD_PAGE, Floor
from bench.operations import depth_of
from bench.scale import Place, Waiting
from bench.stores import Store

from dmcore import DirectMessages
from dmcore.adapters.clock import ManualClock
from dmcore.domain.message import Message

_SAMPLES: Final = 3
_BODY: Final = "said once by each of them"
_TABLES: Final = {
    "dm_conversation": "true",
    "dm_side": "true",
    "dm_mailbox": "true",
    "dm_block": "true",
    "dm_receipt": "at_us >= {}",
    "dm_message": "sent_at_us >= {}",
    "dm_journal": "at_us >= {}",
}


_Pair = tuple[Callable[[Floor], object], Callable[[DirectMessages], object]]


class _Fixed:
    """An entropy that is always the same, so that both make the same ids."""

    def draw(self) -> int:
        return 0x2A << 64


class Disagreement(Exception):
    """A floor does not do what dmcore does, so a comparison would mean nothing."""


def check_agreement(store: Store) -> None:
    """Compare both on a few of everything. Raises ``Disagreement``."""
    population = store.population
    for user in population.busy(INBOX_PAGE)[:_SAMPLES]:
        _same("inbox", list(_inbox_of(store.dm, user)), _cut(store.floor.inbox(user), INBOX_PAGE))
    for place in population.long(THREAD_PAGE)[:_SAMPLES]:
        _check_thread(store, place)
    for place in population.deep()[:2]:
        _check_thread(store, place, deep=True)
    for user in population.users[:_SAMPLES]:
        _same("unread", [("on", store.dm.mailbox(user).unread())], _cut(store.floor.unread(user)))
    for one, other in population.blocks()[:_SAMPLES]:
        for blocker, blocked in ((one, other), (other, one)):
            answer = not store.dm.mailbox(blocked).can_see_profile(blocker)
            _same("blocks", [("on", answer)], _cut(store.floor.blocks(blocker, blocked)))
    for place in population.active(_SAMPLES, "agreement"):
        _check_changes(store, "send", *_sends_of(place))
    for waiting in population.waiting()[:_SAMPLES]:
        _check_changes(store, "mark read", *_marks_of(waiting))
        store.rewind([waiting])


def _sends_of(place: Place) -> _Pair:
    return (
        lambda floor: floor.send(place.user, place.conversation, _BODY),
        lambda dm: dm.mailbox(place.user).send(place.conversation, _BODY),
    )


def _marks_of(it: Waiting) -> _Pair:
    return (
        lambda floor: floor.mark_read(it.user, it.conversation, it.newest),
        lambda dm: dm.mailbox(it.user).mark_read(it.conversation, through=it.newest),
    )


def check_health(store: Store) -> None:
    """Let dmcore recount everything. Raises ``Disagreement``."""
    _same("verification", [], list(store.dm.operations("operator").verify()))


def _same(what: str, by_dmcore: object, by_floor: object) -> None:
    if by_dmcore != by_floor:
        raise Disagreement(f"{what}: dmcore has {by_dmcore!r}, the floor has {by_floor!r}")


def _cut(rows: Any, page: int = 1) -> list[tuple[object, ...]]:
    """The rows of a page, without the one to spare; texts and truths in comparable form."""
    return [tuple(getattr(value, "text", value) for value in row) for row in rows[:page]]


def _inbox_of(dm: DirectMessages, user: str) -> Iterator[tuple[object, ...]]:
    for it in dm.mailbox(user).inbox(limit=INBOX_PAGE).items:
        preview = _said(it.preview) if it.preview else (None,) * 7
        listing = (it.conversation, it.other, it.newest, it.read, it.unread, it.is_muted)
        yield ("on", *listing, *preview)


def _said(message: Message) -> tuple[object, ...]:
    return (
        message.sender,
        None if message.body is None else message.body.text,
        message.sent_at_us,
        message.edited_at_us,
        message.reply_to,
        message.thread_id,
        message.seen_at_us,
    )


def _check_thread(store: Store, place: Place, *, deep: bool = False) -> None:
    depth = depth_of(store, place) if deep else None
    page = store.dm.mailbox(place.user).thread(
        place.conversation, limit=THREAD_PAGE, before=depth.cursor if depth else None
    )
    found = store.floor.thread(place.user, place.conversation, depth.message if depth else None)
    by_dmcore = [("on", page.other, page.read, it.id, *_said(it)) for it in reversed(page.items)]
    _same("thread", by_dmcore, _cut(found, THREAD_PAGE))
    _same("has more", page.has_more, len(found) > THREAD_PAGE)


def _check_changes(
    store: Store,
    what: str,
    by_floor: Callable[[Floor], object],
    by_dmcore: Callable[[DirectMessages], object],
) -> None:
    """Do it by the floor, undo it, do it by dmcore at the same instant: every row is the same."""
    at_us = store.clock.now_us()
    dm, floor = store.open_both(ManualClock(at_us), _Fixed())
    with dm, closing(floor):
        with floor.rehearsal():
            by_floor(floor)
            changed_by_floor = _rows(floor, at_us)
        by_dmcore(dm)
        _same(f"{what}, rows", _rows(floor, at_us) - changed_by_floor, set())
        _same(f"{what}, rows", set(), changed_by_floor - _rows(floor, at_us))


def _rows(floor: Floor, at_us: int) -> set[object]:
    """Every row that a write of this instant can have touched, and many that it must not."""
    return {
        (table, *row)
        for table, condition in _TABLES.items()
        for row in floor.rows(f"SELECT * FROM {table} WHERE {condition.format(at_us)}")
    }
