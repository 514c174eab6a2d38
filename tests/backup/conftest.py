"""Stores that are backed up, and places where nothing is yet."""

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from sqlalchemy import make_url
from tests.support.stores import PostgresHarness, SqlHarness, SqliteHarness

from dmcore import Policy
from dmcore.adapters import sql
from dmcore.testing.conformance.verify import lived_in
from dmcore.testing.postgres import PostgresServer
from dmcore.testing.world import World

FULL = Policy(blocked="absorb", evidence="reporter_selected")


@attrs.frozen
class Drill:
    """A store that has been lived in, and a fresh place of the same kind for its backup."""

    harness: SqlHarness
    world: World
    fresh: str

    @property
    def url(self) -> str:
        return self.harness.url


@pytest.fixture(params=["sqlite", "postgres"])
def drill(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer
) -> Iterator[Drill]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'dm.db'}"
        sql.initialise(url)
        harness: SqlHarness = SqliteHarness(url)
        yield Drill(harness, lived_in(World(harness, policy=FULL)), f"sqlite:///{tmp_path}/new.db")
        harness.close()
        return
    url, fresh = (_with_password(postgres_server.create_database()) for _ in range(2))
    sql.initialise(url)
    harness = PostgresHarness(url)
    yield Drill(harness, lived_in(World(harness, policy=FULL)), fresh)
    harness.close()
    for used in (url, fresh):
        postgres_server.drop_database(make_url(used).database or "")


def _with_password(url: str) -> str:
    """The server lets everybody in; what is said to be a password must not be seen anywhere."""
    return make_url(url).set(password="open-sesame").render_as_string(hide_password=False)
