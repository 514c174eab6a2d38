"""Stores whose texts are sealed, and a keyring for each test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.support.choosing import leave_out, subject_of
from tests.support.sealed import Keys, SealedPostgresHarness, SealedSqliteHarness, set_up
from tests.support.stores import Colour

from dmcore.adapters import sql
from dmcore.testing.postgres import PostgresServer

IS_NIGHT = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
STORES = ("sqlite", "sqlite-async", "postgres", "postgres-async") if IS_NIGHT else ("sqlite",)
# Where a text comes in, goes out, changes or goes.
BY_DAY: Final = {
    "TestBodies",
    "TestDeletedTexts",
    "TestDeleting",
    "TestEditing",
    "TestEditingWhileBlocked",
    "TestErasingMeets",
    "TestEvidence",
    "TestExport",
    "TestKeys",
    "TestReplies",
    "TestRollback",
    "TestScreening",
    "TestShadowBans",
    "TestTransactions",
    "TestVerify",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """By night the whole conformance suite, by day what is about texts."""
    leave_out(config, items, "sealed", _applies)


def _applies(item: pytest.Item) -> bool:
    subject = subject_of(item)
    return IS_NIGHT or not subject or subject in BY_DAY


@pytest.fixture(scope="session")
def sealed_original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database, its keyring and its key file, set up once and copied."""
    folder = tmp_path_factory.mktemp("sealed")
    set_up(f"sqlite:///{folder / 'dm.db'}", Keys(folder).make())
    return folder


@pytest.fixture
def keys(sealed_original: Path, tmp_path: Path) -> Keys:
    """A keyring of the test's own."""
    folder = tmp_path / "keys"
    folder.mkdir()
    for name in ("keys.db", "dmcore.key"):
        shutil.copy(sealed_original / name, folder / name)
    return Keys(folder)


@pytest.fixture
def sealed_harness(
    keys: Keys, sealed_original: Path, sqlite_url: str
) -> Iterator[SealedSqliteHarness]:
    """An empty store whose texts are sealed."""
    shutil.copyfile(sealed_original / "dm.db", sqlite_url.removeprefix("sqlite:///"))
    made = SealedSqliteHarness(sqlite_url, Colour.SYNC, keys.keyring())
    yield made
    made.close()


@pytest.fixture(scope="session")
def sealed_postgres(postgres_server: PostgresServer, sealed_original: Path) -> Iterator[str]:
    """A database whose texts are sealed, emptied before each test."""
    url = postgres_server.create_database()
    sql.initialise(url)
    encryption = Keys(sealed_original).encryption()
    sql.encrypt(url, encryption=encryption)
    encryption.close()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=STORES)
def harness(
    request: pytest.FixtureRequest, keys: Keys, sealed_original: Path, sqlite_url: str
) -> Iterator[SealedSqliteHarness | SealedPostgresHarness]:
    """An empty store whose texts are sealed: each day one, each night all of them."""
    colour = Colour.ASYNC if request.param.endswith("-async") else Colour.SYNC
    made: SealedSqliteHarness | SealedPostgresHarness
    if request.param.startswith("postgres"):
        url: str = request.getfixturevalue("sealed_postgres")
        made = SealedPostgresHarness(url, colour, keys.keyring())
        made.clear()
    else:
        shutil.copyfile(sealed_original / "dm.db", sqlite_url.removeprefix("sqlite:///"))
        made = SealedSqliteHarness(sqlite_url, colour, keys.keyring())
    yield made
    made.close()
