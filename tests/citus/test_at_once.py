"""Many who write to each other at once lose nothing, though each machine commits by itself."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest
from tests.support.stores import PostgresHarness

from dmcore.adapters.sql._transactions import SqlTransactions
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import World, facts_of, inbox_of, text_of, thread_of

pytestmark = pytest.mark.promise("SCALE-2", "MSG-4", "PAIR-2")

_EACH: Final = 25


@pytest.fixture
def world(harness: PostgresHarness) -> World:
    made = World(harness)
    runner = runner_of(made.dm)
    assert isinstance(runner, SqlTransactions)
    assert runner._security.is_spread
    return made


def _at_once(*acts: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(acts)) as threads:
        for done in [threads.submit(act) for act in acts]:
            done.result()


def test_two_who_write_to_each_other(world: World) -> None:
    place = world.ann.start("bob", "hello").conversation

    def writes(name: str) -> None:
        box = world.dm.mailbox(name)
        for number in range(_EACH):
            box.send(place, f"{name} {number}")

    _at_once(lambda: writes("ann"), lambda: writes("ann"), lambda: writes("bob"))
    texts = [text_of(it) for it in thread_of(world.ann, place)]
    assert sorted(texts) == sorted(
        [
            "hello",
            *(f"ann {n}" for n in range(_EACH)),
            *(f"ann {n}" for n in range(_EACH)),
            *(f"bob {n}" for n in range(_EACH)),
        ]
    )
    assert world.ann.unread() == _EACH
    assert world.bob.unread() == 2 * _EACH + 1
    assert world.is_sound()


def test_everybody_begins_with_everybody(world: World) -> None:
    names = ("ann", "bob", "cyd", "dan")

    def begins(name: str) -> None:
        for other in names:
            if other != name:
                world.dm.mailbox(name).start(other, f"from {name}")

    _at_once(*(lambda name=name: begins(name) for name in names))
    for name in names:
        box = world.dm.mailbox(name)
        assert len(inbox_of(box)) == len(names) - 1
        assert box.unread() == len(names) - 1
    assert world.is_sound()


def test_a_feed_that_is_followed_meanwhile_leaves_nothing_out(world: World) -> None:
    place = world.ann.start("bob", "hello").conversation
    cursor = world.bob.snapshot().cursor
    seen: list[object] = []

    def writes(name: str) -> None:
        for number in range(_EACH):
            world.dm.mailbox(name).send(place, str(number))

    def follows() -> None:
        after = cursor
        while len(seen) < 2 * _EACH:
            page = world.bob.changes(after=after, limit=3)
            seen.extend(page.items)
            after = page.next

    _at_once(lambda: writes("ann"), lambda: writes("ann"), follows)
    assert seen == facts_of(world.bob, after=cursor)


def test_awaited_it_is_the_same(awaited: World) -> None:
    place = awaited.ann.start("bob", "hello").conversation
    awaited.bob.send(place, "hello yourself")
    assert [text_of(it) for it in thread_of(awaited.ann, place)] == ["hello", "hello yourself"]
    assert [it.conversation for it in inbox_of(awaited.bob)] == [place]
    assert awaited.is_sound()
