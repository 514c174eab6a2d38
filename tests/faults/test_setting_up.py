"""Opening what is not there, not ours, or not of our time: told by name, and nothing is touched."""

import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url
from tests.support.damage import change

from dmcore import DirectMessages, Mode
from dmcore.adapters import memory, sql
from dmcore.adapters.sql._schema import SCHEMA_VERSION
from dmcore.errors import (
    DmcoreError,
    InvalidSetting,
    NotInitialised,
    StoreError,
    StoreUnavailable,
    WrongSchema,
)
from dmcore.testing.postgres import PostgresServer


def refused(act: Callable[[], object]) -> DmcoreError:
    with pytest.raises(DmcoreError) as caught:
        act()
    error = caught.value
    assert error.__cause__ is error.__context__ is None
    return error


# Not there --------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-6")
def test_a_file_that_is_not_there_is_not_made_by_opening_it(tmp_path: Path) -> None:
    error = refused(lambda: sql.open_sync(f"sqlite:///{tmp_path / 'dm.db'}"))
    assert isinstance(error, NotInitialised)
    assert "dmcore init" in str(error)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Whatever the umask of whoever sets it up lets others do."""
    file = tmp_path / "dm.db"
    before = os.umask(0)
    try:
        sql.initialise(f"sqlite:///{file}")
        with sql.open_sync(f"sqlite:///{file}") as dm:
            dm.operations("olga").set_mode("on")
            modes = {it.name: it.stat().st_mode & 0o777 for it in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("dm.db", "dm.db-wal", "dm.db-shm"), 0o600)


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'missing' / 'dm.db'}"
    assert isinstance(refused(lambda: sql.open_sync(url)), NotInitialised)
    error = refused(lambda: sql.initialise(url))
    assert isinstance(error, StoreUnavailable)
    assert error.details == {"reason": "the database file cannot be opened"}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    for open_ in (sql.open_sync, sql.initialise):
        error = refused(lambda open_=open_: open_(f"sqlite:///{tmp_path}"))  # type: ignore[misc]
        assert error.details == {"reason": "the database file cannot be opened"}


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"], ids=ascii)
def test_a_name_that_no_file_can_have_is_a_wrong_setting(tmp_path: Path, name: str) -> None:
    for open_ in (sql.open_sync, sql.initialise):
        error = refused(
            lambda open_=open_: open_(f"sqlite:///{tmp_path}/{name}")  # type: ignore[misc]
        )
        assert isinstance(error, InvalidSetting | StoreError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["127.0.0.1:1", "nowhere.invalid:5432", "[::1]:1"])
def test_a_server_that_is_not_there_is_unavailable(where: str) -> None:
    for open_ in (sql.open_sync, sql.initialise):
        error = refused(lambda open_=open_: open_(f"postgresql://{where}/db"))  # type: ignore[misc]
        assert error.code == "store_unavailable"
        assert error.http_status == 503
        assert error.details == {"reason": "the database cannot be reached"}


def test_a_database_that_is_not_there_is_unavailable(postgres_url: str) -> None:
    url = make_url(postgres_url).set(database="no_such_database")
    error = refused(lambda: sql.open_sync(url.render_as_string(hide_password=False)))
    assert isinstance(error, StoreUnavailable)


@pytest.mark.promise("OPS-6")
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_table_that_is_missing_is_named_and_not_made_anew(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """Whoever asks for it is told to set up the database, and that must not go in a circle."""
    url: str = request.getfixturevalue(f"{kind}_url")
    sql.initialise(url)
    if kind == "sqlite":
        change(url, "DROP TABLE dm_receipt")
    else:
        with psycopg.connect(url) as connection:
            connection.execute("DROP TABLE dm_receipt")
    with sql.open_sync(url) as dm:
        assert isinstance(refused(dm.operations("olga").verify), NotInitialised)
    error = refused(lambda: sql.initialise(url))
    assert isinstance(error, StoreUnavailable)
    assert "dm_receipt" in str(error)
    assert str(refused(lambda: sql.initialise(url))) == str(error)


@pytest.mark.promise("OPS-6")
@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        ("DROP TABLE dm_installation", "the table dm_installation"),
        ("DELETE FROM dm_installation", "its record"),
    ],
)
def test_messages_whose_record_is_gone_get_no_new_one(
    sqlite_url: str, statement: str, lost: str
) -> None:
    """It would have another secret, under which no pair has the conversation that it has."""
    sql.initialise(sqlite_url)
    change(sqlite_url, statement)
    for _ in range(2):
        error = refused(lambda: sql.initialise(sqlite_url))
        assert isinstance(error, StoreUnavailable)
        assert lost in str(error)


# Not ours ---------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-6")
def test_a_database_without_our_tables_is_not_initialised(postgres_url: str) -> None:
    assert isinstance(refused(lambda: sql.open_sync(postgres_url)), NotInitialised)


@pytest.mark.parametrize("content", ["empty", "somebody else's"])
def test_opening_a_file_that_is_not_ours_changes_nothing_in_it(
    tmp_path: Path, content: str
) -> None:
    """Such as the host's own database, by a slip of the pen."""
    file = tmp_path / "host.db"
    file.touch()
    if content != "empty":
        connection = sqlite3.connect(file)
        connection.execute("CREATE TABLE users (name TEXT)")
        connection.close()
    before = file.read_bytes()
    assert isinstance(refused(lambda: sql.open_sync(f"sqlite:///{file}")), NotInitialised)
    assert file.read_bytes() == before
    assert [it.name for it in tmp_path.iterdir()] == ["host.db"]


