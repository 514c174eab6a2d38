"""A database with tables of others in it is shared on purpose, or a slip of the pen."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine

from dmcore.adapters import sql
from dmcore.errors import SharedDatabase
from dmcore.testing.postgres import PostgresServer

pytestmark = pytest.mark.promise("OPS-2", "EMB-3")


@pytest.fixture(params=["sqlite", "postgres"])
def hosts(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database in which a host has two tables."""
    statements = ("CREATE TABLE auth_user (id integer)", "CREATE TABLE dm_reference (x text)")
    if request.param == "sqlite":
        with closing(sqlite3.connect(tmp_path / "site.db")) as connection:
            for statement in statements:
                connection.execute(statement)
        return f"sqlite:///{tmp_path}/site.db"
    url = str(request.getfixturevalue("postgres_url"))
    with psycopg.connect(url) as other:
        # Wherever they are.
        other.execute("CREATE SCHEMA site")
        for statement in statements:
            other.execute(statement.replace("TABLE ", "TABLE site.").encode())
    return url


def names(url: str) -> set[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            *engine.dialect.get_table_names(connection),
            *engine.dialect.get_view_names(connection),
        }
    engine.dispose()
    return found


def test_a_database_with_tables_of_others_is_not_set_up_by_a_slip(hosts: str) -> None:
    before = names(hosts)
    with pytest.raises(SharedDatabase, match=r"somebody else \(2\)"):
        sql.initialise(hosts)
    assert names(hosts) == before


def test_a_host_that_wants_messages_beside_its_rows_says_so(hosts: str) -> None:
    """As for calls inside of its own transaction; from then on it is no surprise any more."""
    assert sql.initialise(hosts, shared=True) is True
    assert sql.initialise(hosts) is False
    with sql.open_sync(hosts) as dm:
        dm.operations("olga").set_mode("on")
    engine = create_engine(hosts, hide_parameters=True)
    with engine.begin() as connection:
        sql.join(connection).mailbox("ann").start("bob", "I have ordered number 1")
    engine.dispose()
    with sql.open_sync(hosts) as dm:
        assert dm.mailbox("bob").unread() == 1


def test_who_says_whose_it_is_cannot_share_it(hosts: str) -> None:
    with pytest.raises(SharedDatabase, match="the host's own"):
        sql.initialise(hosts, host_url=hosts, shared=True)


def test_what_the_system_and_its_extensions_bring_is_nobodys(
    postgres_server: PostgresServer,
) -> None:
    url = postgres_server.create_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TEMPORARY TABLE mine (x text)")
        connection.execute("CREATE VIEW seen AS SELECT 1 AS x")
        # As an extension's own tables are marked.
        connection.execute("CREATE TABLE of_extension (x text)")
        connection.execute("ALTER EXTENSION plpgsql ADD TABLE of_extension")
    assert sql.initialise(url) is True
    postgres_server.drop_database(url)
