"""Two databases of one kind, that of the messages and the host's, and ways to spell each."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import psycopg
import pytest
from tests.faults.wire import Wire
from tests.support.stores import PostgresHarness, SqlHarness, SqliteHarness

from dmcore import Policy
from dmcore.adapters import sql
from dmcore.testing.postgres import PostgresServer
from dmcore.testing.world import World

FULL = Policy(blocked="absorb", evidence="reporter_selected")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A message store in a file."""
    made = tmp_path / "site" / "messages.db"
    made.parent.mkdir()
    sql.initialise(f"sqlite:///{made}")
    return made


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    """A port of this machine behind which a message store is."""
    sql.initialise(postgres_url)
    with Wire(postgres_url) as made:
        yield made


@attrs.frozen
class Neighbours:
    """A store with messages in it, and the database of its host beside it."""

    harness: SqlHarness
    world: World
    host: str

    def look(self, most: int = 100, sample: int = 100_000) -> sql.Elsewhere:
        return sql.look_elsewhere(self.harness.url, self.host, most=most, sample=sample)

    def plant(self, statement: str, *values: object) -> None:
        """Change the host's database, with ``?`` for a value."""
        if self.host.startswith("sqlite"):
            with closing(sqlite3.connect(self.host.removeprefix("sqlite:///"))) as connection:
                connection.execute(statement, values)
                connection.commit()
        else:
            with psycopg.connect(self.host) as other:
                if values:
                    statement = statement.replace("%", "%%").replace("?", "%s")
                other.execute(statement.encode(), values or None)


@pytest.fixture(params=["sqlite", "postgres"])
def neighbours(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer
) -> Iterator[Neighbours]:
    harness: SqlHarness
    if request.param == "sqlite":
        url, host = f"sqlite:///{tmp_path}/dm.db", f"sqlite:///{tmp_path}/host.db"
        sqlite3.connect(tmp_path / "host.db").close()
        harness = SqliteHarness(url)
    else:
        url, host = (postgres_server.create_database() for _ in range(2))
        harness = PostgresHarness(url)
    sql.initialise(url, host_url=host)
    world = World(harness, policy=FULL)
    for number in range(12):
        world.dm.mailbox("ann").start("bob", f"Letter {number}, which is about the same as before")
    made = Neighbours(harness, world, host)
    # What a host has of its own, with values of every kind.
    made.plant("CREATE TABLE auth_user (id integer, name text, uid char(32), photo text)")
    made.plant("INSERT INTO auth_user VALUES (1, ?, ?, NULL)", "ann", "0" * 32)
    yield made
    harness.close()
    if request.param == "postgres":
        for used in (url, host):
            postgres_server.drop_database(used)
