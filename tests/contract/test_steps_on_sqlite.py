"""What SQLite does for a page or a write does not grow with what there is (SCALE-1, PAGE-3).

Counted in the instructions of its machine: of its plans it tells too little. Nothing is timed.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Final
from uuid import UUID

import pytest
from tests.support.stores import SqliteHarness, engine_of, listening

from dmcore import Message
from dmcore.adapters import sql
from dmcore.testing.world import UNLIMITED, World, walked

pytestmark = pytest.mark.promise("SCALE-1", "PAGE-3")

# Both are more than any page, so that all pages are full; an index of the second is deeper.
SOME: Final = 400
MANY: Final = 12_000
# A deeper index is a few instructions more for each row that is looked up.
_TOLERATED: Final = 1.25

Calls = Mapping[str, Callable[[], object]]


class Place:
    """A store in which ann has talked to bob for long, and to many others."""

    def __init__(self, url: str, size: int) -> None:
        sql.initialise(url)
        self.world = World(SqliteHarness(url), policy=UNLIMITED)
        self.world.bob.start("ann", "x")
        self.sent: Message = self.world.ann.start("bob", "x")
        self.world.bob.block("mallory")
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            _long(connection, self.sent, size)
            _crowd(connection, size)
            connection.execute("ANALYZE")

    def steps_of(self, call: Callable[[], object]) -> int:
        """How many instructions SQLite ran for a call."""
        with _counting(self.world) as steps:
            call()
        return len(steps)

    def calls(self) -> Calls:
        """Everything whose cost could grow, by name, from places that are deep or at an end."""
        world, place = self.world, self.sent.conversation
        ann, bob = world.ann, world.bob
        page, thread = ann.inbox(limit=20), ann.thread(place, limit=50)
        middle = _deep(lambda cursor: ann.thread(place, limit=100, before=cursor).older, 3)
        export = _deep(lambda cursor: ann.export(limit=100, cursor=cursor).next, 6)
        feed = _deep(lambda cursor: ann.changes(limit=100, after=cursor).next, 3)
        own, another = ann.send(place, "mine").id, ann.send(place, "mine too").id
        return {
            "inbox": lambda: ann.inbox(limit=20),
            "inbox, next": lambda: ann.inbox(limit=20, cursor=page.next),
            "archived": lambda: ann.archived(limit=20),
            "thread": lambda: ann.thread(place, limit=50),
            "thread, older": lambda: ann.thread(place, limit=50, before=thread.older),
            "thread, newer": lambda: ann.thread(place, limit=50, after=thread.newer),
            "thread, older from the middle": lambda: ann.thread(place, limit=50, before=middle),
            "thread, newer from the middle": lambda: ann.thread(place, limit=50, after=middle),
            "export": lambda: ann.export(limit=50, cursor=export),
            "unread": ann.unread,
            "profiles": lambda: ann.visible_profiles(["bob", "cyd", "mallory"]),
            "conversation": lambda: ann.conversation(place),
            "changes": lambda: ann.changes(limit=50, after=feed),
            "snapshot": lambda: ann.snapshot(limit=20),
            "can message": lambda: ann.can_message("bob"),
            "send": lambda: ann.send(place, "z"),
            "send under a key": lambda: ann.send(place, "z", key="k"),
            "reply": lambda: ann.send(place, "z", reply_to=self.sent.id),
            "start": lambda: ann.start("eve", "z"),
            "edit": lambda: ann.edit(place, own, "other"),
            "mark read, up to the newest": lambda: bob.mark_read(
                place, through=bob.inbox().items[0].newest
            ),
            "mark read, up to an own one": lambda: ann.mark_read(place, through=own),
            "hide": lambda: ann.hide(place, own),
            "delete": lambda: ann.delete(place, another),
            "block": lambda: ann.block("mallory"),
            "clear": lambda: bob.clear(place),
            "thread, of what is cleared": lambda: bob.thread(place, limit=50),
        }


def _deep(page: Callable[[Any], Any], times: int) -> Any:
    cursor = None
    for _ in range(times):
        cursor = page(cursor)
    return cursor


def _row_of(connection: sqlite3.Connection, table: str, **found: object) -> dict[str, Any]:
    where = " AND ".join(f"{name} = ?" for name in found)
    cursor = connection.execute(f"SELECT * FROM {table} WHERE {where}", list(found.values()))
    names = [name for name, *_ in cursor.description]
    return dict(zip(names, cursor.fetchone(), strict=True))


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[dict[str, Any]]) -> None:
    for row in rows:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", list(row.values()))


def _long(connection: sqlite3.Connection, sent: Message, size: int) -> None:
    """Messages before all others, in turn from both; and their facts in ann's journal, behind."""
    row = _row_of(connection, "dm_message", id=sent.id.bytes)
    _insert(
        connection,
        "dm_message",
        (
            row
            | {"id": UUID(int=(7 << 76) + n).bytes, "sender": ("ann", "bob")[n % 2], "key": None}
            for n in range(size)
        ),
    )
    fact = _row_of(connection, "dm_journal", user_id="ann", position=1)
    _insert(connection, "dm_journal", (fact | {"position": n + 100} for n in range(size)))
    connection.execute("UPDATE dm_mailbox SET position = ? WHERE user_id = 'ann'", [size + 100])


