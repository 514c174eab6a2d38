"""Inside the host's own transaction: what it commits is there, what it undoes never was (EMB-3)."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import attrs
import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from tests.faults.moments import once_at
from tests.support.stores import PostgresHarness, SqlHarness

from dmcore import AsyncDirectMessages, DirectMessages, Policy, Preferences, RateLimit
from dmcore.adapters import sql
from dmcore.adapters.clock import ManualClock
from dmcore.errors import (
    AccessDenied,
    InvalidSetting,
    LimitReached,
    MessageRefused,
    NotInitialised,
    StoreBusy,
    StoreUnavailable,
    UnknownUser,
)
from dmcore.testing.directory import People, user
from dmcore.testing.screening import Censor
from dmcore.testing.world import UNLIMITED, World

pytestmark = pytest.mark.promise("EMB-3")

ONE_MESSAGE = Policy(messages=RateLimit(1, timedelta(seconds=60)), starts=None)


@attrs.frozen
class Host:
    """A web application with a table of its own in the same database."""

    engine: Engine
    clock: ManualClock

    @contextmanager
    def transaction(
        self, policy: Policy = UNLIMITED
    ) -> Iterator[tuple[Connection, DirectMessages]]:
        """The host's transaction, with dmcore in it."""
        with self.engine.connect() as connection:
            yield connection, sql.join(connection, policy=policy, clock=self.clock)
            connection.commit()

    def notes(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.execute(text("SELECT body FROM host_note ORDER BY 1")).scalars())


def note(connection: Connection, body: str) -> None:
    connection.execute(text("INSERT INTO host_note VALUES (:body)"), {"body": body})


