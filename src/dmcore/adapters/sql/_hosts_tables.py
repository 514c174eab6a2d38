"""The tables of somebody else's database: which there are, and a look at what is in them.

Catalogs know the tables of every schema, to whomever they belong. What is read of a value is its
beginning, and of a large table on a server a part that is drawn by lot.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    LargeBinary,
    Text,
    cast,
    column,
    func,
    select,
    table,
    text,
)

Value = str | bytes | None

_AT_ONCE: Final = 500
# An id in a document, or the beginning of a text, stands further in front.
_LOOKED_AT: Final = 1_000
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '10s'"

# Strings, arrays, records, and what types of one's own hold: documents, ids, bytes.
_ON_POSTGRES: Final = text(
    "SELECT n.nspname AS schema, c.relname AS name, c.relkind IN ('r', 'm') AS holds_rows,"
    " has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')"
    "  AND NOT row_security_active(c.oid) AS is_open,"
    " greatest(c.reltuples, 0)::bigint AS rows,"
    " (SELECT coalesce(json_agg(json_build_array(a.attname,"
    "   t.typcategory IN ('S', 'A', 'C', 'U'),"
    "   coalesce(nullif(t.typbasetype, 0), t.oid) = 'bytea'::regtype) ORDER BY a.attnum), '[]')"
    "  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
    "  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'"
    "  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
    " ORDER BY n.nspname, c.relname"
)
# Tables of an extension are part of the system that the database is on.
_OTHERS_ON_POSTGRES: Final = text(
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'"
    "  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
    "  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass"
    "   AND d.objid = c.oid AND d.deptype = 'e')"
)
# A column of any type may hold any value. What has no page of its own keeps its rows in a table
# that is listed too, or not in this file; what SQLite keeps for itself is left out.
_ON_SQLITE: Final = (
    "SELECT name, rootpage > 0 AS holds_rows FROM sqlite_master"
    " WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
)
_COLUMNS_ON_SQLITE: Final = "SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid"


@attrs.frozen
class Field:
    """A column. ``fits`` says that its type is one of texts, documents, ids or bytes."""

    name: str
    fits: bool = True
    is_bytes: bool = False

    def beginning(self, *, any_type: bool) -> ColumnElement[Any]:
        """What is read of it."""
        found: ColumnElement[Any] = column(self.name)
        if self.is_bytes:
            return func.substr(found, 1, _LOOKED_AT, type_=LargeBinary())
        return func.substr(found if any_type else cast(found, Text()), 1, _LOOKED_AT)


@attrs.frozen(kw_only=True)
class Place:
    """A table, or what is asked like one. ``rows`` is how many PostgreSQL believes it to have.

    ``holds_rows`` says that they lie in it by itself, and ``is_open`` that this login is shown all
    of them.
    """

    name: str
    schema: str | None = None
    holds_rows: bool
    is_open: bool = True
    rows: int = 0
    columns: tuple[Field, ...]

    def shown(self, name: str | None = None) -> str:
        """How a person is told of it, or of one of its columns."""
        parts = [it for it in (self.schema, self.name, name) if it is not None]
        told = ".".join(it if it.isprintable() else ascii(it)[1:-1] for it in parts)
        return f"table {told}" if name is None else f"column {told}"


def places(connection: Connection) -> list[Place]:
    """Every table and view, of every schema, without those of the database system itself."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(_ON_SQLITE).all()
        return [_on_sqlite(connection, it.name, bool(it.holds_rows)) for it in found]
    return [
        Place(
            name=it.name,
            schema=it.schema,
            holds_rows=it.holds_rows,
            is_open=it.is_open,
            rows=it.rows,
            columns=tuple(Field(*column) for column in it.columns),
        )
        for it in connection.execute(_ON_POSTGRES)
    ]


def _on_sqlite(connection: Connection, name: str, holds_rows: bool) -> Place:
    if not holds_rows:
        # Whether it has columns may be up to a program that is not here.
        return Place(name=name, holds_rows=False, columns=())
    columns = connection.exec_driver_sql(_COLUMNS_ON_SQLITE, (name,)).scalars()
    return Place(name=name, holds_rows=True, columns=tuple(map(Field, columns)))


def tables_of_others(connection: Connection, ours: set[str]) -> int:
    """How many tables there are, in any schema, that have none of these names."""
    if connection.dialect.name == "sqlite":
        names = [it.name for it in connection.exec_driver_sql(_ON_SQLITE) if it.holds_rows]
    else:
        names = list(connection.execute(_OTHERS_ON_POSTGRES).scalars())
    return sum(name not in ours for name in names)


def beginnings(connection: Connection, place: Place, most: int) -> Iterator[Mapping[str, Value]]:
    """Of each row, the beginnings of its values.

    Where PostgreSQL has more than ``most`` rows, of that many, drawn by lot where it knows of them;
    and of one more. A file of SQLite's is here, and is read to its end.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    fields = [it for it in place.columns if it.fits]
    found: FromClause = table(place.name, *(column(it.name) for it in fields), schema=place.schema)
    statement = select(*(it.beginning(any_type=is_sqlite) for it in fields))
    if not is_sqlite:
        connection.exec_driver_sql(_LOCK_TIMEOUT)
        statement = statement.limit(most + 1)
        if place.rows > most:
            found = found.tablesample(func.system(100 * most / place.rows))
    statement = statement.select_from(found).execution_options(yield_per=_AT_ONCE)
    names = [it.name for it in fields]
    for row in connection.execute(statement):
        yield dict(zip(names, row, strict=True))
