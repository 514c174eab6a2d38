"""SQLite files that are damaged by themselves, and a disk that takes no more."""

import hashlib
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.backup.test_drill import rewritten

from dmcore.adapters import sql
from dmcore.errors import InvalidBackup, StoreUnavailable

pytestmark = pytest.mark.promise("OPS-4")


@pytest.fixture
def file(tmp_path: Path, sqlite_url: str) -> Path:
    sql.initialise(sqlite_url)
    return tmp_path / "dm.db"


def spoil(file: Path) -> None:
    """A row that the schema does not allow, which every statement can still read."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("UPDATE dm_installation SET mode = 'sideways'")
        connection.commit()


@contextmanager
def small_disk(most: int) -> Iterator[None]:
    """No file may grow above a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_damaged_file_makes_no_backup(file: Path, sqlite_url: str, tmp_path: Path) -> None:
    spoil(file)
    with pytest.raises(StoreUnavailable, match="not a sound database"):
        sql.back_up(sqlite_url, tmp_path / "backup")
    assert {it.name for it in tmp_path.iterdir()} == {"dm.db"}


def test_a_damaged_file_is_not_restored(file: Path, sqlite_url: str, tmp_path: Path) -> None:
    """Also where somebody has brought the checksum into line with it."""
    kept = tmp_path / "backup"
    made = sql.back_up(sqlite_url, kept)
    spoil(kept / made.file)
    digest = hashlib.sha256((kept / made.file).read_bytes()).hexdigest()
    rewritten(kept, sha256=digest, size=(kept / made.file).stat().st_size)
    with pytest.raises(InvalidBackup, match="not a sound database"):
        sql.restore(f"sqlite:///{tmp_path}/new.db", kept)
    assert {it.name for it in tmp_path.iterdir()} == {file.name, "backup"}


def test_a_full_disk_leaves_nothing_behind(file: Path, sqlite_url: str, tmp_path: Path) -> None:
    with small_disk(1 << 16), pytest.raises(StoreUnavailable) as caught:
        sql.back_up(sqlite_url, tmp_path / "backup")
    assert caught.value.__cause__ is caught.value.__context__ is None
    # What is opened in vain may leave its own companions.
    assert {it.name.partition("-")[0] for it in tmp_path.iterdir()} == {file.name}
    kept = tmp_path / "backup"
    sql.back_up(sqlite_url, kept)
    with small_disk(1 << 16), pytest.raises(OSError, match="large"):
        sql.restore(f"sqlite:///{tmp_path}/new.db", kept)
    assert {it.name.partition("-")[0] for it in tmp_path.iterdir()} == {file.name, "backup"}
