"""The writes of one unit of work, collected and sent at its end (ADR 14).

Three verbs on whole rows: insert, update by primary key, delete by primary key. PostgreSQL gets
them as data-modifying CTEs of one statement. SQLite gets one INSERT into a temporary view, whose
trigger does nothing but these writes: each connection has one for each kind of write (ADR 54).
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from itertools import compress, count, repeat
from operator import is_not
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Dialect, Table

from dmcore.adapters.sql import _schema
from dmcore.adapters.sql._guarding import ARE_SURE, IS_SURE, Guard, Unguarded, guarding
from dmcore.adapters.sql._statements import Process, binder, dialect_of, send


class Verb(StrEnum):
    """What happens to a row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


Row = Mapping[str, object]


@attrs.frozen(eq=False)
class Shape:
    """A kind of write: which verb on which table, with values for which columns.

    The columns of the primary key come last where the row is found by them. Each is made once, so
    that two are the same where they are one.
    """

    verb: Verb
    table: str
    columns: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return _KEYS[self.table]

    def sql(self, values: Iterable[str], *, only_if: str = "") -> str:
        """The statement, with one expression for each of ``columns``, perhaps on a condition."""
        given = list(values)
        if self.verb is Verb.INSERT:
            names = ", ".join(f'"{name}"' for name in self.columns)
            row = ", ".join(given)
            row = f"SELECT {row} WHERE {only_if}" if only_if else f"VALUES ({row})"
            return f"INSERT INTO {self.table} ({names}) {row}"
        pairs = [f'"{name}" = {value}' for name, value in zip(self.columns, given, strict=True)]
        changes, found = pairs[: -len(self.keys)], pairs[-len(self.keys) :]
        where = " AND ".join([*found, only_if] if only_if else found)
        if self.verb is Verb.UPDATE:
            return f"UPDATE {self.table} SET {', '.join(changes)} WHERE {where}"  # noqa: S608
        return f"DELETE FROM {self.table} WHERE {where}"  # noqa: S608


# PostgreSQL counts 65,535 parameters, and no row has more than sixty.
_MOST_ROWS: Final = 500
# A view of SQLite has 2,000 columns at most; nor is a door worth making for what is hardly done
# twice, and a connection does not keep any number of them.
_MOST_THROUGH_A_DOOR: Final = 20
_MOST_DOORS: Final = 200
_DOORS: Final = "dmcore.doors"
_TABLES: Final = _schema.metadata.sorted_tables
_RANKS: Final = {table.name: rank for rank, table in enumerate(_TABLES)}
_NAMES: Final = {table.name: tuple(table.columns.keys()) for table in _TABLES}
_KEYS: Final = {table.name: tuple(table.primary_key.columns.keys()) for table in _TABLES}


@cache
def _shape(verb: Verb, table: str, columns: tuple[str, ...]) -> Shape:
    """The shape of a write that sets some columns, and finds its row by the key."""
    return Shape(verb, table, columns if verb is Verb.INSERT else columns + _KEYS[table])


@cache
def _whole(verb: Verb, table: str) -> Shape:
    """The shape that carries every column its verb can."""
    names = _NAMES[table]
    others = tuple(name for name in names if name not in _KEYS[table])
    return _shape(verb, table, {Verb.INSERT: names, Verb.UPDATE: others, Verb.DELETE: ()}[verb])


@attrs.frozen
class Write:
    """One row to write. In its shape is only what is new."""

    shape: Shape
    row: Row

    def order(self) -> tuple[int, list[Any]]:
        """Its place among writes: tables first, then keys."""
        table = self.shape.table
        return _RANKS[table], [self.row[key] for key in _KEYS[table]]


def _others(row: Row, values: Iterable[object]) -> Iterator[str]:
    """The columns of a row whose values are other objects than those."""
    return compress(row, map(is_not, row.values(), values))


