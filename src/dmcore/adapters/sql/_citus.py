"""How the tables lie on Citus, and the SQL that lays them there (SCALE-1, SCALE-2, ADR 71).

Every table but two is spread by one column, and tables of one group that are spread by the same
value lie together. What is not said here about a table is said in ``_schema``.
"""

from collections.abc import Iterator
from typing import Final

import attrs
from sqlalchemy import Connection, MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable, ExecutableDDLElement

from dmcore.adapters.sql import _schema
from dmcore.adapters.sql._schema import metadata
from dmcore.errors import InvalidSetting


@attrs.frozen
class Spread:
    """By which column a table is spread, and with which others it lies together."""

    column: str
    group: str


SPREAD: Final = {
    table.name: Spread(column, group)
    for group, members in {
        "conversation": (
            (_schema.conversation, "id"),
            (_schema.message, "conversation_id"),
            (_schema.receipt, "conversation_id"),
        ),
        "user": (
            (_schema.mailbox, "user_id"),
            (_schema.side, "user_id"),
            (_schema.journal, "user_id"),
            (_schema.block, "blocker"),
            (_schema.restriction, "user_id"),
            (_schema.erasure, "pseudonym"),
            (_schema.mark, "user_id"),
            (_schema.aside, "user_id"),
            (_schema.device, "user_id"),
            (_schema.one_time_key, "user_id"),
        ),
        "report": (
            (_schema.report, "id"),
            (_schema.report_message, "report_id"),
            (_schema.report_move, "report_id"),
            (_schema.evidence, "report_id"),
        ),
    }.items()
    for table, column in members
}

# Small, and whole on every node: who reads them need not go to another one.
EVERYWHERE: Final = (_schema.installation.name, _schema.consumer.name)

# The second net under the pair, which the derived primary key makes unique by itself (ADR 17). A
# unique constraint would have to hold the column that the table is spread by.
LEFT_OUT: Final = "uq_dm_conversation_tenant_low_high"

_IS_THERE: Final = "SELECT to_regproc('create_reference_table')"
_IS_SPREAD: Final = (
    "SELECT count(*) FROM pg_dist_partition"
    " WHERE logicalrelid = to_regclass('dm_mailbox') AND partmethod = 'h'"
)
_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


def citus_sql() -> str:
    """What ``initialise(…, citus=True)`` runs to make the tables, for somebody to read first."""
    return "".join(f"{statement.rstrip(';')};\n" for statement in statements())


def lay_out(connection: Connection) -> None:
    """Make the tables and spread them. Raises ``InvalidSetting`` for a database without Citus."""
    if connection.exec_driver_sql(_IS_THERE).scalar_one() is None:
        raise InvalidSetting("citus", "this database has no extension citus")
    for statement in statements():
        connection.exec_driver_sql(statement)


def is_spread(connection: Connection) -> bool:
    """Whether the tables are spread, in a database that has Citus."""
    return bool(connection.exec_driver_sql(_IS_SPREAD).scalar_one())


def statements() -> Iterator[str]:
    """What makes the empty tables and spreads them, in this order, on the coordinator.

    References come last: a table can only refer to one that is spread already.
    """
    tables = metadata.sorted_tables
    for table in tables:
        yield _compiled(CreateTable(_plain(table), include_foreign_key_constraints=[]))
        for index in sorted(table.indexes, key=lambda it: str(it.name)):
            yield _compiled(CreateIndex(index))
    first: dict[str, str] = {}
    for table in tables:
        if table.name in EVERYWHERE:
            yield f"SELECT create_reference_table('{table.name}')"
            continue
        spread = SPREAD[table.name]
        beside = first.setdefault(spread.group, table.name)
        place = "none" if beside == table.name else beside
        call = f"'{table.name}', '{spread.column}', colocate_with => '{place}'"
        yield f"SELECT create_distributed_table({call})"
    for table in tables:
        for reference in sorted(table.foreign_key_constraints, key=lambda it: str(it.name)):
            # The tables of other databases go on having it from the beginning.
            yield _compiled(AddConstraint(reference, isolate_from_table=False))


def _plain(table: Table) -> Table:
    """The table without the constraint that Citus refuses."""
    if LEFT_OUT not in {it.name for it in table.constraints}:
        return table
    copy = table.to_metadata(MetaData(naming_convention=metadata.naming_convention))
    for constraint in list(copy.constraints):
        if constraint.name == LEFT_OUT:
            copy.constraints.remove(constraint)
    return copy


def _compiled(statement: ExecutableDDLElement) -> str:
    return str(statement.compile(dialect=_DIALECT)).strip()
