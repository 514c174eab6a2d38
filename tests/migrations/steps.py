"""A step to a next schema as there may be one some day, and processes that take it."""

import os
import signal
from multiprocessing.connection import Connection

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from dmcore.adapters.sql import metadata
from dmcore.adapters.sql._migrating import Plan, migrate
from dmcore.adapters.sql._schema import SCHEMA_VERSION


def add_nickname(op: Operations) -> None:
    """A column that every row has a value in, and an index on it."""
    with op.batch_alter_table(
        "dm_mailbox", recreate="auto", table_kwargs={"sqlite_with_rowid": False}
    ) as batch:
        batch.add_column(Column("nickname", Text, nullable=False, server_default="nobody"))
    op.create_index("ix_dm_mailbox_nickname", "dm_mailbox", ["nickname"])


def add_table(op: Operations) -> None:
    """A table that something of the old ones is copied into."""
    op.create_table("dm_note", Column("id", BigInteger, primary_key=True, autoincrement=False))
    op.execute("INSERT INTO dm_note (id) SELECT DISTINCT position FROM dm_journal")


def orphan(op: Operations) -> None:
    """A step that forgets whom messages belong to."""
    op.execute("DELETE FROM dm_conversation")


def die(_op: Operations) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def add_nickname_and_die(op: Operations) -> None:
    add_nickname(op)
    die(op)


NEXT = Plan((add_nickname, add_table), SCHEMA_VERSION + 2)
FATAL_AT_ONCE = Plan((add_nickname_and_die, add_table), SCHEMA_VERSION + 2)
FATAL_BETWEEN = Plan((add_nickname, die), SCHEMA_VERSION + 2)


def next_metadata() -> MetaData:
    """The schema that the two steps lead to."""
    made = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        table.to_metadata(made)
    mailbox = made.tables["dm_mailbox"]
    mailbox.append_column(Column("nickname", Text, nullable=False))
    Index("ix_dm_mailbox_nickname", mailbox.c.nickname)
    Table("dm_note", made, Column("id", BigInteger, primary_key=True, autoincrement=False))
    return made


def dies(url: str, where: str) -> None:
    migrate(url, FATAL_AT_ONCE if where == "at once" else FATAL_BETWEEN)


def upgrades(url: str, line: Connection) -> None:
    """Wait for a word, upgrade, and tell what that was."""
    line.send("ready")
    line.recv()
    line.send(migrate(url, NEXT))
