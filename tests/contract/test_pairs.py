"""A pair has one conversation, whoever begins it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql as words
from sqlalchemy.exc import IntegrityError
from tests.support.stores import MemoryHarness, PostgresHarness, SqlHarness, engine_of

from dmcore import DirectMessages
from dmcore.adapters import sql
from dmcore.adapters.sql import SqlTransactions, metadata
from dmcore.errors import StoreRefused
from dmcore.testing.conformance.pairs import CONFUSABLE
from dmcore.testing.postgres import PostgresServer
from dmcore.testing.world import UNLIMITED, World


@pytest.mark.promise("PAIR-1")
def test_two_installations_have_different_ids_for_the_same_pair(world: World) -> None:
    with_another_namespace = MemoryHarness()
    other = World(with_another_namespace)
    assert world.ann.start("bob", "x").conversation != other.ann.start("bob", "x").conversation


# The second net (ADR 17) ------------------------------------------------------------------------


def _copy(**changes: str) -> str:
    """A statement that copies the one conversation there is, with some values replaced."""
    values = (changes.get(it.name, it.name) for it in metadata.tables["dm_conversation"].columns)
    return f"INSERT INTO dm_conversation SELECT {', '.join(values)} FROM dm_conversation"


@pytest.mark.promise("PAIR-1")
def test_the_database_itself_refuses_a_second_row_of_a_pair(sql_world: World) -> None:
    message = sql_world.ann.start("bob", "x")
    harness = sql_world.harness
    assert isinstance(harness, SqlHarness)
    assert message.id != message.conversation
    with sql_world.unchanged(), pytest.raises(IntegrityError):
        harness.execute(_copy(id="newest"))


@pytest.mark.promise("PAIR-1")
def test_the_database_itself_refuses_a_pair_out_of_order(sql_world: World) -> None:
    sql_world.ann.start("bob", "x")
    harness = sql_world.harness
    assert isinstance(harness, SqlHarness)
    for pair in ({"low": "high", "high": "low"}, {"low": "'x'", "high": "'x'"}):
        with sql_world.unchanged(), pytest.raises(IntegrityError):
            harness.execute(_copy(id="newest", tenant="'south'", **pair))


@pytest.mark.promise("PAIR-1")
def test_a_pair_that_exists_under_another_id_is_an_error_and_no_second_conversation(
    sql_harness: SqlHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a namespace that was changed by hand; retrying cannot help, so it must end."""
    monkeypatch.setattr("dmcore.adapters.sql._transactions._PATIENCE_S", 0.05)
    world = World(sql_harness)
    world.ann.start("bob", "x")
    with sql.open_sync(sql_harness.url, policy=UNLIMITED) as opened:
        stranger = DirectMessages(
            rules=opened._rules,
            transactions=SqlTransactions(engine_of(opened), b"another namespace"),
        )
        with world.unchanged(), pytest.raises(StoreRefused):
            stranger.mailbox("ann").start("bob", "y")


@pytest.mark.promise("PAIR-1")
def test_every_column_that_holds_an_id_compares_by_code_point(
    postgres_harness: PostgresHarness,
) -> None:
    rows = postgres_harness.rows(
        "SELECT table_name, column_name, collation_name FROM information_schema.columns"
        " WHERE table_name LIKE 'dm\\_%' AND data_type = 'text'"
    )
    texts_and_words = {"mode", "action", "body", "own_body", "folder", "open_to"}
    free = {*texts_and_words, "low_request", "high_request", "reason", "state", "outcome"}
    free |= {"flags", "kind", "holder", "error", "move", "verdict"}
    assert {name for _, name, _ in rows} > free
    assert [row for row in rows if row[1] not in free and row[2] != "C"] == []


@pytest.fixture
def foreign_order(postgres_server: PostgresServer) -> Iterator[str]:
    """A database that sorts "ann" before "Bob", as people do and code points do not."""
    address = postgres_server.create_database()
    postgres_server.drop_database(address)
    name = urlsplit(address).path.removeprefix("/")
    scheme, _, rest = postgres_server.url().partition("://")
    make = words.SQL(
        "CREATE DATABASE {} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'"
    ).format(words.Identifier(name))
    with psycopg.connect(f"{scheme.partition('+')[0]}://{rest}", autocommit=True) as connection:
        try:
            connection.execute(make)
        except psycopg.Error as error:
            pytest.skip(f"this server has no ICU locales ({error.sqlstate})")
    yield address
    postgres_server.drop_database(address)


@pytest.mark.promise("PAIR-1")
def test_the_collation_of_the_database_cannot_flip_a_pair(foreign_order: str) -> None:
    sql.initialise(foreign_order)
    harness = PostgresHarness(foreign_order)
    assert harness.rows("SELECT 'ann' < 'Bob'") == [(True,)]
    world = World(harness)
    for one, other in CONFUSABLE:
        first = world.dm.mailbox(one).start(other, "one")
        assert world.dm.mailbox(other).start(one, "two").conversation == first.conversation
    assert world.is_sound()
    harness.close()
