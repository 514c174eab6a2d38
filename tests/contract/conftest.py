"""The matrix: every test that asks for ``world`` or ``harness`` runs once on each store.

By night in each colour too; by day in one of them, and each colour on one of the databases.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import IS_NIGHTLY
from tests.support.stores import (
    Colour,
    Harness,
    MemoryHarness,
    PostgresHarness,
    SqlHarness,
    SqliteHarness,
)

from dmcore.adapters import sql
from dmcore.testing.postgres import PostgresServer
from dmcore.testing.world import World

_BY_NIGHT = ("postgres", "sqlite-async") if IS_NIGHTLY else ()
SQL_STORES = ("sqlite", "postgres-async", *_BY_NIGHT)
STORES = ("memory", *(("memory-async",) if IS_NIGHTLY else ()), *SQL_STORES)


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


def _harness(name: str, request: pytest.FixtureRequest) -> Harness:
    if name.startswith("memory"):
        return MemoryHarness(_colour_of(name))
    return make_sql_harness(name, request)


def make_sql_harness(name: str, request: pytest.FixtureRequest) -> SqlHarness:
    """An empty store of one kind in one colour; whoever asked closes it."""
    if name.startswith("postgres"):
        harness = PostgresHarness(request.getfixturevalue("postgres_database"), _colour_of(name))
        harness.clear()
        return harness
    url: str = request.getfixturevalue("sqlite_url")
    shutil.copyfile(request.getfixturevalue("sqlite_original"), url.removeprefix("sqlite:///"))
    return SqliteHarness(url, _colour_of(name))


def _colour_of(name: str) -> Colour:
    return Colour.ASYNC if name.endswith("-async") else Colour.SYNC


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On every store in every colour, or on those that a file names."""
    if "harness" in metafunc.fixturenames:
        names = getattr(metafunc.module, "HARNESSES", STORES)
        metafunc.parametrize("harness", names, indirect=True)


@pytest.fixture
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    """An empty store of each kind in each colour."""
    made = _harness(request.param, request)
    yield made
    made.close()


@pytest.fixture(params=SQL_STORES)
def sql_harness(request: pytest.FixtureRequest) -> Iterator[SqlHarness]:
    """An empty store of each kind that speaks SQL, in each colour."""
    made = make_sql_harness(request.param, request)
    yield made
    made.close()


@pytest.fixture(params=["postgres", *(["postgres-async"] if IS_NIGHTLY else [])])
def postgres_harness(request: pytest.FixtureRequest) -> Iterator[PostgresHarness]:
    """An empty store on PostgreSQL: the one where writers work at the same time."""
    made = make_sql_harness(request.param, request)
    assert isinstance(made, PostgresHarness)
    yield made
    made.close()


@pytest.fixture
def sql_world(sql_harness: SqlHarness) -> World:
    """The same, on the SQL stores only."""
    return World(sql_harness)
