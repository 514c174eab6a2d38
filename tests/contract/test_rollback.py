"""All of a change or nothing of it, wherever it breaks."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event
from tests.contract.conftest import MakeWorld
from tests.support.faults import Breakdown, BreakingTransactions
from tests.support.stores import SqlHarness, SqliteHarness, engine_of, runner_of
from tests.support.world import SECOND_US, World, inbox_of, texts, thread_of

from dmcore import DirectMessages, Mode, Policy, RateLimit
from dmcore.adapters import sql
from dmcore.domain.account import Account
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.errors import LimitReached, StoreRefused, StoreUnavailable
from dmcore.ports.transactions import Transaction

POLICY = Policy(
    messages=RateLimit(8, timedelta(minutes=1)),
    starts=RateLimit(8, timedelta(days=1)),
    blocked="absorb",
)


def arranged(make_world: MakeWorld) -> World:
    """Conversations of every kind: answered, unread, one that exists for the partner only."""
    world = make_world(POLICY)
    sent = world.ann.start("bob", "one", key="1")
    world.bob.send(sent.conversation, "two")
    world.cyd.start("ann", "three")
    world.ann.block("dan")
    world.dan.start("ann", "absorbed")
    world.ann.unblock("dan")
    world.ann.block("eve")
    return world


def refused_after_a_jump(dm: DirectMessages, world: World) -> None:
    """A refusal that stores something: the sender's windows, corrected by a clock set back."""
    now_us = world.clock.now_us()
    world.clock.set_us(now_us - SECOND_US)
    try:
        with pytest.raises(LimitReached):
            dm.mailbox("fay").start("bob", "one more")
    finally:
        world.clock.set_us(now_us)


CHANGES: dict[str, tuple[int, Callable[[DirectMessages, World], object]]] = {
    "a first message": (5, lambda dm, _: dm.mailbox("ann").start("zoe", "x")),
    "a first message between strangers": (5, lambda dm, _: dm.mailbox("yan").start("zoe", "x")),
    "a reply": (5, lambda dm, _: dm.mailbox("ann").start("bob", "x", key="2")),
    "a message that is absorbed": (4, lambda dm, _: dm.mailbox("eve").start("ann", "x")),
    "a start where only the partner had one": (
        5,
        lambda dm, _: dm.mailbox("ann").start("dan", "x"),
    ),
    "a read marker": (
        3,
        lambda dm, world: dm.mailbox("ann").mark_read(
            (entry := inbox_of(world.ann)[0]).conversation, through=entry.newest
        ),
    ),
    "a block": (4, lambda dm, _: dm.mailbox("ann").block("bob")),
    "a block of a stranger": (3, lambda dm, _: dm.mailbox("yan").block("zoe")),
    "an unblock": (3, lambda dm, _: dm.mailbox("ann").unblock("eve")),
    "a turn of the switch": (3, lambda dm, _: dm.operations("otto").set_mode("read_only")),
    "a refusal after a jump": (1, refused_after_a_jump),
}


@pytest.mark.promise("MSG-4", "FEED-2")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_breakdown_after_any_write_leaves_everything_as_it_was(
    make_world: MakeWorld, change: tuple[int, Callable[[DirectMessages, World], object]]
) -> None:
    writes, act = change
    world = arranged(make_world)
    for number in range(8):
        world.dm.mailbox("fay").start("bob", str(number))
    for after in count(1):
        breaking = DirectMessages(
            policy=POLICY,
            transactions=BreakingTransactions(runner_of(world.dm), after=after),
            clock=world.clock,
            entropy=world.entropy,
        )
        before = world.harness.contents()
        try:
            act(breaking, world)
        except Breakdown:
            assert world.harness.contents() == before
            assert world.is_sound()
        else:
            break
    assert after == writes + 1
    assert world.harness.contents() != before
    assert world.is_sound()


class Stop(BaseException):
    """As a worker is told to stop in the middle of a request."""


@pytest.mark.promise("MSG-4")
def test_an_interruption_that_is_no_error_undoes_everything_too(world: World) -> None:
    user = User(TenantId(""), UserId("ann"))

    def interrupted(tx: Transaction) -> None:
        tx.mailboxes.save(Account(user=user, position=0))
        raise Stop

    with world.unchanged(), pytest.raises(Stop):
        runner_of(world.dm).write(interrupted)
    world.ann.start("bob", "still works")


