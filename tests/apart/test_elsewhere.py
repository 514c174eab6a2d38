"""What is of messages in the host's database is named, and what is not is left alone."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import make_url
from tests.apart.conftest import Neighbours
from tests.leaks.canary import sounds_of_records
from tests.support.sealed import Keys, set_up

from dmcore import Policy
from dmcore.adapters import sql
from dmcore.adapters.sql import metadata
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.domain.verification import Finding
from dmcore.errors import (
    EncryptionRequired,
    HostUnavailable,
    InvalidSetting,
    NotInitialised,
)

pytestmark = pytest.mark.promise("OPS-2")

TEXT = "Is the blue bicycle in the yard still for sale?"
TABLE = "a table of dmcore's is in the host's database"
COLUMN = "the table of references has a column that is no reference"
IDS = "ids of messages are in the host's database"
TEXTS = "texts of messages are in the host's database"
CLOSED = "a table of the host's could not be read as a whole"


@pytest.fixture
def message(neighbours: Neighbours) -> UUID:
    """The id of the newest message, whose text is one that nobody else writes."""
    return neighbours.world.dm.mailbox("eve").start("zoe", TEXT).id


def schema(neighbours: Neighbours, name: str = "public") -> str:
    return "" if neighbours.host.startswith("sqlite") else f"{name}."


def ids(neighbours: Neighbours) -> Any:
    """How a message's id is stored here, as a column of the host's would have it."""
    return "BLOB" if neighbours.host.startswith("sqlite") else "uuid"


@pytest.mark.usefixtures("message")
def test_a_host_without_messages_is_clean(neighbours: Neighbours) -> None:
    found = neighbours.look()
    assert found == sql.Elsewhere(findings=(), tables=1, messages=found.messages, is_complete=True)
    assert found.messages > 10


def test_every_table_of_ours_is_named(neighbours: Neighbours) -> None:
    """With rows or without: nobody else has one of that name."""
    names = [*metadata.tables, "dm_write"]
    for name in names:
        neighbours.plant(f'CREATE TABLE "{name}" (body text)')
    expected = {Finding(TABLE, f"table {schema(neighbours)}{name}") for name in names}
    assert set(neighbours.look().findings) == expected


def test_a_table_of_ours_is_named_however_it_is_spelled(neighbours: Neighbours) -> None:
    neighbours.plant('CREATE TABLE "DM_Message" (body text)')
    (found,) = neighbours.look().findings
    assert found == Finding(TABLE, f"table {schema(neighbours)}DM_Message")


def test_a_table_of_ours_is_named_in_any_schema_and_form(neighbours: Neighbours) -> None:
    if neighbours.host.startswith("sqlite"):
        neighbours.plant("CREATE VIEW dm_message AS SELECT 1 AS body")
        assert neighbours.look().findings == (Finding(TABLE, "table dm_message"),)
        return
    neighbours.plant('CREATE SCHEMA "zoo.of all"')
    neighbours.plant('CREATE TABLE "zoo.of all".dm_message (id uuid) PARTITION BY HASH (id)')
    neighbours.plant("CREATE VIEW dm_side AS SELECT 1 AS unread")
    neighbours.plant("CREATE MATERIALIZED VIEW dm_evidence AS SELECT 1 AS body")
    assert {it.where for it in neighbours.look().findings} == {
        "table zoo.of all.dm_message",
        "table public.dm_side",
        "table public.dm_evidence",
    }


REFERENCES = (
    "tenant text, user_id text, other_id text, conversation {id}, unread integer, position bigint"
)


@pytest.mark.parametrize("more", ["", ", preview text", ", sent_at bigint"])
@pytest.mark.usefixtures("message")
def test_references_are_allowed_and_nothing_beside_them(neighbours: Neighbours, more: str) -> None:
    columns = REFERENCES.format(id=ids(neighbours))
    neighbours.plant(f"CREATE TABLE dm_reference ({columns}{more})")
    talk = neighbours.world.dm.mailbox("zoe").inbox().items[0].conversation
    kept = talk.bytes if neighbours.host.startswith("sqlite") else talk
    neighbours.plant(
        "INSERT INTO dm_reference (tenant, user_id, other_id, conversation, unread, position)"
        " VALUES ('', 'zoe', 'eve', ?, 1, 1)",
        kept,
    )
    expected = [
        Finding(COLUMN, f"column {schema(neighbours)}dm_reference.{it.split()[0]}")
        for it in more.removeprefix(",").split(",")
        if it
    ]
    assert list(neighbours.look().findings) == expected


def test_a_reference_that_holds_a_text_is_none(neighbours: Neighbours, message: UUID) -> None:
    neighbours.plant(f"CREATE TABLE dm_reference ({REFERENCES.format(id=ids(neighbours))})")
    neighbours.plant("INSERT INTO dm_reference (other_id) VALUES (?)", TEXT)
    neighbours.plant("INSERT INTO dm_reference (user_id) VALUES (?)", str(message))
    where = f"column {schema(neighbours)}dm_reference"
    assert set(neighbours.look().findings) == {
        Finding(TEXTS, f"{where}.other_id"),
        Finding(IDS, f"{where}.user_id"),
    }


AS_TEXT: dict[str, Callable[[UUID], str]] = {
    "with_dashes": str,
    "in_capitals": lambda id_: str(id_).upper(),
    "hexadecimal": lambda id_: id_.hex,
    "in_a_path": lambda id_: f"/messages/{id_}#last",
    "in_a_document": lambda id_: json.dumps({"kind": "new_message", "about": str(id_)}),
}


@pytest.mark.parametrize("form", AS_TEXT)
def test_ids_of_messages_are_found_in_texts(
    neighbours: Neighbours, message: UUID, form: str
) -> None:
    neighbours.plant('CREATE TABLE "the ""100%"" copy" (n integer, "a % of it" text)')
    neighbours.plant(
        'INSERT INTO "the ""100%"" copy" ("a % of it") VALUES (?)', AS_TEXT[form](message)
    )
    where = f'column {schema(neighbours)}the "100%" copy.a % of it'
    assert neighbours.look().findings == (Finding(IDS, where),)


@pytest.mark.parametrize("kind", ["uuid", "uuid[]", "bytea", "jsonb", "varchar(40)", "raw", "pair"])
def test_ids_of_messages_are_found_in_every_type_that_has_room(
    neighbours: Neighbours, message: UUID, kind: str
) -> None:
    if neighbours.host.startswith("sqlite"):
        neighbours.plant("CREATE TABLE seen (mid)")
        neighbours.plant("INSERT INTO seen VALUES (?)", message.bytes)
    else:
        neighbours.plant("CREATE DOMAIN raw AS bytea")
        neighbours.plant("CREATE TYPE pair AS (one uuid, other uuid)")
        neighbours.plant(f"CREATE TABLE seen (mid {kind})")
        value = {
            "uuid[]": [message],
            "bytea": message.bytes,
            "raw": message.bytes,
            "jsonb": json.dumps([str(message)]),
            "pair": f"({message},)",
        }.get(kind, str(message))
        neighbours.plant("INSERT INTO seen VALUES (?)", value)
    assert neighbours.look().findings == (Finding(IDS, f"column {schema(neighbours)}seen.mid"),)


COPIES = {
    "whole": TEXT,
    "preview": TEXT[:24],
    "shortened": f"{TEXT[:30]}…",
    "in_a_document": json.dumps({"id": 7, "last": TEXT}),
    "bytes": TEXT.encode(),
}


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.usefixtures("message")
def test_texts_of_messages_are_found(neighbours: Neighbours, copy: str) -> None:
    kind = "BLOB" if neighbours.host.startswith("sqlite") else "bytea"
    neighbours.plant(
        f"CREATE TABLE inbox (n integer, preview {kind if copy == 'bytes' else 'text'})"
    )
    neighbours.plant("INSERT INTO inbox VALUES (1, ?)", COPIES[copy])
    neighbours.plant("INSERT INTO inbox VALUES (2, ?)", COPIES[copy])
    assert neighbours.look().findings == (
        Finding(TEXTS, f"column {schema(neighbours)}inbox.preview"),
    )


def test_what_two_people_may_write_without_knowing_of_each_other_is_no_copy(
    neighbours: Neighbours, message: UUID
) -> None:
    """Short texts, beginnings that several messages have, and what only resembles an id."""
    dm = neighbours.world.dm
    for other in ("zoe", "ann"):
        dm.mailbox("eve").start(other, "Hello, I am writing to you about the flat")
    dm.mailbox("eve").start("zoe", "All right then")
    neighbours.plant("CREATE TABLE phrase (words text)")
    for words in (
        "Hello, I am writing to you about the flat",
        "All right then",
        TEXT[:23],
        TEXT[1:],
        str(UUID(int=message.int ^ 1)),
        hashlib.sha256(message.bytes).hexdigest(),
    ):
        neighbours.plant("INSERT INTO phrase VALUES (?)", words)
    assert neighbours.look().findings == ()


@pytest.mark.usefixtures("message")
def test_a_whole_copy_under_another_name_is_found(neighbours: Neighbours) -> None:
    """Every row of the messages, as somebody's nightly job may bring them over."""
    kind = ids(neighbours)
    neighbours.plant(f"CREATE TABLE archive_2026 (c {kind}, m {kind}, sender text, words text)")
    for row in neighbours.harness.rows("SELECT conversation_id, id, sender, body FROM dm_message"):
        neighbours.plant("INSERT INTO archive_2026 VALUES (?, ?, ?, ?)", *row)
    where = f"column {schema(neighbours)}archive_2026"
    found = neighbours.look()
    assert found.findings == (Finding(IDS, f"{where}.m"), Finding(TEXTS, f"{where}.words"))
    # Of fewer messages it is found as well, and that it were fewer is said.
    some = neighbours.look(sample=found.messages - 2)
    assert Finding(IDS, f"{where}.m") in some.findings
    assert (some.messages, some.is_complete) == (found.messages - 2, False)