class Batch:
    """What a unit of work wants written; ``flush`` sends it.

    One that ``is_guarded`` holds no locks: what it read is watched instead (ADR 53). One that
    ``is_joined`` is in a transaction of the host's, and leaves nothing behind on its connection.
    """

    def __init__(
        self, connection: Connection, *, is_guarded: bool = False, is_joined: bool = False
    ) -> None:
        self.is_guarded = is_guarded
        self._is_joined = is_joined
        self._guard: Guard | None = None
        self._connection = connection
        self._writes: list[Write] = []
        self._new_doors: list[tuple[Shape, ...]] = []

    def check_held(self) -> None:
        """Raise ``Unguarded`` where locks are needed and there are none."""
        if self.is_guarded:
            raise Unguarded

    def watch(self, guard: Guard) -> None:
        """Write only where nothing of this has changed."""
        self._guard = guard

    def insert(self, table: Table, row: Row) -> None:
        """Add a row, without its nulls."""
        given = tuple(_others(row, repeat(None)))
        self._writes.append(Write(_shape(Verb.INSERT, table.name, given), row))

    def update(self, table: Table, row: Row, before: Row) -> None:
        """Change a row that was read as ``before``; nothing where nothing is new.

        Where ``before`` is empty nobody knows what it was, and all of it is written.
        """
        shape = _whole(Verb.UPDATE, table.name)
        if before:
            # Each value stands beside what it was. Most of a row is not only equal: it is what was
            # read, and need not be compared.
            others = _others(row, before.values())
            new = tuple(name for name in others if row[name] != before[name])
            if not new:
                return
            shape = _shape(Verb.UPDATE, table.name, new)
        self._writes.append(Write(shape, row))

    def delete(self, table: Table, key: Row) -> None:
        """Remove the row with a primary key."""
        self._writes.append(Write(_whole(Verb.DELETE, table.name), key))

    def flush(self) -> None:
        """Send everything; nothing where nothing was added.

        As one statement; what no act of a user's is, more rows than that takes, in several.
        Raises ``Unguarded`` for what cannot be guarded, before anything is sent.
        """
        # One order for everybody: writers that insert the same missing rows wait for each other
        # instead of locking each other out.
        writes, self._writes = sorted(self._writes, key=Write.order), []
        name = self._connection.dialect.name
        if self.is_guarded:
            if writes:
                self._send_guarded(writes, dialect_of(name))
            return
        if name == "sqlite":
            self._send_to_sqlite(writes, dialect_of(name))
            return
        for first in range(0, len(writes), _MOST_ROWS):
            some = writes[first : first + _MOST_ROWS]
            send(self._connection, *_as_ctes(some, dialect_of(name)))

    def committed(self) -> None:
        """What was made for this connection is there to stay: nothing was undone."""
        if self._new_doors:
            self._connection.connection.info.setdefault(_DOORS, set()).update(self._new_doors)

    def _send_to_sqlite(self, writes: list[Write], dialect: Dialect) -> None:
        bound = [(shape := write.shape, _bound(write.row, shape, dialect)) for write in writes]
        shapes = tuple(shape for shape, _ in bound)
        known = self._connection.connection.info.get(_DOORS, ())
        is_new = shapes not in known
        is_few = 1 < len(shapes) <= _MOST_THROUGH_A_DOOR and not self._is_joined
        if not is_few or (is_new and len(known) >= _MOST_DOORS):
            for shape, values in bound:
                send(self._connection, _alone(shape), values)
            return
        door = _door(shapes)
        if is_new:
            self._new_doors.append(shapes)
        values = [value for _, of_one in bound for value in of_one]
        send(self._connection, door.through, values, preparing=door.made_by if is_new else ())

    def _send_guarded(self, writes: list[Write], dialect: Dialect) -> None:
        if self._guard is None or len(writes) > _MOST_ROWS:
            raise Unguarded
        ((is_sure,),) = send(self._connection, *_as_ctes(writes, dialect, self._guard))
        if not is_sure:
            raise Unguarded


def _as_ctes(
    writes: list[Write], dialect: Dialect, guard: Guard | None = None
) -> tuple[str, list[object]]:
    shapes = tuple(write.shape for write in writes)
    values: list[object] = [] if guard is None else guard.values()
    for write, shape in zip(writes, shapes, strict=True):
        values += _bound(write.row, shape, dialect)
    return _ctes(shapes, None if guard is None else guard.present), values


def _bound(row: Row, shape: Shape, dialect: Dialect) -> list[object]:
    return [
        row[name] if process is None else process(row[name])
        for name, process in _binders(shape, dialect)
    ]


@cache
def _binders(shape: Shape, dialect: Dialect) -> tuple[tuple[str, Process], ...]:
    """For each column of a shape, how its values are made ready for the driver."""
    columns = _schema.metadata.tables[shape.table].columns
    return tuple((name, binder(columns[name].type, dialect)) for name in shape.columns)


@cache
def _alone(shape: Shape) -> str:
    return shape.sql("?" for _ in shape.columns)


@attrs.frozen
class _Door:
    """How SQLite is told several writes at once: what makes it, and the way through it."""

    made_by: tuple[str, ...]
    through: str


_NUMBERS: Final = count()


@cache
def _door(shapes: tuple[Shape, ...]) -> _Door:
    name, places = f"dm_write_{next(_NUMBERS)}", count()
    # No rule is in it: a trigger says which value goes where.
    writes = "; ".join(shape.sql(f"NEW.p{next(places)}" for _ in shape.columns) for shape in shapes)
    width = next(places)
    columns = ", ".join(f"NULL AS p{place}" for place in range(width))
    return _Door(
        (
            f"CREATE TEMP VIEW IF NOT EXISTS {name} AS SELECT {columns}",
            f"CREATE TEMP TRIGGER IF NOT EXISTS {name}_through INSTEAD OF INSERT ON {name}"
            f" BEGIN {writes}; END",
        ),
        f"INSERT INTO {name} VALUES ({', '.join('?' * width)})",  # noqa: S608
    )


@cache
def _ctes(shapes: tuple[Shape, ...], present: tuple[bool, ...] | None) -> str:
    parts: list[str] = []
    places, only_if, selected = count(1), "", "1"
    if present is not None:
        parts, places = guarding(present)
        only_if, selected = IS_SURE, ARE_SURE
    for number, shape in enumerate(shapes):
        given = (f"${next(places)}" for _ in shape.columns)
        parts.append(f"w{number} AS ({shape.sql(given, only_if=only_if)})")
    return f"WITH {', '.join(parts)} SELECT {selected}"


# The writes there are.
_WRITES: Final = (
    *(_whole(Verb.INSERT, table.name) for table in _TABLES),
    *(
        _whole(Verb.UPDATE, table.name)
        for table in (
            _schema.installation,
            _schema.mailbox,
            _schema.conversation,
            _schema.side,
            _schema.message,
            _schema.report,
            _schema.erasure,
            _schema.restriction,
            _schema.device,
        )
    ),
    _whole(Verb.DELETE, _schema.block.name),
    _whole(Verb.DELETE, _schema.side.name),
    _whole(Verb.DELETE, _schema.device.name),
    _whole(Verb.DELETE, _schema.one_time_key.name),
)


def writes() -> Iterator[tuple[Verb, str, tuple[str, ...]]]:
    """What is written at all: the verb, the table, and the columns that it may set."""
    for shape in _WRITES:
        keys = shape.keys if shape.verb is Verb.UPDATE else ()
        yield shape.verb, shape.table, tuple(it for it in shape.columns if it not in keys)
