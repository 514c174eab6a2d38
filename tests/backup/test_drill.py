"""A backup brought back is the store as it was, switched off; and nothing half is ever there."""

import hashlib
import json
import multiprocessing
import shutil
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID

import pytest
from tests.backup.conftest import FULL, Drill
from tests.support.stores import PostgresHarness, SqliteHarness

from dmcore import Policy
from dmcore.adapters import sql
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.sql._manifest import MANIFEST
from dmcore.domain.events import Action
from dmcore.errors import (
    DmcoreError,
    InvalidBackup,
    InvalidLedger,
    InvalidSetting,
    NotAFreshStore,
    NotInitialised,
    WrongSchema,
)
from dmcore.testing.world import text_of, thread_of

UNLIMITED = Policy(messages=None, starts=None)


def look(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All that is stored, but for the switch."""
    kind = SqliteHarness if url.startswith("sqlite") else PostgresHarness
    harness = kind(url)
    try:
        found = harness.contents()
    finally:
        harness.close()
    return {name: rows for name, rows in found.items() if name != "dm_installation"}  # type: ignore[misc]


def rewritten(folder: Path, **facts: object) -> None:
    """A manifest with other facts, signed by somebody who knows how."""
    found = json.loads((folder / MANIFEST).read_text())
    found.pop("manifest_sha256")
    found |= facts
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(found | {"manifest_sha256": digest}))


@pytest.mark.promise("OPS-4", "OPS-1")
def test_what_comes_back_is_what_was_there_with_messaging_off(drill: Drill, tmp_path: Path) -> None:
    before = look(drill.url)
    steps: list[str] = []
    made = sql.back_up(
        drill.url, tmp_path / "backup", clock=ManualClock(77_000_000), tell=steps.append
    )
    assert made.rows == {name: len(rows) for name, rows in before.items()} | {"dm_installation": 1}
    assert made.taken_at.isoformat() == "1970-01-01T00:01:17+00:00"
    done = sql.restore(drill.fresh, tmp_path / "backup", operator="rita", tell=steps.append)
    assert done.findings == ()
    assert done.erased_again == ()
    assert done.manifest == made
    assert steps[-1] == "Verifying"
    after = look(drill.fresh)
    for name, rows in before.items():
        if name not in {"dm_mailbox", "dm_journal"}:
            assert after[name] == rows, name
    added = [row for row in after["dm_journal"] if row not in before["dm_journal"]]
    assert [row[1:3] for row in added] == [("rita", 1)]
    with sql.open_sync(drill.fresh, policy=FULL) as dm:
        operations = dm.operations("olga")
        assert operations.mode() == "off"
        (entry,) = operations.audit("rita").items
        assert (entry.fact.action, entry.fact.mode) == (Action.STORE_RESTORED, "off")
        operations.set_mode("on")
        assert dm.mailbox("ann").start("bob", "again").body is not None
    # What was backed up goes on as it was.
    assert look(drill.url) == before
    assert drill.world.olga.mode() == "on"


@pytest.mark.promise("OPS-4")
def test_nothing_is_written_over(drill: Drill, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    sql.back_up(drill.url, target)
    found = {it: it.read_bytes() for it in target.iterdir()}
    assert all(it.stat().st_mode & 0o077 == 0 for it in (target, *found))
    with pytest.raises(FileExistsError):
        sql.back_up(drill.url, target)
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        sql.back_up(drill.url, tmp_path / "link")
    assert {it: it.read_bytes() for it in target.iterdir()} == found
    before = look(drill.url)
    with pytest.raises((NotAFreshStore, FileExistsError)):
        sql.restore(drill.url, target)
    assert look(drill.url) == before
    sql.restore(drill.fresh, target)
    with pytest.raises((NotAFreshStore, FileExistsError)):
        sql.restore(drill.fresh, target)
    names = {"backup", "link", "dm.db", "new.db"}
    assert {it.name.removesuffix("-wal").removesuffix("-shm") for it in tmp_path.iterdir()} <= names


@pytest.mark.promise("OPS-4")
def test_a_backup_that_is_damaged_or_not_whole_is_refused(drill: Drill, tmp_path: Path) -> None:
    whole = tmp_path / "backup"
    made = sql.back_up(drill.url, whole)
    manifest = json.loads((whole / MANIFEST).read_text())

    def flip(folder: Path) -> None:
        content = bytearray((folder / made.file).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / made.file).write_bytes(content)

    def shorten(folder: Path) -> None:
        (folder / made.file).write_bytes((folder / made.file).read_bytes()[:-1])

    damages: dict[str, Callable[[Path], object]] = {
        "a bit of the file": flip,
        "the end of the file": shorten,
        "no manifest": lambda it: (it / MANIFEST).unlink(),
        "no JSON": lambda it: (it / MANIFEST).write_text("{"),
        "deep JSON": lambda it: (it / MANIFEST).write_text("[" * 100_000),
        "a list": lambda it: (it / MANIFEST).write_text("[]"),
        "another kind": lambda it: (it / MANIFEST).write_text('{"kind": "recipe", "format": 1}'),
        "another count": lambda it: (it / MANIFEST).write_text(
            json.dumps(manifest | {"rows": manifest["rows"] | {"dm_message": 1}})
        ),
        "a newer format": lambda it: rewritten(it, format=2),
        "no numbers": lambda it: rewritten(it, rows=None),
        "no time": lambda it: rewritten(it, taken_at_us="noon"),
        "no version": lambda it: rewritten(it, schema_version=None),
        "another store": lambda it: rewritten(it, store="floppy"),
        "a count that was signed": lambda it: rewritten(
            it, rows=manifest["rows"] | {"dm_message": 1}
        ),
        "another installation": lambda it: rewritten(it, installation="0" * 36),
    }
    for name, damage in damages.items():
        folder = tmp_path / name
        shutil.copytree(whole, folder)
        damage(folder)
        with pytest.raises(InvalidBackup):
            sql.restore(drill.fresh, folder)
        if "new.db" in drill.fresh:
            assert not Path(drill.fresh.removeprefix("sqlite:///")).exists(), name
        with pytest.raises(NotInitialised):
            sql.open_sync(drill.fresh)
    with pytest.raises(FileNotFoundError):
        sql.restore(drill.fresh, tmp_path / "nowhere")
    assert sql.restore(drill.fresh, whole).findings == ()


@pytest.mark.promise("OPS-4", "OPS-6")
def test_what_cannot_go_there_is_told_before_anything_is_written(
    drill: Drill, tmp_path: Path
) -> None:
    whole = tmp_path / "backup"
    made = sql.back_up(drill.url, whole)
    other = "postgresql://nowhere.invalid/x" if made.store == "sqlite" else "sqlite:///other.db"
    refusals: list[tuple[Callable[[], object], type[DmcoreError]]] = [
        (lambda: sql.restore(other, whole), InvalidBackup),
        (lambda: sql.restore(drill.fresh, whole, ledger=["{}"]), InvalidLedger),
        (lambda: sql.restore("oracle:///x", whole), InvalidSetting),
    ]
    if made.store == "sqlite":
        refusals.append((lambda: sql.restore(drill.fresh, whole, roles="x"), InvalidSetting))
    for act, expected in refusals:
        with pytest.raises(expected):
            act()
    rewritten(whole, schema_version=made.schema_version + 1)
    with pytest.raises(WrongSchema) as caught:
        sql.restore(drill.fresh, whole)
    assert caught.value.details["found"] == made.schema_version + 1
    with pytest.raises(NotInitialised):
        sql.open_sync(drill.fresh)


@pytest.mark.promise("OPS-4", "GDPR-1")
def test_who_was_erased_since_is_erased_again(drill: Drill, tmp_path: Path) -> None:
    sql.back_up(drill.url, tmp_path / "backup")
    gone = drill.world.olga.erase("bob").pseudonym
    ledger = drill.world.olga.export_erasures().items
    done = sql.restore(drill.fresh, tmp_path / "backup", ledger=ledger)
    assert done.erased_again == (gone,)
    assert done.findings == ()
    with sql.open_sync(drill.fresh) as dm:
        dm.operations("olga").set_mode("on")
        thread = dm.mailbox("ann").thread(drill.world.ann.inbox().items[0].conversation)
        texts = [it.body for it in thread.items if it.sender == gone]
        assert texts == [None] * len(texts)
        assert texts


@pytest.mark.promise("OPS-4", "OPS-5")
def test_a_store_that_was_not_sound_comes_back_and_is_called_so(
    drill: Drill, tmp_path: Path
) -> None:
    drill.harness.execute("UPDATE dm_mailbox SET unread = unread + 1 WHERE user_id = 'ann'")
    sql.back_up(drill.url, tmp_path / "backup")
    done = sql.restore(drill.fresh, tmp_path / "backup")
    assert {it.rule for it in done.findings} == {"the unread total is not the sum over the inbox"}


def _sends(url: str, conversation: str, acknowledged: Connection) -> None:
    """Send one message after the other, and tell how many were acknowledged."""
    with sql.open_sync(url, policy=UNLIMITED) as dm:
        box, count = dm.mailbox("ann"), 0
        while not acknowledged.poll():
            count += 1
            box.send(conversation, f"number {count}")
            acknowledged.send(count)


@pytest.mark.promise("OPS-4", "MSG-4")
def test_somebody_writes_meanwhile(drill: Drill, tmp_path: Path) -> None:
    """What was acknowledged before it began is in it, and whatever is in it is one state."""
    conversation = str(drill.world.ann.start("bob", "number 0").conversation)
    here, there = multiprocessing.get_context("spawn").Pipe()
    writer = multiprocessing.get_context("spawn").Process(
        target=_sends, args=(drill.url, conversation, there)
    )
    writer.start()
    # So that one who ends without a word is noticed, and not waited for.
    there.close()
    for _ in range(10):
        before = here.recv()
    for number in range(2):
        while here.poll():
            before = here.recv()
        sql.back_up(drill.url, tmp_path / f"backup-{number}")
        after = here.recv()
        assert after > before
    here.send("stop")
    writer.join()
    assert writer.exitcode == 0
    assert sql.restore(drill.fresh, tmp_path / "backup-1").findings == ()
    with sql.open_sync(drill.fresh, policy=UNLIMITED) as dm:
        dm.operations("olga").set_mode("read_only")
        found = [text_of(it) for it in thread_of(dm.mailbox("ann"), UUID(conversation))]
    numbers = [int(it.split()[1]) for it in found if it.startswith("number")]
    assert numbers == list(range(len(numbers)))
    assert numbers[-1] >= before


@pytest.mark.promise("OPS-4")
def test_what_is_no_store_is_not_backed_up(drill: Drill, tmp_path: Path) -> None:
    with pytest.raises(NotInitialised):
        sql.back_up(drill.fresh, tmp_path / "backup")
    drill.harness.execute("DELETE FROM dm_installation")
    with pytest.raises(NotInitialised):
        sql.back_up(drill.url, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
    assert not list(tmp_path.glob(".*"))