def spoil(url: str, statement: str) -> None:
    """Change a database behind the back of dmcore."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute(statement)
        connection.commit()
        connection.close()
    else:
        with psycopg.connect(url) as other:
            other.execute(statement.encode())


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def url(request: pytest.FixtureRequest) -> str:
    """A database that is set up."""
    made: str = request.getfixturevalue(request.param)
    sql.initialise(made)
    return made


@pytest.mark.promise("OPS-6")
def test_a_record_that_is_gone_is_told(url: str) -> None:
    spoil(url, "DELETE FROM dm_installation")
    assert isinstance(refused(lambda: sql.open_sync(url)), NotInitialised)


def test_a_record_that_goes_while_the_store_is_open_is_told_by_every_method(url: str) -> None:
    """A hand in the database is no reason for an error without a name."""
    with sql.open_sync(url) as dm:
        dm.operations("olga").set_mode("on")
        message = dm.mailbox("ann").start("bob", "hello")
        spoil(url, "DELETE FROM dm_installation")
        ann, olga = dm.mailbox("ann"), dm.operations("olga")
        acts: list[Callable[[], object]] = [
            lambda: ann.start("bob", "again"),
            lambda: ann.send(message.conversation, "again"),
            lambda: ann.mark_read(message.conversation, through=message.id),
            lambda: ann.block("bob"),
            ann.unread,
            lambda: ann.can_see_profile("bob"),
            olga.mode,
            lambda: olga.set_mode("off"),
            olga.status,
            lambda: ann.thread(message.conversation),
            ann.inbox,
            ann.blocked,
        ]
        for act in acts:
            assert isinstance(refused(act), StoreError)


# Not of our time --------------------------------------------------------------------------------


@pytest.mark.promise("OPS-6")
@pytest.mark.parametrize("version", [0, SCHEMA_VERSION - 1, SCHEMA_VERSION + 1, 999])
def test_another_schema_version_refuses_to_start_and_is_left_alone(url: str, version: int) -> None:
    spoil(url, f"UPDATE dm_installation SET schema_version = {version}")
    for open_ in (sql.open_sync, sql.initialise):
        error = refused(lambda open_=open_: open_(url))  # type: ignore[misc]
        assert isinstance(error, WrongSchema)
        assert error.details == {"found": version, "expected": SCHEMA_VERSION}
    spoil(url, f"UPDATE dm_installation SET schema_version = {SCHEMA_VERSION}")
    sql.open_sync(url).close()


@pytest.mark.promise("MSG-1")
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_text_is_refused(
    postgres_server: PostgresServer, postgres_url: str, encoding: str
) -> None:
    """Set up in it, some messages could not be stored byte for byte."""
    name = f"dm_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(
            f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0".encode()
        )
    try:
        error = refused(lambda: sql.initialise(postgres_server.url(name)))
        assert isinstance(error, InvalidSetting)
        assert "UTF8" in str(error)
        with psycopg.connect(postgres_server.url(name)) as other:
            tables = other.execute(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            ).fetchone()
        assert tables is not None
        assert int(tables[0]) == 0
    finally:
        postgres_server.drop_database(name)


# Set up -----------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-1")
def test_setting_up_twice_changes_nothing_and_messaging_is_off(url: str) -> None:
    with sql.open_sync(url) as dm:
        assert dm.operations("olga").mode() is Mode.OFF
        dm.operations("olga").set_mode("on")
        conversation = dm.mailbox("ann").start("bob", "hello").conversation
        assert sql.initialise(url) is False
        assert dm.operations("olga").mode() is Mode.ON
        assert len(dm.mailbox("bob").thread(conversation).items) == 1


def test_closing_twice_is_closing_once(url: str) -> None:
    dm = sql.open_sync(url)
    dm.close()
    dm.close()


class Interrupted(BaseException):
    """Like a keyboard interrupt: no ordinary error."""


class BrokenClock:
    """Works until it is broken."""

    is_broken = False

    def now_us(self) -> int:
        if self.is_broken:
            raise Interrupted
        return 1_893_499_200_000_000


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("store", ["memory", "sqlite_url", "postgres_url"])
def test_an_interrupt_in_the_middle_of_a_send_leaves_nothing_and_holds_nothing(
    store: str, request: pytest.FixtureRequest
) -> None:
    clock: Any = BrokenClock()
    dm: DirectMessages
    if store == "memory":
        dm = memory.open_sync(clock=clock)
    else:
        url = request.getfixturevalue(store)
        sql.initialise(url)
        dm = sql.open_sync(url, clock=clock, pool_size=1)
    with dm:
        dm.operations("olga").set_mode("on")
        conversation = dm.mailbox("ann").start("bob", "first").conversation
        clock.is_broken = True
        for _ in range(3):
            with pytest.raises(Interrupted):
                dm.mailbox("ann").send(conversation, "second")
        clock.is_broken = False
        assert dm.mailbox("bob").unread() == 1
        dm.mailbox("ann").send(conversation, "second")
        assert dm.mailbox("bob").unread() == 2
        assert dm.operations("olga").verify() == ()
