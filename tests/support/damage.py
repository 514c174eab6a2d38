"""Damage to a SQLite file: as a disk does it, past everything that would notice, or by hand."""

import sqlite3
from contextlib import closing
from pathlib import Path


def overwrite(url: str, index: str, beginning: bytes) -> None:
    """Put something else where an index begins, while nobody uses the file."""
    file = Path(url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        found = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        (page,) = connection.execute(found, (index,)).fetchone()
    with file.open("r+b") as written:
        written.seek((page - 1) * size)
        written.write(beginning.ljust(size, beginning[-1:]))


def change(url: str, statements: str) -> None:
    """What somebody did to a store with other means than dmcore."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.executescript(statements)
