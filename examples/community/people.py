"""The forum's own people and what they posted, in the forum's own database.

A username is taken once, whatever the size of its letters: the database says so. Knows nothing of
messages.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal

import attrs

Role = Literal["member", "moderator", "operator"]

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS person (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  username TEXT NOT NULL UNIQUE COLLATE NOCASE,
  about TEXT NOT NULL DEFAULT '',
  role TEXT NOT NULL DEFAULT 'member'
);
CREATE TABLE IF NOT EXISTS post (
  id INTEGER PRIMARY KEY,
  author INTEGER NOT NULL REFERENCES person,
  board TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL
);
"""
_USERNAME: Final = re.compile(r"[A-Za-z0-9_-]{3,20}")


class UsernameRefused(Exception):
    """This username cannot be had; the text says why."""


@attrs.frozen(kw_only=True)
class Member:
    """Somebody with an account. An id is given once, so messages know a member by it."""

    id: int
    username: str
    about: str = ""
    role: Role = "member"


@attrs.frozen(kw_only=True)
class Post:
    """What somebody wrote for everybody."""

    author: str
    board: str
    title: str
    text: str


class People:
    """Everybody who has an account, in one SQLite file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._connected() as connection:
            connection.executescript(_TABLES)

    def register(self, username: str, about: str = "", role: Role = "member") -> Member:
        """Open an account. Raises ``UsernameRefused``."""
        if not _USERNAME.fullmatch(username):
            raise UsernameRefused("3 to 20 letters, digits, hyphens and underscores, please.")
        try:
            with self._connected() as connection:
                row = connection.execute(
                    "INSERT INTO person (username, about, role) VALUES (?, ?, ?) RETURNING id",
                    (username, about, role),
                ).fetchone()
        except sqlite3.IntegrityError:
            raise UsernameRefused("Somebody has this username already.") from None
        return Member(id=row[0], username=username, about=about, role=role)

    def everybody(self) -> list[Member]:
        """All members, those who came first in front."""
        return self._members("ORDER BY id LIMIT 200")

    def named(self, username: str) -> Member | None:
        """The member with this username, however it is spelt."""
        return next(iter(self._members("WHERE username = ?", username)), None)

    def with_ids(self, ids: Sequence[str]) -> dict[str, Member]:
        """The members with these ids, by id.

        An id is any text that somebody sent, so it may be nobody's, and no number of SQLite's.
        """
        numbers = [
            int(each) for each in ids if each.isascii() and each.isdigit() and len(each) < 19
        ]
        marks = ", ".join("?" * len(numbers))
        found = self._members(f"WHERE id IN ({marks})", *numbers)
        return {str(member.id): member for member in found}

    def write(self, post: Post) -> None:
        """Post something."""
        with self._connected() as connection:
            connection.execute(
                "INSERT INTO post (author, board, title, text)"
                " SELECT id, ?, ?, ? FROM person WHERE username = ?",
                (post.board, post.title, post.text, post.author),
            )

    def posts(self, author: str | None = None) -> list[Post]:
        """The newest posts, of everybody or of one member."""
        with self._connected() as connection:
            rows = connection.execute(
                "SELECT username, board, title, text FROM post JOIN person ON person.id = author"
                " WHERE ? IS NULL OR username = ? ORDER BY post.id DESC LIMIT 50",
                (author, author),
            ).fetchall()
        return [Post(author=row[0], board=row[1], title=row[2], text=row[3]) for row in rows]

    def _members(self, which: str, *values: object) -> list[Member]:
        with self._connected() as connection:
            rows = connection.execute(
                f"SELECT id, username, about, role FROM person {which}", values
            ).fetchall()
        return [Member(id=row[0], username=row[1], about=row[2], role=row[3]) for row in rows]

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        # One for each call: Flask answers in threads, and a connection belongs to one.
        with closing(sqlite3.connect(self._file)) as connection, connection:
            yield connection
