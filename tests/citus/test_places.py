"""What is asked often goes to one shard at a time, however many there are (SCALE-1, SCALE-2)."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection
from tests.support.stores import PostgresHarness, engine_of, listening

from dmcore.testing.world import UNLIMITED, World

pytestmark = pytest.mark.promise("SCALE-1", "SCALE-2")


def _counts(plan: Any) -> Iterator[int]:
    """How many shards each part of a plan goes to."""
    if isinstance(plan, list):
        for each in plan:
            yield from _counts(each)
    elif isinstance(plan, dict):
        for name, value in plan.items():
            if name == "Task Count":
                yield value
            else:
                yield from _counts(value)


def _asked(world: World, call: Callable[[], object]) -> list[int]:
    """The same of all that a call asks."""
    counts: list[int] = []

    def note(
        connection: Connection, _cursor: object, statement: str, values: Any, *_rest: object
    ) -> None:
        driver: Any = connection.connection.dbapi_connection
        if statement.startswith(("SELECT", "WITH")):
            is_named = isinstance(values, Mapping)
            cursor: Any = driver.cursor() if is_named else psycopg.RawCursor(driver)
            cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
            plan = cursor.fetchone()[0]
            counts.extend(_counts(json.loads(plan) if isinstance(plan, str) else plan))

    with listening(engine_of(world.dm), before_cursor_execute=note):
        call()
    return counts


def test_each_part_of_what_is_asked_often_goes_to_one_shard(harness: PostgresHarness) -> None:
    world = World(harness, policy=UNLIMITED)
    ann, bob = world.ann, world.bob
    sent = ann.start("bob", "x")
    place = sent.conversation
    reply = bob.send(place, "y", reply_to=sent.id)
    thread = ann.thread(place, limit=1)
    calls: dict[str, Callable[[], object]] = {
        "thread": lambda: ann.thread(place, limit=50),
        "thread, older": lambda: ann.thread(place, limit=50, before=thread.older),
        "replies": lambda: ann.thread(place, limit=50, root=sent.id),
        "unread": ann.unread,
        "conversation": lambda: ann.conversation(place),
        "profile": lambda: ann.can_see_profile("bob"),
        "changes": lambda: ann.changes(limit=50),
        "blocked": ann.blocked,
        "can message": lambda: ann.can_message("bob"),
        "send": lambda: ann.send(place, "z"),
        "send under a key": lambda: ann.send(place, "z", key="k"),
        "reply": lambda: ann.send(place, "z", reply_to=reply.id),
        "edit": lambda: bob.edit(place, reply.id, "w"),
        "start": lambda: ann.start("eve", "z"),
        "mark read": lambda: bob.mark_read(place, through=sent.id),
        "archive": lambda: ann.archive(place),
        "delete": lambda: bob.delete(place, reply.id),
        "block": lambda: ann.block("mallory"),
    }
    found = {name: _asked(world, call) for name, call in calls.items()}
    assert all(found.values())
    assert {name: counts for name, counts in found.items() if set(counts) != {1}} == {}


def test_a_page_of_the_inbox_asks_for_its_lines_in_one_place(harness: PostgresHarness) -> None:
    """For what they show it asks everywhere, for no more than that."""
    world = World(harness, policy=UNLIMITED)
    world.ann.start("bob", "x")
    counts = _asked(world, world.ann.inbox)
    assert sum(count > 1 for count in counts) == 2
    assert max(counts) > 1