@pytest.fixture
def host(sql_harness: SqlHarness, sql_world: World) -> Iterator[Host]:
    engine = create_engine(sql_harness.url, hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE host_note (body TEXT)"))
    yield Host(engine, sql_world.clock)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE host_note"))
    engine.dispose()


@pytest.mark.promise("MSG-4")
def test_what_the_host_commits_is_there_with_its_own_rows(sql_world: World, host: Host) -> None:
    with host.transaction() as (connection, dm):
        note(connection, "an order")
        message = dm.mailbox("ann").start("bob", "your order was placed")
        assert dm.mailbox("bob").unread() == 1
    assert host.notes() == ["an order"]
    assert sql_world.bob.thread(message.conversation).items == (message,)
    assert sql_world.is_sound()


@pytest.mark.promise("MSG-4")
def test_what_the_host_undoes_never_was(sql_world: World, host: Host) -> None:
    sql_world.ann.start("bob", "hello")
    with sql_world.unchanged():
        with host.transaction() as (connection, dm):
            note(connection, "an order")
            dm.mailbox("bob").start("ann", "undone")
            dm.mailbox("cyd").start("ann", "undone too")
            dm.mailbox("ann").block("cyd")
            connection.rollback()
        assert host.notes() == []


@pytest.mark.promise("LIMIT-1")
def test_a_refusal_undoes_the_one_call_only(sql_world: World, host: Host) -> None:
    with host.transaction(ONE_MESSAGE) as (connection, dm):
        note(connection, "before")
        first = dm.mailbox("ann").start("bob", "accepted")
        with pytest.raises(LimitReached):
            dm.mailbox("ann").start("bob", "one too many")
        with pytest.raises(AccessDenied):
            dm.mailbox("cyd").send(first.conversation, "a stranger's")
        note(connection, "after")
    assert host.notes() == ["after", "before"]
    assert sql_world.bob.thread(first.conversation).items == (first,)
    assert sql_world.is_sound()


def test_every_kind_of_call_works_inside(sql_world: World, host: Host) -> None:
    first = sql_world.ann.start("bob", "hello")
    with host.transaction() as (_, dm):
        bob = dm.mailbox("bob")
        reply = bob.send(first.conversation, "hi", reply_to=first.id)
        bob.mark_read(first.conversation, through=first.id)
        bob.edit(first.conversation, reply.id, "hi there")
        bob.set_preferences(Preferences(receipts=False))
        bob.archive(first.conversation)
        assert [it.id for it in bob.thread(first.conversation).items] == [first.id, reply.id]
        assert bob.inbox().items == ()
        assert dm.operations("olga").mode() == "on"
    assert sql_world.ann.unread() == 1
    assert sql_world.is_sound()


def test_a_handle_that_was_closed_leaves_the_connection_to_the_host(host: Host) -> None:
    with host.transaction() as (connection, dm):
        dm.close()
        with pytest.raises(StoreUnavailable):
            dm.mailbox("ann").unread()
        note(connection, "still here")
    assert host.notes() == ["still here"]


@pytest.mark.promise("LEAK-1")
def test_an_engine_that_shows_values_is_refused(sql_harness: SqlHarness, sql_world: World) -> None:
    """Its errors and its log would hold the texts."""
    engine = create_engine(sql_harness.url)
    with engine.connect() as connection, pytest.raises(InvalidSetting) as caught:
        sql.join(connection)
    assert "hide_parameters" in str(caught.value)
    engine.dispose()
    assert sql_world.ann.unread() == 0


@pytest.mark.promise("LEAK-1")
def test_an_engine_that_logs_rows_is_refused(
    sql_harness: SqlHarness, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "sqlalchemy.engine"):
        engine = create_engine(sql_harness.url, hide_parameters=True)
        with engine.connect() as connection, pytest.raises(InvalidSetting):
            sql.join(connection)
        engine.dispose()


def test_a_database_without_our_tables_is_not_initialised(sqlite_url: str) -> None:
    engine = create_engine(sqlite_url, hide_parameters=True)
    with engine.connect() as connection, pytest.raises(NotInitialised) as caught:
        sql.join(connection)
    assert caught.value.__cause__ is caught.value.__context__ is None
    engine.dispose()


@pytest.mark.promise("MSG-4")
def test_autocommit_is_no_transaction(sql_world: World, host: Host) -> None:
    """What is acknowledged there would be gone, or there whatever the host decides."""
    engine = host.engine.execution_options(isolation_level="AUTOCOMMIT")
    with sql_world.unchanged(), engine.connect() as connection:
        with pytest.raises(InvalidSetting) as caught:
            sql.join(connection, policy=UNLIMITED, clock=host.clock)
        assert caught.value.details["setting"] == "connection"


def test_a_savepoint_that_would_commit_is_no_transaction(sqlite_url: str) -> None:
    """SQLite's driver begins nothing before the first change: to release a savepoint commits."""
    sql.initialise(sqlite_url)
    engine = create_engine(sqlite_url, hide_parameters=True)
    with engine.connect() as connection, connection.begin_nested():
        with pytest.raises(InvalidSetting) as caught:
            sql.join(connection)
        assert caught.value.details["setting"] == "connection"
    engine.dispose()


def test_another_driver_is_refused(sqlite_url: str) -> None:
    engine = create_engine(sqlite_url, hide_parameters=True)
    engine.dialect.driver = "another"
    with engine.connect() as connection, pytest.raises(InvalidSetting) as caught:
        sql.join(connection)
    assert "driver" in str(caught.value)
    engine.dispose()


# PostgreSQL: other writers at the same time ------------------------------------------------------


@pytest.fixture
def postgres_host(postgres_harness: PostgresHarness) -> Iterator[tuple[World, Host]]:
    world = World(postgres_harness)
    engine = create_engine(postgres_harness.url, hide_parameters=True)
    yield world, Host(engine, world.clock)
    engine.dispose()


@pytest.mark.promise("PAIR-2")
def test_a_row_that_came_meanwhile_is_read_inside_the_same_transaction(
    postgres_host: tuple[World, Host],
) -> None:
    """Somebody else begins the conversation after we looked and before we wrote."""
    world, host = postgres_host
    met = once_at(
        host.engine, "before_cursor_execute", "WITH w0", lambda _: world.bob.start("ann", "first")
    )
    with host.transaction() as (_, dm):
        message = dm.mailbox("ann").start("bob", "second")
    assert len(met) == 1
    assert [it.body.text for it in world.ann.thread(message.conversation).items if it.body] == [
        "first",
        "second",
    ]
    assert world.is_sound()


def test_a_conflict_that_undid_the_hosts_transaction_is_the_hosts_to_repeat(
    postgres_host: tuple[World, Host],
) -> None:
    world, host = postgres_host
    first = world.ann.start("bob", "hello")
    engine = host.engine.execution_options(isolation_level="REPEATABLE READ")
    with world.unchanged(), engine.connect() as connection:
        dm = sql.join(connection, policy=UNLIMITED, clock=world.clock)
        world_clock_reading = dm.mailbox("ann").unread()
        assert world_clock_reading == 0
        with psycopg.connect(engine.url.render_as_string(hide_password=False)) as other:
            other.execute("UPDATE dm_mailbox SET position = position WHERE user_id = 'ann'")
            other.commit()
        with pytest.raises(StoreBusy) as caught:
            dm.mailbox("ann").send(first.conversation, "overtaken")
        assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.promise("FEED-1")
def test_a_state_of_one_instant_needs_a_transaction_that_sees_one(
    postgres_host: tuple[World, Host],
) -> None:
    _, host = postgres_host
    with host.transaction() as (_, dm), pytest.raises(InvalidSetting):
        dm.mailbox("ann").snapshot()
    engine = host.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, connection.begin():
        assert sql.join(connection).operations("olga").verify() == ()


@pytest.mark.promise("EMB-5")
def test_a_start_asks_the_hosts_directory_and_is_part_of_the_transaction(
    sql_world: World, host: Host
) -> None:
    people = People("ann", "bob")
    with host.transaction() as (connection, _dm):
        dm = sql.join(connection, clock=host.clock, directory=people)
        note(connection, "an order")
        assert dm.mailbox("ann").can_message("bob").is_allowed
        sent = dm.mailbox("ann").start("bob", "your order was placed")
        with pytest.raises(UnknownUser):
            dm.mailbox("ann").start("nobody", "x")
        dm.mailbox("ann").send(sent.conversation, "and sent")
    assert people.asked == [
        (user("ann"), user("bob")),
        (user("ann"), user("bob")),
        (user("ann"), user("nobody")),
    ]
    assert host.notes() == ["an order"]
    assert sql_world.bob.unread() == 2
    assert sql_world.ann.conversation_with("nobody") is None


@pytest.mark.promise("EMB-5")
def test_the_directory_is_asked_while_no_mailbox_is_held(
    postgres_host: tuple[World, Host],
) -> None:
    """Meanwhile another handle writes to the very rows that the start is about."""
    world, host = postgres_host
    people = People("ann", "bob")
    written = []
    # Only what is there can be held.
    for box in (world.ann, world.bob):
        box.set_preferences(Preferences(typing=False))

    def write() -> None:
        for name, other in (("ann", "bob"), ("bob", "ann")):
            box = world.dm.mailbox(name)
            box.block(other)
            box.unblock(other)
            written.append(name)

    people.while_asked = write
    with host.transaction() as (connection, _dm):
        dm = sql.join(connection, clock=host.clock, directory=people)
        dm.mailbox("ann").start("bob", "hello")
    assert written == ["ann", "bob"]
    assert world.bob.unread() == 1
    assert world.is_sound()


def test_a_database_that_is_not_set_up_leaves_the_hosts_transaction_alone(
    postgres_url: str,
) -> None:
    engine = create_engine(postgres_url, hide_parameters=True)
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE host_note (body TEXT)"))
        with pytest.raises(NotInitialised):
            sql.join(connection)
        note(connection, "still here")
        connection.commit()
        assert connection.execute(text("SELECT body FROM host_note")).scalars().all() == [
            "still here"
        ]
    engine.dispose()


def test_the_awaiting_twin_commits_and_undoes_with_its_host(
    postgres_host: tuple[World, Host],
) -> None:
    world, host = postgres_host
    url = host.engine.url.set(drivername="postgresql+psycopg")

    async def act() -> None:
        engine = create_async_engine(url, hide_parameters=True)
        async with engine.connect() as connection:
            dm: AsyncDirectMessages = await sql.join_async(
                connection, policy=ONE_MESSAGE, clock=world.clock
            )
            await dm.mailbox("ann").start("bob", "undone")
            await connection.rollback()
            await dm.mailbox("ann").start("bob", "kept")
            with pytest.raises(LimitReached):
                await dm.mailbox("ann").start("bob", "refused")
            await connection.exec_driver_sql("SAVEPOINT before_the_fault")
            await connection.exec_driver_sql("ALTER TABLE dm_side RENAME TO dm_elsewhere")
            with pytest.raises(NotInitialised) as caught:
                await dm.mailbox("cyd").start("bob", "nowhere to put it")
            assert caught.value.__cause__ is caught.value.__context__ is None
            await connection.exec_driver_sql("ROLLBACK TO before_the_fault")
            await connection.commit()
            await dm.close()
            with pytest.raises(StoreUnavailable):
                await dm.mailbox("ann").unread()
        await engine.dispose()

    asyncio.run(act())
    (entry,) = world.bob.inbox().items
    preview: Any = entry.preview
    assert preview.body.text == "kept"
    assert world.bob.unread() == 1
    assert world.is_sound()


@pytest.mark.promise("MOD-5")
def test_screeners_are_asked_and_heard_inside_it_too(sql_world: World, host: Host) -> None:
    with host.engine.connect() as connection:
        dm = sql.join(connection, policy=UNLIMITED, clock=host.clock, screeners=[Censor()])
        note(connection, "an order")
        sent = dm.mailbox("ann").start("bob", "flag")
        with pytest.raises(MessageRefused):
            dm.mailbox("ann").send(sent.conversation, "refuse")
        connection.commit()
    assert host.notes() == ["an order"]
    assert sql_world.bob.thread(sent.conversation).items == (sent,)
    (line,) = sql_world.dm.moderation("mod").reports(origin="screening").items
    assert line.conversation == sent.conversation
    assert sql_world.is_sound()
    with host.engine.connect() as connection:
        dm = sql.join(connection, policy=UNLIMITED, clock=host.clock, screeners=[Censor()])
        dm.mailbox("ann").send(sent.conversation, "flag")
        connection.rollback()
    assert len(sql_world.dm.moderation("mod").reports().items) == 1
