"""All of a change or nothing of it, wherever it breaks."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from tests.support.stores import SqlHarness, SqliteHarness, engine_of, is_postgres

from dmcore import DirectMessages, Mode, Preferences
from dmcore.adapters import sql
from dmcore.domain.account import Account
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.errors import StoreRefused, StoreUnavailable
from dmcore.ports.transactions import Transaction, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.rollback import Stop
from dmcore.testing.world import World, texts, thread_of

WRITING = ("WITH ", "INSERT ", "UPDATE ")


@contextmanager
def breaking_at(dm: DirectMessages, moment: str) -> Iterator[list[str]]:
    """The worker is stopped right before or after the first that it writes, or before COMMIT."""
    engine = engine_of(dm)
    happened: list[str] = []

    def listener(*arguments: object) -> None:
        is_writing = moment == "commit" or str(arguments[2]).startswith(WRITING)
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
        *changes_under_locks(world),
    )


def changes_under_locks(world: World) -> tuple[Callable[[], object], ...]:
    """Of which PostgreSQL is sent a COMMIT of its own (ADR 53)."""
    return (
        lambda: world.ann.set_preferences(Preferences(typing=False)),
        lambda: world.olga.set_mode("off"),
    )


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute", "commit"])
def test_nothing_is_there_before_the_commit(sql_world: World, moment: str) -> None:
    """The acknowledgement comes after COMMIT: what breaks before it was never sent."""
    changes = changes_of(sql_world)
    if is_postgres(sql_world) and moment != "before_cursor_execute":
        changes = changes_under_locks(sql_world)
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
        runner_of(sql_world.dm).run(writing(wrong))


@pytest.mark.promise("MSG-4")
def test_an_acknowledged_message_is_there_for_everybody_who_opens_the_store(
    sql_harness: SqlHarness,
) -> None:
    world = World(sql_harness)
    sent = world.ann.start("bob", "here to stay")
    world.dm.close()
    assert world.open().mailbox("bob").thread(sent.conversation).items == (sent,)