def test_no_more_findings_are_named_than_asked_for(neighbours: Neighbours) -> None:
    for name in ("dm_block", "dm_message", "dm_side"):
        neighbours.plant(f"CREATE TABLE {name} (x integer)")
    found = neighbours.look(most=2)
    assert len(found.findings) == 2
    assert not found.is_complete


def test_a_name_is_shown_so_that_a_terminal_obeys_nothing(neighbours: Neighbours) -> None:
    neighbours.plant('CREATE TABLE "dm_reference" ("\x1b[2J" text)')
    (found,) = neighbours.look().findings
    assert found.where.endswith(r"dm_reference.\x1b[2J")


def test_a_finding_tells_no_content_nor_does_a_log(
    neighbours: Neighbours, message: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing of a message is sent to the host's server, which may log what it is asked."""
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", "sqlalchemy")
    neighbours.plant("CREATE TABLE copied (mid text, words text)")
    neighbours.plant("INSERT INTO copied VALUES (?, ?)", str(message), TEXT)
    found = neighbours.look()
    assert len(found.findings) == 2
    told = [repr(found), *sounds_of_records(caplog.records)]
    assert any("copied" in it for it in told)
    assert [it for it in told if "bicycle" in it or str(message) in it] == []


def test_looking_changes_nothing_in_the_hosts_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/dm.db"
    sql.initialise(url)
    host = tmp_path / "host.db"
    neighbours = Neighbours(None, None, f"sqlite:///{host}")  # type: ignore[arg-type]
    neighbours.plant("CREATE TABLE x (y)")
    neighbours.plant("PRAGMA journal_mode = WAL")
    before = host.read_bytes()
    assert sql.look_elsewhere(url, neighbours.host).is_complete
    assert host.read_bytes() == before
    assert not list(tmp_path.glob("host.db-*"))


# What cannot be looked at ------------------------------------------------------------------------


def test_what_is_asked_for_has_to_make_sense(neighbours: Neighbours) -> None:
    for wrong in ({"most": 0}, {"sample": 0}):
        with pytest.raises(InvalidSetting):
            neighbours.look(**wrong)
    with pytest.raises(NotInitialised):
        sql.look_elsewhere(neighbours.host, neighbours.harness.url)
    assert neighbours.look().findings == ()


def test_a_host_that_is_not_there_is_unavailable_and_not_made(
    neighbours: Neighbours, tmp_path: Path
) -> None:
    for host in (f"sqlite:///{tmp_path}/nowhere.db", "sqlite://", "postgresql://127.0.0.1:1/x"):
        with pytest.raises(HostUnavailable):
            sql.look_elsewhere(neighbours.harness.url, host)
    assert not (tmp_path / "nowhere.db").exists()
    (tmp_path / "letter.db").write_text("Dear diary " * 200)
    with pytest.raises(HostUnavailable, match="sound database"):
        sql.look_elsewhere(neighbours.harness.url, f"sqlite:///{tmp_path}/letter.db")


def test_a_message_store_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "host.db").touch()
    with pytest.raises(Exception, match="cannot be reached"):
        sql.look_elsewhere("postgresql://127.0.0.1:1/x", f"sqlite:///{tmp_path}/host.db")


