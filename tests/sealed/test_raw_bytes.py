"""Nothing plain lies anywhere: files, write-ahead log, temporary files, log records, backups."""

import logging
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import attrs
import psycopg
import pytest
from tests.leaks.canary import BODY, OTHER_BODY, SECRETS, Ear
from tests.leaks.conftest import ear as ear  # noqa: PLC0414 - the fixture, for this folder
from tests.support.sealed import Keys, set_up

from dmcore import DirectMessages
from dmcore.adapters import sql
from dmcore.testing.world import UNLIMITED

pytestmark = pytest.mark.promise("CRYPT-1", "LEAK-1")

EVIDENT = attrs.evolve(UNLIMITED, evidence="reporter_selected", reports=None, blocked="absorb")
# As UTF-8 stands in a file; a body longer than a page overflows into pages of its own.
TRACES = [trace.encode() for trace in ("canary-body", "2f6c9d", "77aa01", "\U0001f426")]
LONG = f"{BODY} " * 60


def everything(dm: DirectMessages) -> None:
    """All that writes a text, and all that takes one away."""
    ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
    here = ann.start("bob", BODY, key="k").conversation
    sent = [ann.send(here, LONG, key=str(number)) for number in range(30)]
    for message in sent[:10]:
        ann.edit(here, message.id, OTHER_BODY)
    bob.report(conversation=here, messages=[it.id for it in sent[5:15]], reason="spam")
    bob.block("ann")
    ann.edit(here, sent[20].id, OTHER_BODY)
    ann.send(here, BODY)
    bob.unblock("ann")
    ann.delete(here, sent[0].id)
    bob.send(here, BODY, reply_to=sent[3].id)
    for box in (ann, bob):
        box.inbox()
        box.thread(here, limit=100)
        box.export(limit=100)


def heard(*files: Path) -> list[str]:
    """Files with a trace of a text in them."""
    return [file.name for file in files if any(trace in file.read_bytes() for trace in TRACES)]


def test_no_file_and_no_log_record_holds_a_text(
    keys: Keys, sqlite_url: str, tmp_path: Path, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(scratch))
    set_up(sqlite_url, keys)
    encryption = keys.encryption()
    ring_logger = logging.getLogger("sqlalchemy.engine.Engine.dmcore-keyring")
    ring_logger.setLevel(logging.DEBUG)
    with sql.open_sync(sqlite_url, policy=EVIDENT, encryption=encryption) as dm:
        ear.listen_to(dm)
        dm.operations("olga").set_mode("on")
        everything(dm)
        file = Path(sqlite_url.removeprefix("sqlite:///"))
        wal = file.with_name(f"{file.name}-wal")
        assert wal.stat().st_size > 0
        with closing(sqlite3.connect(file)) as source:
            with closing(sqlite3.connect(tmp_path / "backup.db")) as copy:
                source.backup(copy)
            source.execute("VACUUM INTO ?", (str(tmp_path / "vacuumed.db"),))
        found = [it for it in tmp_path.rglob("*") if it.is_file()]
        assert {file, wal, tmp_path / "backup.db", tmp_path / "vacuumed.db"} <= set(found)
        assert heard(*found) == []
    assert heard(*(it for it in tmp_path.rglob("*") if it.is_file())) == []
    ear.heard_nothing()
    assert ear.records
    held = keys.keyring()
    people = [key.hex() for key in held._roots.values()]
    shown = " ".join(f"{record.getMessage()} {record.args}" for record in ear.records)
    assert not [secret for secret in people if secret in shown]
    held.close()


def test_the_sweep_hears_a_text_that_is_there(sqlite_url: str, tmp_path: Path) -> None:
    """Or the test above would prove nothing."""
    sql.initialise(sqlite_url)
    with sql.open_sync(sqlite_url, policy=EVIDENT) as dm:
        dm.operations("olga").set_mode("on")
        everything(dm)
        assert "dm.db-wal" in heard(*(it for it in tmp_path.rglob("*") if it.is_file()))


def test_no_dump_of_postgresql_holds_a_text(keys: Keys, postgres_url: str) -> None:
    """Nor do its tables, whichever column one asks."""
    set_up(postgres_url, keys)
    encryption = keys.encryption()
    with sql.open_sync(postgres_url, policy=EVIDENT, encryption=encryption) as dm:
        dm.operations("olga").set_mode("on")
        everything(dm)
    with psycopg.connect(postgres_url) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
        ]
        assert "dm_message" in names
        for name in names:
            with connection.cursor().copy(f"COPY {name} TO STDOUT".encode()) as dump:
                lying = b"".join(bytes(part) for part in dump)
            assert not [trace for trace in TRACES if trace in lying], name
    assert not [secret for secret in SECRETS if secret in repr(encryption)]


def test_a_text_that_was_sealed_later_leaves_nothing_behind(
    keys: Keys, sqlite_url: str, tmp_path: Path
) -> None:
    """SQLite overwrites what is taken away; the write-ahead log goes when the last one closes."""
    sql.initialise(sqlite_url)
    with sql.open_sync(sqlite_url, policy=EVIDENT) as dm:
        dm.operations("olga").set_mode("on")
        everything(dm)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    assert heard(file) == [file.name]
    encryption = keys.encryption()
    sql.encrypt(sqlite_url, encryption=encryption)
    list(sql.seal(sqlite_url, encryption=encryption))
    encryption.close()
    assert heard(*(it for it in tmp_path.rglob("*") if it.is_file())) == []


def test_the_command_line_shows_no_key_and_no_text(
    keys: Keys, sqlite_url: str, tmp_path: Path
) -> None:
    """Nor does the list of processes: keys are named by where they are."""
    set_up(sqlite_url, keys)
    with sql.open_sync(sqlite_url, policy=EVIDENT, encryption=keys.encryption()) as dm:
        dm.operations("olga").set_mode("on")
        everything(dm)
    secrets = [line.partition(" ")[2] for line in keys.file.read_text().splitlines()]
    for command in ("status", "verify", "keys status", "keys rotate", "keys rewrap", "keys seal"):
        done = subprocess.run(
            ["dmcore", *command.split()],
            executable=Path(subprocess.sys.executable).with_name("dmcore"),  # type: ignore[attr-defined]
            env={
                "DMCORE_URL": sqlite_url,
                "DMCORE_KEYRING": keys.url,
                "DMCORE_KEY_FILE": str(keys.file),
            },
            cwd=tmp_path,
            capture_output=True,
            check=True,
        )
        shown = done.stdout + done.stderr
        assert not [trace for trace in TRACES if trace in shown]
        assert not [secret for secret in secrets if secret.encode() in shown]