def _crowd(connection: sqlite3.Connection, size: int) -> None:
    """Conversations with others, one message in each; nobody's are older."""
    talk = _row_of(connection, "dm_conversation", low="ann", high="bob")
    side = _row_of(connection, "dm_side", user_id="ann", other="bob")
    message = _row_of(connection, "dm_message", id=side["newest"])
    ids = [UUID(int=n + 1).bytes for n in range(size)]
    _insert(
        connection,
        "dm_conversation",
        (talk | {"id": id_, "high": f"user {n}"} for n, id_ in enumerate(ids)),
    )
    _insert(
        connection,
        "dm_side",
        (side | {"conversation_id": id_, "other": f"user {n}"} for n, id_ in enumerate(ids)),
    )
    _insert(
        connection, "dm_message", (message | {"conversation_id": it, "key": None} for it in ids)
    )


@contextmanager
def _counting(world: World) -> Iterator[list[None]]:
    steps = list[None]()

    def count() -> int:
        steps.append(None)
        return 0

    def checkout(connection: Any, *_rest: object) -> None:
        connection.set_progress_handler(count, 1)

    def checkin(connection: Any, *_rest: object) -> None:
        connection.set_progress_handler(None, 0)

    with listening(engine_of(world.dm), checkout=checkout, checkin=checkin):
        yield steps


@pytest.fixture
def places(tmp_path: Any) -> Iterator[tuple[Place, Place]]:
    some, many = (Place(f"sqlite:///{tmp_path}/{size}.db", size) for size in (SOME, MANY))
    yield some, many
    for place in (some, many):
        place.world.harness.close()


def test_nothing_takes_more_where_there_is_more(places: tuple[Place, Place]) -> None:
    small, large = (place.calls() for place in places)
    grown = {}
    for name in small:
        some, many = places[0].steps_of(small[name]), places[1].steps_of(large[name])
        assert some > 10, name
        if many > some * _TOLERATED:
            grown[name] = (some, many)
    assert grown == {}


def test_a_walk_through_all_is_the_sum_of_its_pages(places: tuple[Place, Place]) -> None:
    """Of an export too: what is before a place is not gone through again."""

    def for_each(place: Place) -> float:
        bob, found = place.world.bob, 0

        def walk() -> None:
            nonlocal found
            found = len(list(walked(lambda at: bob.export(limit=100, cursor=at))))

        return place.steps_of(walk) / found

    some, many = map(for_each, places)
    assert many <= some * _TOLERATED