def test_a_message_store_without_its_messages_is_an_error_of_the_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/dm.db"
    sql.initialise(url)
    (tmp_path / "host.db").touch()
    with closing(sqlite3.connect(tmp_path / "dm.db")) as connection:
        connection.execute("DROP TABLE dm_message")
    with pytest.raises(NotInitialised):
        sql.look_elsewhere(url, f"sqlite:///{tmp_path}/host.db")


def test_a_table_that_is_not_for_this_login_is_named(postgres_url: str, tmp_path: Path) -> None:
    """Nothing is proved of it: closed, or with rows that row-level security keeps."""
    sql.initialise(f"sqlite:///{tmp_path}/dm.db")
    login = "dm_reading_login"
    host = make_url(postgres_url).set(username=login)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for statement in (
            f"CREATE ROLE {login} LOGIN PASSWORD 'x'",
            "CREATE TABLE closed (x text)",
            "CREATE TABLE filtered (x text)",
            "ALTER TABLE filtered ENABLE ROW LEVEL SECURITY",
            "CREATE TABLE seen (x text)",
            "CREATE SCHEMA hidden",
            "CREATE TABLE hidden.seen (x text)",
            f"GRANT SELECT ON filtered, seen, hidden.seen TO {login}",
        ):
            connection.execute(statement.encode())
        try:
            found = sql.look_elsewhere(f"sqlite:///{tmp_path}/dm.db", host)
        finally:
            connection.execute(f"DROP OWNED BY {login}".encode())
            connection.execute(f"DROP ROLE {login}".encode())
    assert set(found.findings) == {
        Finding(CLOSED, f"table {it}") for it in ("public.closed", "public.filtered", "hidden.seen")
    }
    assert (found.tables, found.is_complete) == (4, False)


