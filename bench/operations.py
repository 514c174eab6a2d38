"""What is measured: each operation through dmcore's facade and through its floor, and the targets.

An operation is prepared as calls without arguments, so that the clock sees nothing but the call.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

import attrs
from bench.awaited import TASKS, sends_by_tasks
from bench.floors import INBOX_PAGE, THREAD_PAGE, Floor
from bench.scale import DEEP, UNREAD_WAITING, Place, Waiting
from bench.stores import Store

from dmcore.domain.paging import Cursor

Item = TypeVar("Item")

THREADS: Final = 8
BODY: Final = "the rain stopped and we walked home along the river, talking about nothing much"

Call = Callable[[], object]
Pick = tuple[list[Call], list[Call]]
"""The same work through the floor and through dmcore."""


@attrs.frozen(kw_only=True)
class Targets:
    """What dmcore must reach: of the floor's time at most, or of the floor's throughput at least.

    ``first`` is what holds now, ``final`` what the project is on its way to.
    """

    first: float | None
    final: float | None


@attrs.frozen(kw_only=True)
class Operation:
    """One line of the table.

    ``pick`` prepares a number of calls for a round; ``between`` runs untimed after each series, to
    restore what the calls have used up. With ``threads`` above one the throughput counts, and each
    thread has a floor of its own; with ``tasks`` too, and one call does the work of all of them.
    """

    name: str
    writes: bool
    pick: Callable[[int], Pick]
    targets: Targets
    share: float = 1.0
    between: Callable[[], None] = lambda: None
    threads: int = 1
    tasks: int = 1

    @property
    def is_parallel(self) -> bool:
        """Whether what counts is how much is done in a time."""
        return self.threads > 1 or self.tasks > 1


def operations(store: Store) -> list[Operation]:
    """Everything that is measured on a store, reads first."""
    goals = _POSTGRES if store.name == "PostgreSQL" else _SQLITE
    found = [
        Operation(
            name=f"inbox page of {INBOX_PAGE}",
            writes=False,
            pick=_inbox(store),
            targets=goals["inbox"],
        ),
        Operation(
            name=f"thread page of {THREAD_PAGE}, newest",
            writes=False,
            pick=_thread_newest(store),
            targets=goals["thread"],
        ),
        Operation(
            name=f"thread page of {THREAD_PAGE}, {DEEP:,} deep",
            writes=False,
            pick=_thread_deep(store),
            targets=goals["thread"],
        ),
        Operation(name="unread count", writes=False, pick=_unread(store), targets=goals["unread"]),
        Operation(name="block check", writes=False, pick=_blocks(store), targets=goals["block"]),
        _marking(store, goals["mark"]),
        Operation(name="send", writes=True, pick=_send(store), targets=goals["send"], share=0.5),
    ]
    if store.name == "PostgreSQL":
        found.append(
            Operation(
                name=f"send, {THREADS} threads",
                writes=True,
                pick=_send_in_threads(store),
                targets=goals["parallel"],
                share=2.0,
                threads=THREADS,
            )
        )
        found.append(
            Operation(
                name=f"send, {TASKS} tasks",
                writes=True,
                pick=sends_by_tasks(store, BODY),
                targets=goals["tasks"],
                share=2.0,
                tasks=TASKS,
            )
        )
    return found


_POSTGRES: Final = {
    "inbox": Targets(first=5, final=2.5),
    "thread": Targets(first=4, final=2),
    "unread": Targets(first=5, final=2),
    "block": Targets(first=None, final=None),
    "mark": Targets(first=5, final=2.5),
    "send": Targets(first=5, final=2.5),
    "parallel": Targets(first=0.15, final=0.40),
    "tasks": Targets(first=0.15, final=0.30),
}
_READ: Final = Targets(first=3, final=1.7)
_SQLITE: Final = {
    **dict.fromkeys(("inbox", "thread", "unread", "block"), _READ),
    "mark": Targets(first=None, final=None),
    "send": Targets(first=5, final=2.5),
}


def _cycled(items: Sequence[Item], seed: str) -> Iterator[Item]:
    """The items over and over, in an order of no meaning."""
    return itertools.cycle(random.Random(seed).sample(items, len(items)))


# How each is prepared ---------------------------------------------------------------------------


def _inbox(store: Store) -> Callable[[int], Pick]:
    users = _cycled(store.population.busy(INBOX_PAGE), "inbox")

    def pick(count: int) -> Pick:
        drawn = list(itertools.islice(users, count))
        return (
            [partial(store.floor.inbox, user) for user in drawn],
            [partial(_read_inbox, store, user) for user in drawn],
        )

    return pick


def _read_inbox(store: Store, user: str) -> object:
    return store.dm.mailbox(user).inbox(limit=INBOX_PAGE)


def _thread_newest(store: Store) -> Callable[[int], Pick]:
    places = _cycled(store.population.long(THREAD_PAGE), "thread")

    def pick(count: int) -> Pick:
        drawn = list(itertools.islice(places, count))
        return (
            [partial(store.floor.thread, it.user, it.conversation, None) for it in drawn],
            [partial(_read_thread, store, it, None) for it in drawn],
        )

    return pick


@attrs.frozen
class _Depth:
    """A place deep in a conversation, as both name it."""

    place: Place
    message: UUID
    cursor: Cursor


def _thread_deep(store: Store) -> Callable[[int], Pick]:
    places = store.population.deep()
    known = {place: depth_of(store, place) for place in set(places)}
    depths = _cycled([known[place] for place in places], "deep")

    def pick(count: int) -> Pick:
        drawn = list(itertools.islice(depths, count))
        return (
            [
                partial(store.floor.thread, it.place.user, it.place.conversation, it.message)
                for it in drawn
            ],
            [partial(_read_thread, store, it.place, it.cursor) for it in drawn],
        )

    return pick


def depth_of(store: Store, place: Place) -> _Depth:
    """Where a reader is who has paged back ``DEEP`` messages."""
    mailbox, size = store.dm.mailbox(place.user), 100
    page = mailbox.thread(place.conversation, limit=size)
    for _ in range(DEEP // size - 1):
        page = mailbox.thread(place.conversation, limit=size, before=page.older)
    if page.older is None:
        raise AssertionError("the conversation is not deep enough")
    return _Depth(place, page.items[0].id, page.older)


def _read_thread(store: Store, place: Place, before: Cursor | None) -> object:
    mailbox = store.dm.mailbox(place.user)
    return mailbox.thread(place.conversation, limit=THREAD_PAGE, before=before)


def _unread(store: Store) -> Callable[[int], Pick]:
    users = _cycled(store.population.users, "unread")

    def pick(count: int) -> Pick:
        drawn = list(itertools.islice(users, count))
        return (
            [partial(store.floor.unread, user) for user in drawn],
            [partial(_read_unread, store, user) for user in drawn],
        )

    return pick


def _read_unread(store: Store, user: str) -> object:
    return store.dm.mailbox(user).unread()


def _blocks(store: Store) -> Callable[[int], Pick]:
    blocks = store.population.blocks()
    # Half of those who are asked about have blocked the one who asks, half are blocked by them.
    both = [*blocks, *((other, one) for one, other in blocks)]
    asked = _cycled(both, "blocks")

    def pick(count: int) -> Pick:
        drawn = list(itertools.islice(asked, count))
        return (
            [partial(store.floor.blocks, one, other) for one, other in drawn],
            [partial(_check_block, store, other, one) for one, other in drawn],
        )

    return pick


def _check_block(store: Store, viewer: str, other: str) -> object:
    return store.dm.mailbox(viewer).can_see_profile(other)


def _marking(store: Store, targets: Targets) -> Operation:
    waiting = store.population.waiting()
    turns = _cycled(waiting, "waiting")
    used: list[Waiting] = []

    def pick(count: int) -> Pick:
        drawn = list(itertools.islice(turns, min(count, len(waiting))))
        used[:] = drawn
        return (
            [partial(store.floor.mark_read, it.user, it.conversation, it.newest) for it in drawn],
            [partial(_mark_read, store, it) for it in drawn],
        )

    return Operation(
        name=f"mark read, {UNREAD_WAITING} unread",
        writes=True,
        pick=pick,
        targets=targets,
        share=0.5,
        between=lambda: store.rewind(used),
    )


def _mark_read(store: Store, waiting: Waiting) -> None:
    store.dm.mailbox(waiting.user).mark_read(waiting.conversation, through=waiting.newest)


def _sends(store: Store, floors: Sequence[Floor], places: Sequence[Place]) -> Pick:
    return (
        [
            partial(floor.send, it.user, it.conversation, BODY)
            for floor, it in zip(itertools.cycle(floors), places, strict=False)
        ],
        [partial(_write, store, it) for it in places],
    )


def _write(store: Store, place: Place) -> object:
    return store.dm.mailbox(place.user).send(place.conversation, BODY)


def _send(store: Store) -> Callable[[int], Pick]:
    rounds = itertools.count()

    def pick(count: int) -> Pick:
        places = store.population.active(count, f"send {next(rounds)}")
        return _sends(store, [store.floor], places)

    return pick


def _send_in_threads(store: Store) -> Callable[[int], Pick]:
    rounds = itertools.count()
    floors: list[Floor] = []

    def pick(count: int) -> Pick:
        if not floors:
            floors.extend(store.floor.another() for _ in range(THREADS))
        places = store.population.active(count, f"send in threads {next(rounds)}")
        return _sends(store, floors, places)

    return pick
