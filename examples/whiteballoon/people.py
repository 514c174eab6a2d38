"""The host's own database: who belongs to this WhiteBalloon, and what they need.

It knows nothing of messages. The relay keeps one more table in it, `dm_reference`: ids and counts.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import attrs

_TABLES = """
CREATE TABLE IF NOT EXISTS person (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    about TEXT NOT NULL,
    is_admin INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS need (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person (id),
    title TEXT NOT NULL,
    detail TEXT NOT NULL
);
"""

# Invented, all of them.
_PEOPLE = (
    ("rosa", "Rosa Delgado", "Keeps this WhiteBalloon going. Has a van on Saturdays.", True),
    ("amir", "Amir Haddad", "New on Elm Street. Repairs bicycles and radios.", False),
    ("june", "June Park", "Night nurse. Knows which office answers the phone.", False),
    ("teo", "Teo Lindgren", "Carpenter, two strong arms and a long ladder.", False),
    ("nadia", "Nadia Osei", "Cooks for ten as easily as for two.", False),
)
_NEEDS = (
    ("amir", "A ride to the clinic", "Thursday at nine, there and back, about an hour in between."),
    ("june", "Someone to water tomatoes", "From the 3rd to the 10th, every other evening."),
    ("nadia", "A sofa has to go down two floors", "Any evening; tea and cake are provided."),
)


@attrs.frozen(kw_only=True)
class Person:
    """Somebody who belongs to this place."""

    id: str
    name: str
    about: str
    is_admin: bool


@attrs.frozen(kw_only=True)
class Need:
    """Something that somebody asks the others for."""

    person: Person
    title: str
    detail: str


@attrs.frozen(kw_only=True)
class Waiting:
    """That somebody wrote, where, and how much of it is unread; never what."""

    sender: Person
    conversation: str
    unread: int


class People:
    """The people and their needs, in a SQLite file that is made when it is not there."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._connected() as database:
            database.executescript(_TABLES)
            if not database.execute("SELECT 1 FROM person").fetchone():
                database.executemany("INSERT INTO person VALUES (?, ?, ?, ?)", _PEOPLE)
                needs = "INSERT INTO need (person, title, detail) VALUES (?, ?, ?)"
                database.executemany(needs, _NEEDS)

    def everybody(self) -> list[Person]:
        """All of them, by name."""
        with self._connected() as database:
            return [_person(row) for row in database.execute("SELECT * FROM person ORDER BY name")]

    def with_ids(self, ids: Iterable[str]) -> dict[str, Person]:
        """Those who are here, each under their id."""
        asked = list(ids)
        marks = ", ".join("?" * len(asked))
        with self._connected() as database:
            rows = database.execute(f"SELECT * FROM person WHERE id IN ({marks})", asked)
            return {row["id"]: _person(row) for row in rows}

    def needs(self) -> list[Need]:
        """What is asked for, newest first."""
        query = "SELECT * FROM need JOIN person ON person.id = need.person ORDER BY need.id DESC"
        with self._connected() as database:
            rows = database.execute(query).fetchall()
        return [Need(person=_person(row), title=row["title"], detail=row["detail"]) for row in rows]

    def waiting_for(self, person: Person) -> list[Waiting]:
        """Who wrote to somebody and was not read yet, from the references that the relay keeps."""
        query = """
            SELECT person.*, conversation, unread FROM dm_reference
            JOIN person ON person.id = other_id
            WHERE tenant = '' AND user_id = ? AND unread > 0 ORDER BY person.name"""
        with self._connected() as database:
            rows = database.execute(query, (person.id,)).fetchall()
        return [
            Waiting(sender=_person(row), conversation=row["conversation"], unread=row["unread"])
            for row in rows
        ]

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file)) as database, database:
            database.row_factory = sqlite3.Row
            yield database


def _person(row: sqlite3.Row) -> Person:
    return Person(
        id=row["id"], name=row["name"], about=row["about"], is_admin=bool(row["is_admin"])
    )
