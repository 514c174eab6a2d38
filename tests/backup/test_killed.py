"""A backup or a restore that is killed anywhere: nothing has its name, and it can be done again."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from tests.backup.conftest import Drill
from tests.support.stores import PostgresHarness

from dmcore.adapters import sql
from dmcore.errors import NotAFreshStore, NotInitialised

pytestmark = pytest.mark.promise("OPS-4")


def _dies_at(step: str, act: str, url: str, folder: str) -> None:
    def tell(now: str) -> None:
        if now == step:
            os.kill(os.getpid(), signal.SIGKILL)

    if act == "backup":
        sql.back_up(url, folder, tell=tell)
    else:
        sql.restore(url, folder, tell=tell)


def killed(step: str, act: str, url: str, folder: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_dies_at, args=(step, act, url, str(folder))
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_a_killed_backup_has_no_name(drill: Drill, tmp_path: Path) -> None:
    killed("Computing the checksum", "backup", drill.url, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
    assert drill.world.olga.verify() == ()
    made = sql.back_up(drill.url, tmp_path / "backup")
    assert made.messages > 0


def test_a_killed_restore_is_no_store_anybody_can_open(drill: Drill, tmp_path: Path) -> None:
    made = sql.back_up(drill.url, tmp_path / "backup")
    step = "Verifying" if made.store == "sqlite" else "Restoring the tables"
    killed(step, "restore", drill.fresh, tmp_path / "backup")
    with pytest.raises(NotInitialised):
        sql.open_sync(drill.fresh)
    assert sql.restore(drill.fresh, tmp_path / "backup").findings == ()


def test_tables_without_their_record_are_nobodys_store(drill: Drill, tmp_path: Path) -> None:
    """As a restore leaves them that died between the two."""
    if not isinstance(drill.harness, PostgresHarness):
        # Left behind by another file of this name, SQLite would read them into the new one.
        stale = Path(f"{drill.fresh.removeprefix('sqlite:///')}-wal")
        stale.write_bytes(b"stale")
        sql.back_up(drill.url, tmp_path / "backup")
        with pytest.raises(FileExistsError):
            sql.restore(drill.fresh, tmp_path / "backup")
        assert stale.read_bytes() == b"stale"
        return
    sql.back_up(drill.url, tmp_path / "backup")
    sql.initialise(drill.fresh)
    fresh = PostgresHarness(drill.fresh)
    fresh.execute("DELETE FROM dm_installation")
    with pytest.raises(NotInitialised):
        sql.open_sync(drill.fresh)
    with pytest.raises(NotAFreshStore):
        sql.restore(drill.fresh, tmp_path / "backup")
    fresh.close()
