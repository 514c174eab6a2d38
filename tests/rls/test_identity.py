"""Who acts is told in each transaction and ends with it: pools, crashes, cancelling, joining."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import psycopg
import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from tests.rls.conftest import Logins, conninfo
from tests.support.stores import asked_through, engine_of

from dmcore import DirectMessages
from dmcore.adapters import sql
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.errors import AccessDenied, InvalidSetting, StoreBusy, StoreError, WrongRole
from dmcore.ports.installation import RowSecurity
from dmcore.ports.transactions import Actor, Capacity, Transaction, reading, writing
from dmcore.testing.world import UNLIMITED, World

WHO = "SELECT current_setting('dmcore.user', true)"
SEEN = "SELECT count(*) FROM dm_message"
ANN = Actor(Capacity.PARTICIPANT, User(TenantId(""), UserId("ann")))


@pytest.fixture
def site(logins: Logins, secured: World) -> Iterator[DirectMessages]:
    """A site with one connection in which Ann wrote to Bob."""
    assert secured.is_sound()
    with sql.open_sync(logins.of("application"), policy=UNLIMITED, pool_size=1) as site:
        site.mailbox("ann").start("bob", "x")
        yield site


def _left_behind(site: DirectMessages) -> tuple[object, object]:
    """Who acts on a connection that was given back, and what they would see."""
    with engine_of(site).connect() as connection:
        who = connection.exec_driver_sql(WHO).scalar_one()
        return who or None, connection.exec_driver_sql(SEEN).scalar_one()


def _crash(tx: Transaction) -> NoReturn:
    assert tx.installation.mode()
    raise LookupError("of the request")


@pytest.mark.promise("OPS-7")
def test_a_connection_that_is_given_back_acts_as_nobody(site: DirectMessages) -> None:
    ann = site.mailbox("ann")
    for call in (
        ann.unread,
        ann.snapshot,
        lambda: ann.send(ann.inbox().items[0].conversation, "y"),
    ):
        call()
        assert _left_behind(site) == (None, 0)


@pytest.mark.promise("OPS-7")
@pytest.mark.parametrize("calling", [reading, writing])
def test_a_request_that_crashed_leaves_no_identity_to_the_next(
    site: DirectMessages, calling: Any
) -> None:
    with pytest.raises(LookupError):
        site._transactions.run(calling(_crash).by(ANN))
    assert _left_behind(site) == (None, 0)
    assert site.mailbox("eve").inbox().items == ()
    assert len(site.mailbox("bob").inbox().items) == 1


@pytest.mark.promise("OPS-7")
def test_a_request_whose_connection_was_cut_leaves_no_identity_either(
    site: DirectMessages, logins: Logins
) -> None:
    def cut(tx: Transaction) -> None:
        connection = connection_of(tx)
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with psycopg.connect(logins.admin) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
        connection.exec_driver_sql("SELECT 1")

    with pytest.raises(StoreError):
        site._transactions.run(reading(cut).by(ANN))
    assert _left_behind(site) == (None, 0)


def connection_of(tx: Transaction) -> Connection:
    connection: Connection = tx.mailboxes._connection  # type: ignore[attr-defined]
    return connection


@pytest.mark.promise("OPS-7")
def test_a_call_of_nobody_sees_nothing(site: DirectMessages) -> None:
    bob = User(TenantId(""), UserId("bob"))
    asked = reading(lambda tx: tx.mailboxes.unread(bob, since=None).found)
    assert site._transactions.run(asked) == 0
    assert site._transactions.run(asked.by(Actor(Capacity.PARTICIPANT, bob))) == 1


async def _cancel(url: str) -> tuple[object, object]:
    dm = await sql.open_async(url, policy=UNLIMITED, pool_size=1)
    try:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow(tx: Transaction) -> None:
            tx.installation.mode()
            loop.call_soon(begun.set)
            connection_of(tx).exec_driver_sql("SELECT pg_sleep(30)")

        task = asyncio.create_task(dm._transactions.run(reading(slow).by(ANN)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with dm._transactions._engine.connect() as connection:  # type: ignore[attr-defined]
            who = (await connection.exec_driver_sql(WHO)).scalar_one()
            seen = (await connection.exec_driver_sql(SEEN)).scalar_one()
        return who or None, seen
    finally:
        await dm.close()


@pytest.mark.promise("OPS-7")
@pytest.mark.usefixtures("site")
def test_a_request_that_was_cancelled_leaves_no_identity_to_the_next(logins: Logins) -> None:
    assert asyncio.run(_cancel(logins.of("application"))) == (None, 0)


# The number of statements -------------------------------------------------------------------------


@pytest.mark.promise("OPS-7")
def test_the_identity_costs_a_read_one_statement_and_a_write_none(site: DirectMessages) -> None:
    bob = site.mailbox("bob")
    with asked_through(site) as asked:
        bob.unread()
    assert _verbs(asked) == ["BEGIN", "SELECT", "COMMIT"]
    assert b"bob".hex() in asked[0]
    with asked_through(site) as asked:
        bob.send(bob.inbox().items[0].conversation, "y")
    assert _verbs(asked[-4:]) == ["BEGIN", "WITH", "WITH", "COMMIT"]


def _verbs(asked: list[str]) -> list[str]:
    return [it.split()[0].removesuffix(";") for it in asked]


@pytest.mark.promise("OPS-7")
def test_where_there_is_no_row_level_security_nothing_is_asked_for_it(postgres_url: str) -> None:
    sql.initialise(postgres_url)
    with sql.open_sync(postgres_url) as dm:
        assert dm.operations("olga").status().row_security is RowSecurity.OFF
        dm.operations("olga").set_mode("on")
        with asked_through(dm) as asked:
            dm.mailbox("ann").unread()
            dm.mailbox("ann").start("bob", "x")
    assert _verbs(asked) == ["SELECT", "SELECT", "WITH"]
    assert "set_config" not in "".join(asked)


# Opening ------------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-7")
def test_a_role_that_is_not_held_to_the_policies_is_refused(logins: Logins) -> None:
    with pytest.raises(WrongRole, match="bypasses row-level security") as caught:
        sql.open_sync(logins.admin)
    assert f"granted {logins.prefix}_application" in str(caught.value)

    async def opening() -> None:
        await sql.open_async(logins.admin)

    with pytest.raises(WrongRole, match="bypasses"):
        asyncio.run(opening())
    with sql.open_sync(logins.admin, row_security="bypass") as dm:
        assert dm.operations("olga").status().row_security is RowSecurity.BYPASSED


@pytest.mark.promise("OPS-7")
def test_row_level_security_can_be_required(logins: Logins, postgres_url: str) -> None:
    sql.initialise(postgres_url)
    with pytest.raises(WrongRole, match="has no row-level security: run `dmcore init --rls`"):
        sql.open_sync(postgres_url, row_security="require")
    sql.open_sync(logins.of("application"), row_security="require").close()
    with pytest.raises(InvalidSetting, match="row_security"):
        sql.open_sync(postgres_url, row_security="perhaps")  # type: ignore[arg-type]


@pytest.mark.promise("OPS-7")
@pytest.mark.parametrize("role", ["moderator", "backup"])
def test_a_login_for_something_else_opens_nothing(logins: Logins, role: str) -> None:
    with pytest.raises(WrongRole):
        sql.open_sync(logins.of(role))


# Joining ------------------------------------------------------------------------------------------


@contextmanager
def _hosts(logins: Logins) -> Iterator[Connection]:
    engine = create_engine(logins.of("application"), hide_parameters=True)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.promise("OPS-7")
@pytest.mark.promise("EMB-3")
def test_a_joined_call_acts_as_its_user_and_gives_the_hosts_identity_back(
    logins: Logins, site: DirectMessages
) -> None:
    with _hosts(logins) as connection:
        connection.exec_driver_sql("SELECT set_config('dmcore.user', 'the host''s own', true)")
        dm = sql.join(connection, policy=UNLIMITED)
        conversation = dm.mailbox("bob").inbox().items[0].conversation
        dm.mailbox("bob").send(conversation, "y")
        for outsider in (dm.mailbox("eve").thread, dm.mailbox("eve").mute):
            with pytest.raises(AccessDenied):
                outsider(conversation)
        assert len(dm.mailbox("ann").thread(conversation).items) == 2
        assert connection.exec_driver_sql(WHO).scalar_one() == "the host's own"
        assert connection.exec_driver_sql(SEEN).scalar_one() == 0
        connection.commit()
        assert connection.exec_driver_sql(WHO).scalar_one() == ""
    assert len(site.mailbox("ann").thread(conversation).items) == 2


def _failing(tx: Transaction) -> None:
    connection_of(tx).exec_driver_sql("SELECT 1/0")


@pytest.mark.promise("OPS-7", "EMB-3")
def test_what_failed_in_the_database_gives_the_hosts_identity_back(
    logins: Logins, site: DirectMessages
) -> None:
    """The host goes on in the same transaction, and must not do so as the user of the call."""
    with _hosts(logins) as connection:
        connection.exec_driver_sql("SELECT set_config('dmcore.user', 'the host''s own', true)")
        dm = sql.join(connection, policy=UNLIMITED)
        for calling in (reading, writing):
            with pytest.raises(StoreError):
                dm._transactions.run(calling(_failing).by(ANN))
            assert connection.exec_driver_sql(WHO).scalar_one() == "the host's own"
            assert connection.exec_driver_sql(SEEN).scalar_one() == 0
        connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
        with psycopg.connect(conninfo(logins.admin)) as other:
            other.execute("SELECT FROM dm_mailbox WHERE user_id = 'ann' FOR UPDATE")
            with pytest.raises(StoreBusy):
                dm.mailbox("ann").start("cyd", "y")
        assert connection.exec_driver_sql(WHO).scalar_one() == "the host's own"
        assert connection.exec_driver_sql(SEEN).scalar_one() == 0
        dm.mailbox("ann").start("cyd", "y")
        connection.commit()
    assert site.mailbox("cyd").unread() == 1


@pytest.mark.promise("OPS-7", "EMB-3")
@pytest.mark.usefixtures("site")
def test_what_failed_while_it_was_awaited_gives_it_back_too(logins: Logins) -> None:
    async def joining() -> list[tuple[object, int]]:
        engine = create_async_engine(logins.of("application"), hide_parameters=True)
        try:
            async with engine.connect() as connection:
                dm = await sql.join_async(connection, policy=UNLIMITED)
                found = []
                for calling in (reading, writing):
                    with pytest.raises(StoreError):
                        await dm._transactions.run(calling(_failing).by(ANN))
                    found.append(await _looked(connection))
                return found
        finally:
            await engine.dispose()

    assert asyncio.run(joining()) == [("", 0), ("", 0)]


@pytest.mark.promise("OPS-7")
@pytest.mark.promise("EMB-3")
def test_an_awaited_joined_call_acts_as_its_user_too(logins: Logins, site: DirectMessages) -> None:
    async def joining() -> tuple[int, object, int]:
        engine = create_async_engine(logins.of("application"), hide_parameters=True)
        try:
            async with engine.connect() as connection:
                dm = await sql.join_async(connection, policy=UNLIMITED)
                unread = await dm.mailbox("bob").unread()
                return unread, *await _looked(connection)
        finally:
            await engine.dispose()

    assert asyncio.run(joining()) == (1, "", 0)
    assert site.mailbox("bob").unread() == 1


async def _looked(connection: AsyncConnection) -> tuple[object, int]:
    who = (await connection.exec_driver_sql(WHO)).scalar_one()
    return who, (await connection.exec_driver_sql(SEEN)).scalar_one()


@pytest.mark.promise("OPS-7")
def test_joining_with_a_role_that_is_not_held_to_the_policies_is_refused(logins: Logins) -> None:
    engine = create_engine(logins.admin, hide_parameters=True)
    with engine.connect() as connection, pytest.raises(WrongRole, match="bypasses"):
        sql.join(connection)
    engine.dispose()
