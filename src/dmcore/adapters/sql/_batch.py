"""The writes of one unit of work, collected and sent as one statement (ADR 14).

Three verbs on whole rows: insert, update by primary key, delete by primary key. PostgreSQL gets
them as data-modifying CTEs of one statement. SQLite gets one INSERT into the view ``dm_write``,
whose triggers do nothing but fan the rows out to their tables: no rule lives in them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Dialect, Table

from dmcore.adapters.sql import _schema


class Verb(StrEnum):
    """What happens to a row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


@attrs.frozen
class Shape:
    """A kind of write: which verb on which table."""

    verb: Verb
    table: Table = attrs.field(eq=lambda table: table.name)

    @property
    def name(self) -> str:
        return f"{self.verb}_{self.table.name}"

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.table.primary_key)

    @property
    def columns(self) -> tuple[str, ...]:
        """The values that a write of this shape carries, in order."""
        names = tuple(column.name for column in self.table.columns)
        match self.verb:
            case Verb.INSERT:
                return names
            case Verb.UPDATE:
                return (*(name for name in names if name not in self.keys), *self.keys)
            case Verb.DELETE:
                return self.keys

    def sql(self, values: Iterable[str]) -> str:
        """The statement, with one expression for each of ``columns``."""
        table = self.table.name
        given = list(values)
        if self.verb is Verb.INSERT:
            names = ", ".join(f'"{name}"' for name in self.columns)
            return f"INSERT INTO {table} ({names}) VALUES ({', '.join(given)})"  # noqa: S608
        pairs = [f'"{name}" = {value}' for name, value in zip(self.columns, given, strict=True)]
        changes, found = pairs[: -len(self.keys)], pairs[-len(self.keys) :]
        where = " AND ".join(found)
        if self.verb is Verb.UPDATE:
            return f"UPDATE {table} SET {', '.join(changes)} WHERE {where}"  # noqa: S608
        return f"DELETE FROM {table} WHERE {where}"  # noqa: S608


Row = Mapping[str, object]
Binder = Callable[[Row], list[Any]]

# The writes there are; SQLite has one trigger for each.
SHAPES: Final = (
    *(Shape(Verb.INSERT, table) for table in _schema.metadata.sorted_tables),
    *(
        Shape(Verb.UPDATE, table)
        for table in (
            _schema.installation,
            _schema.mailbox,
            _schema.conversation,
            _schema.side,
        )
    ),
    Shape(Verb.DELETE, _schema.block),
)
_WIDTH: Final = max(len(shape.columns) for shape in SHAPES)


class Batch:
    """What a unit of work wants written; ``flush`` sends it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[tuple[Shape, Row]] = []

    def insert(self, table: Table, row: Row) -> None:
        self._rows.append((Shape(Verb.INSERT, table), row))

    def update(self, table: Table, row: Row) -> None:
        """Replace a whole row, found by its primary key."""
        self._rows.append((Shape(Verb.UPDATE, table), row))

    def delete(self, table: Table, row: Row) -> None:
        """Delete a row, found by its primary key."""
        self._rows.append((Shape(Verb.DELETE, table), row))

    def flush(self) -> None:
        """Send everything as one statement; nothing where nothing was added."""
        if not self._rows:
            return
        # One order for everybody, tables first and then keys: writers that insert the same missing
        # rows wait for each other instead of locking each other out.
        self._rows.sort(key=_order)
        dialect = self._connection.dialect
        width = _WIDTH if dialect.name == "sqlite" else 0
        values: list[object] = []
        for shape, row in self._rows:
            bound = [
                process(row[name]) if process else row[name]
                for name, process in _binders(shape, dialect)
            ]
            if width:
                values.append(shape.name)
                bound += [None] * (width - len(bound))
            values += bound
        shapes = tuple(shape for shape, _ in self._rows)
        statement = _sqlite_statement(len(shapes)) if width else _postgres_statement(shapes)
        self._rows.clear()
        self._connection.exec_driver_sql(statement, tuple(values))


_RANKS: Final = {table.name: rank for rank, table in enumerate(_schema.metadata.sorted_tables)}


def _order(write: tuple[Shape, Row]) -> tuple[int, list[object]]:
    shape, row = write
    return _RANKS[shape.table.name], [row[key] for key in shape.keys]


@cache
def _binders(
    shape: Shape, dialect: Dialect
) -> tuple[tuple[str, Callable[[Any], object] | None], ...]:
    """For each column of a shape, how its values are made ready for the driver."""
    columns = shape.table.columns
    return tuple(
        (name, columns[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name in shape.columns
    )


@cache
def _postgres_statement(shapes: tuple[Shape, ...]) -> str:
    parts = (
        f"w{number} AS ({shape.sql('%s' for _ in shape.columns)})"
        for number, shape in enumerate(shapes)
    )
    return f"WITH {', '.join(parts)} SELECT 1"


@cache
def _sqlite_statement(rows: int) -> str:
    one = f"({', '.join('?' * (1 + _WIDTH))})"
    return f"INSERT INTO dm_write VALUES {', '.join([one] * rows)}"  # noqa: S608


def sqlite_door() -> Iterator[str]:
    """The DDL of the view ``dm_write`` and of its triggers, for ``initialise``."""
    names = ", ".join(f"NULL AS p{number}" for number in range(_WIDTH))
    yield f"CREATE VIEW IF NOT EXISTS dm_write AS SELECT NULL AS kind, {names} WHERE 0"
    for shape in SHAPES:
        statement = shape.sql(f"NEW.p{number}" for number in range(len(shape.columns)))
        yield (
            f"CREATE TRIGGER IF NOT EXISTS dm_write_{shape.name} INSTEAD OF INSERT ON dm_write"
            f" WHEN NEW.kind = '{shape.name}' BEGIN {statement}; END"
        )
