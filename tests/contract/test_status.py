"""What an operator sees of a store: its mode, versions and counts."""

import shutil
from pathlib import Path

import psycopg
import pytest
from tests.support.damage import overwrite
from tests.support.stores import Harness

from dmcore import Mode, StoreStatus
from dmcore.adapters import sql
from dmcore.adapters.sql._schema import SCHEMA_VERSION
from dmcore.ports.installation import StorageHealth
from dmcore.testing.postgres import Durability, PostgresServer
from dmcore.testing.world import MakeWorld

SCHEMA_VERSIONS = {"memory": 0, "sqlite": SCHEMA_VERSION, "postgres": SCHEMA_VERSION}
KINDS = {"memory": "memory", "sqlite": "sqlite", "postgres": "postgresql"}


@pytest.mark.promise("OPS-3")
def test_a_new_store_is_off_and_empty(make_world: MakeWorld) -> None:
    world = make_world(mode=None)
    assert isinstance(world.harness, Harness)
    kind = world.harness.kind
    found = world.olga.status()
    assert found == StoreStatus(
        mode=Mode.OFF,
        schema_version=SCHEMA_VERSIONS[kind],
        store=KINDS[kind],
        conversations=0,
        messages=0,
        users=0,
        blocks=0,
        journal_entries=0,
        # What a server and a file say of themselves is below.
        health=found.health,
    )


# Sizes ------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A store that is set up and on."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    sql.initialise(found)
    with sql.open_sync(found) as dm:
        dm.operations("olga").set_mode(Mode.ON)
    return found


@pytest.mark.promise("OPS-3")
def test_a_size_grows_with_what_is_said(url: str) -> None:
    with sql.open_sync(url) as dm:
        before = dm.operations("olga").status()
        sent = dm.mailbox("ann").start("bob", "first")
        for number in range(8):
            dm.mailbox("bob").send(sent.conversation, f"{number}" * 4_000)
        after = dm.operations("olga").status()
    assert before.size_bytes is not None
    assert after.size_bytes is not None
    assert before.size_bytes > 0
    # Long texts are packed on PostgreSQL.
    assert after.size_bytes > before.size_bytes


@pytest.mark.promise("OPS-3")
def test_what_others_keep_in_the_database_is_not_in_its_size(postgres_url: str) -> None:
    sql.initialise(postgres_url)
    with sql.open_sync(postgres_url) as dm:
        before = dm.operations("olga").status().size_bytes
        with psycopg.connect(postgres_url) as connection:
            connection.execute("CREATE TABLE theirs AS SELECT generate_series(1, 100000)")
        assert dm.operations("olga").status().size_bytes == before


@pytest.mark.promise("OPS-3")
def test_what_is_left_on_the_disk_of_a_file_is_known(url: str) -> None:
    with sql.open_sync(url) as dm:
        left = dm.operations("olga").status().free_bytes
    if url.startswith("sqlite"):
        assert left is not None
        assert 0 < left <= shutil.disk_usage(Path(url.removeprefix("sqlite:///")).parent).total
    else:
        assert left is None


# Health -----------------------------------------------------------------------------------------


# The header of a page of an index in which there is nothing.
_EMPTY = b"\x0a\0\0\0\0\x10\0\0"


def health(url: str, synchronous: sql.Synchronous = "FULL") -> StorageHealth:
    """What an operator is told of the store."""
    with sql.open_sync(url, synchronous=synchronous) as dm:
        return dm.operations("olga").status().health


@pytest.mark.promise("OPS-3")
def test_a_file_that_is_not_waited_for_is_not_durable(sqlite_url: str) -> None:
    sql.initialise(sqlite_url)
    assert health(sqlite_url) is StorageHealth.SOUND
    assert health(sqlite_url, "NORMAL") is StorageHealth.NOT_DURABLE


@pytest.mark.promise("OPS-3")
def test_a_page_that_was_overwritten_is_told(sqlite_url: str) -> None:
    sql.initialise(sqlite_url)
    overwrite(sqlite_url, "ix_dm_report_queue", b"\xff")
    assert health(sqlite_url) is StorageHealth.DAMAGED


@pytest.mark.promise("OPS-5")
def test_an_index_that_does_not_fit_its_table_is_found_by_a_verification(sqlite_url: str) -> None:
    """Whoever reads by it sees nothing, and nothing else is wrong."""
    sql.initialise(sqlite_url)
    with sql.open_sync(sqlite_url) as dm:
        dm.operations("olga").set_mode(Mode.ON)
        dm.mailbox("ann").start("bob", "x")
        assert dm.operations("olga").verify() == ()
    overwrite(sqlite_url, "ix_dm_side_inbox", _EMPTY)
    with sql.open_sync(sqlite_url) as dm:
        assert dm.mailbox("bob").inbox().items == ()
        (finding,) = dm.operations("olga").verify()
    assert finding.where == "the database"


@pytest.mark.promise("OPS-3")
def test_a_server_says_how_much_its_word_is_worth() -> None:
    with PostgresServer(durability=Durability.DURABLE) as server:
        url = server.create_database()
        sql.initialise(url)
        assert health(url) is StorageHealth.SOUND
        with psycopg.connect(url, autocommit=True) as connection:
            name = connection.info.dbname
            for setting, told in (
                ("synchronous_commit = off", StorageHealth.NOT_DURABLE),
                ("synchronous_commit = local", StorageHealth.SOUND),
                ("default_transaction_read_only = on", StorageHealth.READ_ONLY),
            ):
                connection.execute(f'ALTER DATABASE "{name}" SET {setting}')
                assert health(url) is told


@pytest.mark.promise("OPS-3")
def test_a_server_that_met_a_damaged_page_says_so() -> None:
    """It finds one when it reads it; from then on every status tells."""
    with PostgresServer(durability=Durability.DURABLE) as server:
        url = server.create_database()
        sql.initialise(url)
        with sql.open_sync(url) as dm:
            dm.operations("olga").set_mode(Mode.ON)
            dm.mailbox("ann").report("bob", reason="spam")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            folder, name = connection.execute(
                "SELECT current_setting('data_directory'), pg_relation_filepath('dm_report')"
            ).fetchall()[0]
        server.crash()
        assert health(url) is StorageHealth.SOUND
        with Path(folder, name).open("r+b") as written:
            written.seek(4_000)
            written.write(b"\xff" * 4_000)
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.DataCorrupted):
            connection.execute("SELECT count(*) FROM dm_report")
        assert health(url) is StorageHealth.DAMAGED