def test_a_table_that_is_damaged_costs_itself_and_not_the_others(tmp_path: Path) -> None:
    url, host = f"sqlite:///{tmp_path}/dm.db", tmp_path / "host.db"
    sql.initialise(url)
    with closing(sqlite3.connect(host)) as connection:
        connection.execute("CREATE TABLE damaged (x text)")
        connection.execute("CREATE TABLE dm_message (x text)")
        connection.commit()
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'damaged'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(host.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    host.write_bytes(content)
    found = sql.look_elsewhere(url, f"sqlite:///{host}")
    assert set(found.findings) == {
        Finding(CLOSED, "table damaged"),
        Finding(TABLE, "table dm_message"),
    }
    assert not found.is_complete


def test_a_table_of_a_program_that_is_not_here_is_passed_over(tmp_path: Path) -> None:
    """What such a table shows lies in others, which are looked into."""
    url, host = f"sqlite:///{tmp_path}/dm.db", tmp_path / "host.db"
    sql.initialise(url)
    with closing(sqlite3.connect(host)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "INSERT INTO sqlite_master VALUES"
            " ('table', 'places', 'places', 0, 'CREATE VIRTUAL TABLE places USING nowhere(x)')"
        )
        connection.commit()
    found = sql.look_elsewhere(url, f"sqlite:///{host}")
    assert (found.findings, found.is_complete) == ((), True)


def test_of_a_large_table_a_part_is_read_and_that_is_said(
    postgres_url: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/dm.db"
    sql.initialise(url)
    with sql.open_sync(url, policy=Policy(messages=None, starts=None)) as dm:
        dm.operations("olga").set_mode("on")
        sent = [dm.mailbox("ann").start("bob", f"{n} times").id for n in range(3)]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE large (id uuid, words text)")
        fill = "INSERT INTO large SELECT {} FROM generate_series(1, {}) AS n"
        connection.execute(fill.format("gen_random_uuid(), n", 9_000).encode())
        copied = fill.format("unnest(%s::uuid[]), ''", 1_500)
        connection.execute(copied.encode(), (sent,))
        # As many as are asked for, whether or not the server knows how many there are.
        before = sql.look_elsewhere(url, postgres_url, sample=500)
        connection.execute("ANALYZE large")
        after = sql.look_elsewhere(url, postgres_url, sample=5_000)
        whole = sql.look_elsewhere(url, postgres_url, sample=50_000)
    assert (before.is_complete, after.is_complete, whole.is_complete) == (False, False, True)
    assert whole.findings == (Finding(IDS, "column public.large.id"),)
    assert after.findings == whole.findings


# Sealed texts ------------------------------------------------------------------------------------


@pytest.mark.promise("CRYPT-1")
def test_copies_of_sealed_texts_are_found_with_their_keys(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    keys = Keys(folder).make()
    url, host = f"sqlite:///{tmp_path}/dm.db", f"sqlite:///{tmp_path}/host.db"
    set_up(url, keys)
    with sql.open_sync(url, encryption=keys.encryption()) as dm:
        dm.operations("olga").set_mode("on")
        dm.mailbox("ann").start("bob", TEXT)
        dm.mailbox("eve").start("zoe", "Nobody will be able to read this one again")
    keys.keyring().destroy(User(TenantId(""), UserId("eve")))
    neighbours = Neighbours(None, None, host)  # type: ignore[arg-type]
    neighbours.plant("CREATE TABLE inbox (preview text)")
    neighbours.plant("INSERT INTO inbox VALUES (?)", TEXT)
    with pytest.raises(EncryptionRequired):
        sql.look_elsewhere(url, host)
    with closing(keys.encryption()) as encryption:
        found = sql.look_elsewhere(url, host, encryption=encryption)
    assert found.findings == (Finding(TEXTS, "column inbox.preview"),)
