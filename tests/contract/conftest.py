"""The matrix: every test that asks for ``world`` or ``harness`` runs once on each store."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.stores import (
    Harness,
    MemoryHarness,
    PostgresHarness,
    SqlHarness,
    SqliteHarness,
)
from tests.support.world import UNLIMITED, World

from dmcore import Policy
from dmcore.adapters import sql
from dmcore.ports.ids import Entropy
from dmcore.testing.postgres import PostgresServer

SQL_STORES = ("sqlite", "postgres")
STORES = ("memory", *SQL_STORES)


@pytest.fixture(scope="session")
def postgres_database(postgres_server: PostgresServer) -> Iterator[str]:
    """A database that is set up once and emptied before each test."""
    url = postgres_server.create_database()
    sql.initialise(url)
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def sqlite_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is set up once and copied for each test."""
    file = tmp_path_factory.mktemp("original") / "dm.db"
    sql.initialise(f"sqlite:///{file}")
    return file


def _sql_harness(name: str, request: pytest.FixtureRequest) -> SqlHarness:
    if name == "postgres":
        harness = PostgresHarness(request.getfixturevalue("postgres_database"))
        harness.clear()
        return harness
    url: str = request.getfixturevalue("sqlite_url")
    shutil.copyfile(request.getfixturevalue("sqlite_original"), url.removeprefix("sqlite:///"))
    return SqliteHarness(url)


@pytest.fixture(params=STORES)
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    """An empty store of each kind."""
    name = request.param
    made = MemoryHarness() if name == "memory" else _sql_harness(name, request)
    yield made
    made.close()


@pytest.fixture(params=SQL_STORES)
def sql_harness(request: pytest.FixtureRequest) -> Iterator[SqlHarness]:
    """An empty store of each kind that speaks SQL."""
    made = _sql_harness(request.param, request)
    yield made
    made.close()


@pytest.fixture
def postgres_harness(request: pytest.FixtureRequest) -> Iterator[PostgresHarness]:
    """An empty store on PostgreSQL: the one where writers work at the same time."""
    made = _sql_harness("postgres", request)
    assert isinstance(made, PostgresHarness)
    yield made
    made.close()


class MakeWorld:
    """Makes worlds on the store of the test."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    def __call__(
        self,
        policy: Policy = UNLIMITED,
        *,
        mode: str | None = "on",
        entropy: Entropy | None = None,
    ) -> World:
        return World(self._harness, policy=policy, mode=mode, entropy=entropy)


@pytest.fixture
def make_world(harness: Harness) -> MakeWorld:
    """A world under a policy or in a mode of the test's choice."""
    return MakeWorld(harness)


@pytest.fixture
def world(harness: Harness) -> World:
    """A world whose switch is on and whose limits are off."""
    return World(harness)


@pytest.fixture
def sql_world(sql_harness: SqlHarness) -> World:
    """The same, on the SQL stores only."""
    return World(sql_harness)
