"""Pairs of worlds, on each kind of store in each colour."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import attrs
import pytest
from tests.contract.conftest import postgres_database, sqlite_original
from tests.proofs.programs import Stages
from tests.proofs.stages import in_two
from tests.support.stores import (
    Colour,
    Harness,
    MemoryHarness,
    PostgresHarness,
    SqliteHarness,
)

from dmcore import Policy
from dmcore.testing.postgres import PostgresServer

__all__ = ["postgres_database", "sqlite_original"]

# Of so many examples that a proof has, one is run there: asking takes longer than in memory.
_SHARES: Final[Mapping[str, int]] = {
    "memory": 2,
    "memory-async": 20,
    "sqlite": 10,
    "sqlite-async": 50,
    "postgres": 33,
    "postgres-async": 50,
}


@attrs.frozen
class Worlds:
    """Opens two worlds under a policy; ``stride`` is after how many steps all should be asked."""

    open: Callable[[Policy], AbstractContextManager[Stages]]
    share: int
    stride: int


@pytest.fixture(scope="module")
def two_files(tmp_path_factory: pytest.TempPathFactory, sqlite_original: Path) -> tuple[str, str]:
    """Two databases of one installation."""
    folder = tmp_path_factory.mktemp("worlds")
    for name in ("first.db", "second.db"):
        shutil.copyfile(sqlite_original, folder / name)
    return f"sqlite:///{folder / 'first.db'}", f"sqlite:///{folder / 'second.db'}"


@pytest.fixture(scope="session")
def two_databases(
    postgres_server: PostgresServer, postgres_database: str
) -> Iterator[tuple[str, str]]:
    """The same on a server."""
    template = urlsplit(postgres_database).path.removeprefix("/")
    copy = postgres_server.create_database(template=template)
    yield postgres_database, copy
    postgres_server.drop_database(copy)


@pytest.fixture(params=_SHARES)
def worlds(request: pytest.FixtureRequest) -> Worlds:
    kind: str = request.param.partition("-")[0]
    colour = Colour.ASYNC if request.param.endswith("-async") else Colour.SYNC
    harnesses: list[Harness]
    if kind == "memory":
        first, second = MemoryHarness(colour), MemoryHarness(colour)
        second.store.namespace = first.store.namespace
        harnesses = [first, second]
    elif kind == "sqlite":
        harnesses = [SqliteHarness(it, colour) for it in request.getfixturevalue("two_files")]
    else:
        urls = request.getfixturevalue("two_databases")
        harnesses = [PostgresHarness(it, colour) for it in urls]
    return Worlds(
        open=partial(in_two, (harnesses[0], harnesses[1])),
        share=_SHARES[request.param],
        stride=1 if kind == "memory" else 5,
    )
