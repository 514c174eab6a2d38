"""How SQLite is told several rows at once: temporary views that each connection makes (ADR 54)."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import create_engine
from tests.support.stores import SqliteHarness, asked_through

from dmcore.adapters import sql
from dmcore.adapters.sql import _batch
from dmcore.domain.account import Account
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.errors import StoreRefused
from dmcore.ports.transactions import Transaction, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import UNLIMITED, World, texts, thread_of

pytestmark = pytest.mark.promise("PAGE-3", "MSG-4")


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    sql.initialise(sqlite_url)
    harness = SqliteHarness(sqlite_url)
    yield World(harness, policy=UNLIMITED)
    harness.close()


def test_the_schema_is_tables_and_indexes(world: World, sqlite_url: str) -> None:
    world.ann.start("bob", "x")
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        kinds = connection.execute(
            "SELECT DISTINCT type FROM sqlite_master ORDER BY type"
        ).fetchall()
    assert kinds == [("index",), ("table",)]


def test_where_there_are_too_many_kinds_rows_go_one_by_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world.ann.start("bob", "one").conversation
    monkeypatch.setattr(_batch, "_MOST_DOORS", 0)
    with asked_through(world.dm) as asked:
        world.ann.send(here, "two")
    assert any(it.startswith("INSERT INTO dm_message ") for it in asked)
    assert asked.count("COMMIT") == 1
    assert texts(thread_of(world.bob, here)) == ["one", "two"]
    assert world.is_sound()


def test_a_door_that_was_undone_is_made_again(world: World, sqlite_url: str) -> None:
    """In the host's transaction: the first message is undone with it, and so is its door."""
    here = world.ann.start("bob", "x").conversation
    engine = create_engine(sqlite_url, hide_parameters=True)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE hosts (id INTEGER)")
        connection.exec_driver_sql("INSERT INTO hosts VALUES (1)")
        joined = sql.join(connection, policy=UNLIMITED)
        joined.mailbox("ann").send(here, "undone")
        connection.rollback()
        connection.exec_driver_sql("INSERT INTO hosts VALUES (2)")
        sql.join(connection, policy=UNLIMITED).mailbox("ann").send(here, "done")
        connection.commit()
    engine.dispose()
    assert texts(thread_of(world.bob, here)) == ["x", "done"]
    assert world.is_sound()


def test_a_door_that_was_undone_with_what_was_refused_is_made_again(world: World) -> None:
    """The connection stays, and the first transaction that made the door does not."""
    zoe = User(TenantId(""), UserId("zoe"))
    fact = Fact(action=Action.USER_BLOCKED, actor=zoe.id, at_us=0)

    def note(tx: Transaction, position: int) -> None:
        tx.mailboxes.save(Account(user=zoe, position=1))
        tx.journal.record([Entry(owner=zoe, position=position, fact=fact)])

    runner = runner_of(world.dm)
    with world.unchanged(), pytest.raises(StoreRefused):
        runner.run(writing(note, 0))
    runner.run(writing(note, 1))
    assert [entry.position for entry in world.journal("zoe")] == [1]