@contextmanager
def breaking_at(dm: DirectMessages, moment: str) -> Iterator[list[str]]:
    """The worker is stopped right after the statement that writes, or right before COMMIT."""
    engine = engine_of(dm)
    happened: list[str] = []

    def listener(*arguments: object) -> None:
        is_writing = moment == "commit" or str(arguments[2]).startswith(("WITH w0", "INSERT"))
        if is_writing:
            happened.append(moment)
            raise Stop

    event.listen(engine, moment, listener)
    try:
        yield happened
    finally:
        event.remove(engine, moment, listener)


def changes_of(world: World) -> tuple[Callable[[], object], ...]:
    sent = world.ann.start("bob", "one", key="1")
    return (
        lambda: world.ann.start("zoe", "x"),
        lambda: world.ann.send(sent.conversation, "two", key="2"),
        lambda: world.ann.block("bob"),
        lambda: world.olga.set_mode("off"),
    )


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("moment", ["after_cursor_execute", "commit"])
def test_nothing_is_there_before_the_commit(sql_world: World, moment: str) -> None:
    """The acknowledgement comes after COMMIT: what breaks before it was never sent."""
    changes = changes_of(sql_world)
    with breaking_at(sql_world.dm, moment) as happened:
        for change in changes:
            with sql_world.unchanged(), pytest.raises(Stop):
                change()
            assert sql_world.olga.mode() is Mode.ON
    assert len(happened) == len(changes)
    with sql_world.unchanged():
        assert sql_world.ann.unread() == 0
    second = sql_world.ann.start("bob", "two", key="2")
    assert texts(thread_of(sql_world.bob, second.conversation)) == ["one", "two"]
    assert sql_world.is_sound()


@pytest.mark.promise("MSG-4")
def test_a_commit_that_the_database_refuses_is_undone(sqlite_url: str) -> None:
    """As when a reader keeps SQLite from committing; the next writer must find the door open."""
    sql.initialise(sqlite_url)
    harness = SqliteHarness(sqlite_url)
    world = World(harness)
    changes = changes_of(world)

    def refuse_commit(action: int, argument: str | None, *_: object) -> int:
        is_commit = action == sqlite3.SQLITE_TRANSACTION and argument == "COMMIT"
        return sqlite3.SQLITE_DENY if is_commit else sqlite3.SQLITE_OK

    def checkout(connection: Any, *_: object) -> None:
        connection.set_authorizer(refuse_commit)

    def checkin(connection: Any, *_: object) -> None:
        if connection is not None:
            connection.set_authorizer(None)

    engine = engine_of(world.dm)
    event.listen(engine, "checkout", checkout)
    event.listen(engine, "checkin", checkin)
    for change in changes:
        with world.unchanged(), pytest.raises(StoreUnavailable):
            change()
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
    event.remove(engine, "checkout", checkout)
    event.remove(engine, "checkin", checkin)

    second = world.ann.start("bob", "two", key="2")
    assert texts(thread_of(world.bob, second.conversation)) == ["one", "two"]
    harness.close()


@pytest.mark.promise("MSG-4")
def test_a_row_that_the_database_refuses_takes_all_rows_with_it(sql_world: World) -> None:
    user = User(TenantId(""), UserId("ann"))
    fact = Fact(action=Action.USER_BLOCKED, actor=user.id, at_us=0)

    def wrong(tx: Transaction) -> None:
        tx.mailboxes.save(Account(user=user, position=1))
        tx.journal.record([Entry(owner=user, position=0, fact=fact)])

    with sql_world.unchanged(), pytest.raises(StoreRefused):
        runner_of(sql_world.dm).write(wrong)


@pytest.mark.promise("MSG-4")
def test_an_acknowledged_message_is_there_for_everybody_who_opens_the_store(
    sql_harness: SqlHarness,
) -> None:
    world = World(sql_harness)
    sent = world.ann.start("bob", "here to stay")
    world.dm.close()
    assert world.open().mailbox("bob").thread(sent.conversation).items == (sent,)
