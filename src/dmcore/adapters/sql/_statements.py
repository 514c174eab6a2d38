"""What is asked most goes to the driver by a shorter way (ADR 43).

A ``Statement`` is written in SQLAlchemy Core, compiled once for each database, and sent on the
driver's own cursor. SQLAlchemy keeps what only it can do: the pool, transactions, events, and
finding out that a connection is lost.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import attrs
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Dialect,
    Integer,
    LargeBinary,
    PoolProxiedConnection,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy import CompoundSelect, Select
    from sqlalchemy.types import TypeEngine

_CURSOR: Final = "dmcore.cursor"

Process = Callable[[Any], Any] | None
Row = tuple[Any, ...]


@cache
def dialect_of(name: str) -> Dialect:
    """How a database wants to be asked: the dialect, with parameters as the server counts them."""
    if name == "sqlite":
        return sqlite.dialect()
    # Its driver is an extra.
    from sqlalchemy.dialects.postgresql import psycopg

    # Names would be searched for and replaced in the text at each execution.
    return psycopg.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


def binder(kind: "TypeEngine[Any]", dialect: Dialect) -> Process:
    """How values of a type are made ready for the driver. Both drivers know what a boolean is."""
    if dialect.name == "postgresql" and isinstance(kind, (Integer, BigInteger)):
        return _whole_number()
    if isinstance(kind, Boolean):
        return None
    return kind.dialect_impl(dialect).bind_processor(dialect)


@cache
def _whole_number() -> Process:
    """Eight bytes whatever the value, or the driver would prepare one statement for each size."""
    from psycopg.types.numeric import Int8

    return lambda value: None if value is None else Int8(value)


def _loader(kind: "TypeEngine[Any]", dialect: Dialect) -> Process:
    """How what a driver returned becomes a value of a type. Bytes are bytes with both of them."""
    if isinstance(kind, LargeBinary):
        return None
    return kind.dialect_impl(dialect).result_processor(dialect, None)


@attrs.frozen
class _Compiled:
    """A statement in the words of one database."""

    text: str
    parameters: Sequence[tuple[str, Process]]
    constants: Mapping[str, Any]
    converted: Sequence[tuple[int, Callable[[Any], Any]]]
    record: Callable[[Sequence[Any]], Any]
    """A row under the names of its columns."""

    def values(self, facts: Mapping[str, object]) -> list[object]:
        """The parameters in the order of the text."""
        given = {**facts, **self.constants}
        return [
            given[name] if process is None else process(given[name])
            for name, process in self.parameters
        ]

    def converted_rows(self, rows: Sequence[Row]) -> Sequence[Sequence[Any]]:
        """What the driver returned, with its values as the columns have them."""
        if not self.converted:
            return rows
        found = []
        for row in rows:
            values = list(row)
            for index, convert in self.converted:
                # What is missing is missing in both: most of a row of facts is.
                if values[index] is not None:
                    values[index] = convert(values[index])
            found.append(values)
        return found


class Statement:
    """A statement of Core that is asked on the driver's own cursor; its rows are tuples."""

    def __init__(self, core: "Select[Any] | CompoundSelect[Any]") -> None:
        self._core = core
        self._compiled: dict[str, _Compiled] = {}

    def all(self, connection: Connection, facts: Mapping[str, object]) -> list[Any]:
        """Every row that is found, its values under the names of the columns."""
        compiled = self._compiled_for(connection)
        rows = send(connection, compiled.text, compiled.values(facts))
        return [compiled.record(row) for row in compiled.converted_rows(rows)]

    def page(self, connection: Connection, facts: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """The same without names, for many rows."""
        compiled = self._compiled_for(connection)
        return compiled.converted_rows(send(connection, compiled.text, compiled.values(facts)))

    def _compiled_for(self, connection: Connection) -> _Compiled:
        name = connection.dialect.name
        compiled = self._compiled.get(name)
        if compiled is None:
            compiled = self._compiled[name] = _compile(self._core, dialect_of(name))
        return compiled


def _compile(core: "Select[Any] | CompoundSelect[Any]", dialect: Dialect) -> _Compiled:
    compiled = core.compile(dialect=dialect)
    names = compiled.positiontup or []
    binds = {name: compiled.binds[name] for name in names}
    processes = {name: binder(bind.type, dialect) for name, bind in binds.items()}
    constants = {name: bind.value for name, bind in binds.items() if not bind.required}
    columns = list(core.selected_columns)
    loaders = [_loader(it.type, dialect) for it in columns]
    record: Any = namedtuple("Record", [it.name for it in columns])  # type: ignore[misc]
    return _Compiled(
        text=compiled.string,
        parameters=[(name, processes[name]) for name in names],
        constants=constants,
        converted=[(at, loader) for at, loader in enumerate(loaders) if loader is not None],
        record=record._make,
    )


# Sending ------------------------------------------------------------------------------------------


def send(
    connection: Connection,
    text: str,
    values: Sequence[object] = (),
    *,
    preparing: Sequence[str] = (),
) -> list[Row]:
    """The rows of a statement in the words of the database; none where it returns none.

    ``preparing`` is what has to be said first, once on each connection: listeners are told of it as
    little as of what a driver prepares by itself.

    Fails as SQLAlchemy does: with its errors, and with the connection thrown away where it is lost
    or where nobody knows in the middle of what it was left.
    """
    pooled = connection.connection
    ask: Callable[[Any, str, Sequence[object]], list[Row]]
    try:
        cursor, ask = _cursor_on(pooled, connection.dialect)
        # As SQLAlchemy asks it: to look for listeners costs more than most of them.
        is_heard = connection._has_events or connection.engine._has_events
        for note in connection.dispatch.before_cursor_execute if is_heard else ():
            text, values = note(connection, cursor, text, values, None, False)
        for statement in preparing:
            ask(cursor, statement, ())
        rows = ask(cursor, text, values)
        for note in connection.dispatch.after_cursor_execute if is_heard else ():
            note(connection, cursor, text, values, None, False)
    except connection.dialect.loaded_dbapi.Error as error:
        if connection.dialect.is_disconnect(error, pooled.dbapi_connection, None):
            # SQLAlchemy finds out by itself, and that the rest of its pool may be lost as well.
            connection.exec_driver_sql("SELECT 1")
        raise DBAPIError.instance(
            None, None, error, connection.dialect.loaded_dbapi.Error, hide_parameters=True
        ) from None
    except BaseException as error:
        if not isinstance(error, Exception):
            connection.invalidate()
        raise
    return rows


def _cursor_on(
    pooled: PoolProxiedConnection, dialect: Dialect
) -> tuple[Any, Callable[[Any, str, Sequence[object]], list[Row]]]:
    driver: Any = pooled.driver_connection
    if dialect.name == "sqlite":
        cursor = driver.cursor()
        cursor.row_factory = None
        return cursor, _ask_sqlite
    # One for as long as the connection is there: it remembers how each type is read and written.
    cursor = pooled.info.get(_CURSOR)
    if cursor is None:
        kind, row_factory = _cursors()[dialect.is_async]
        cursor = pooled.info[_CURSOR] = kind(driver, row_factory=row_factory)
    return cursor, _await_postgres if dialect.is_async else _ask_postgres


@cache
def _cursors() -> Mapping[bool, tuple[Any, Any]]:
    """The cursors that take a text as it is, by whether they await."""
    from psycopg import AsyncRawCursor, RawCursor
    from psycopg.rows import tuple_row

    return {False: (RawCursor, tuple_row), True: (AsyncRawCursor, tuple_row)}


def _ask_sqlite(cursor: Any, text: str, values: Sequence[object]) -> list[Row]:
    rows: list[Row] = cursor.execute(text, values).fetchall()
    return rows


def _ask_postgres(cursor: Any, text: str, values: Sequence[object]) -> list[Row]:
    # Binary: most of what comes are ids and windows of bytes, which would be spelled out otherwise.
    cursor.execute(text, values or None, binary=bool(values))
    rows: list[Row] = cursor.fetchall() if values else []
    _let_go(cursor)
    return rows


def _await_postgres(cursor: Any, text: str, values: Sequence[object]) -> list[Row]:
    from sqlalchemy.util import await_only

    return list(await_only(_awaited(cursor, text, values)))


async def _awaited(cursor: Any, text: str, values: Sequence[object]) -> list[Row]:
    await cursor.execute(text, values or None, binary=bool(values))
    rows: list[Row] = await cursor.fetchall() if values else []
    _let_go(cursor)
    return rows


def _let_go(cursor: Any) -> None:
    """Free what the server returned: it would stay for as long as the connection is idle."""
    cursor.pgresult.clear()
