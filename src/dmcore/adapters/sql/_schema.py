"""The tables, and nothing about how they are used.

Shard-ready (SCALE-1): every key holds its table's distribution column, which is the conversation
for ``conversation``, ``message`` and ``receipt`` and the user for ``mailbox``, ``side``, ``block``
and ``journal``. The one exception is the second net under the pair (ADR 17).
"""

import struct
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from dmcore.domain.body import Body
from dmcore.domain.limits import Window

SCHEMA_VERSION: Final = 2


class Identifier(TypeDecorator[UUID]):
    """A UUID in its 16 bytes, which sort as the id does: ``uuid`` or, on SQLite, a blob."""

    impl = Uuid
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(LargeBinary(16))
        return dialect.type_descriptor(Uuid())

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> UUID | bytes | None:
        return value.bytes if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, _dialect: Dialect) -> UUID | None:
        return UUID(bytes=value) if isinstance(value, bytes) else value

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], UUID | None] | None:
        # PostgreSQL's driver returns UUIDs as they are: nothing to call for each of them.
        return super().result_processor(dialect, coltype) if dialect.name == "sqlite" else None


class BodyText(TypeDecorator[Body]):
    """A message text. It leaves the driver as a ``Body``, so a logged row shows none (LEAK-1)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Body | None, _dialect: Dialect) -> str | None:
        return None if value is None else value.text

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Body | None:
        return None if value is None else Body(value)


class WindowBytes(TypeDecorator[Window]):
    """The window of a limit: time, reading, jump and the instants, eight bytes each."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Window | None, _dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        numbers = (value.time_us, value.reading_us, value.jump_us, *value.instants)
        return struct.pack(f">{len(numbers)}q", *numbers)

    def process_result_value(self, value: bytes | None, _dialect: Dialect) -> Window | None:
        if value is None:
            return None
        time_us, reading_us, jump_us, *instants = struct.unpack(f">{len(value) // 8}q", value)
        return Window(
            instants=tuple(instants), time_us=time_us, reading_us=reading_us, jump_us=jump_us
        )


# Ids are compared by code point in every database, whatever its collation (PAIR-1).
_Id: Final = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _side_columns(name: str) -> tuple[Column[Any], ...]:
    """One side of a conversation, as ``domain.conversation.Side`` has it."""
    return (
        Column(f"{name}_exists", Boolean, nullable=False),
        Column(f"{name}_newest", Identifier),
        Column(f"{name}_read", Identifier),
        Column(f"{name}_said", Identifier),
        Column(f"{name}_heard", Identifier),
        Column(f"{name}_told", Identifier),
        Column(f"{name}_cleared", Identifier),
        Column(f"{name}_unread", BigInteger, nullable=False),
        Column(f"{name}_blocks", Boolean, nullable=False),
        Column(f"{name}_is_muted", Boolean, nullable=False),
        Column(f"{name}_is_archived", Boolean, nullable=False),
        Column(f"{name}_request", Text),
        Column(f"{name}_asked", Integer),
    )


installation = Table(
    "dm_installation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("schema_version", Integer, nullable=False),
    Column("namespace", LargeBinary(16), nullable=False),
    Column("mode", Text, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    CheckConstraint("mode IN ('off', 'read_only', 'replies_only', 'on')", name="mode"),
)

mailbox = Table(
    "dm_mailbox",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("pruned", BigInteger, nullable=False),
    Column("unread", BigInteger, nullable=False),
    Column("sends", WindowBytes, nullable=False),
    Column("starts", WindowBytes, nullable=False),
    Column("open_to", Text, nullable=False),
    Column("receipts", Boolean, nullable=False),
    Column("typing", Boolean, nullable=False),
    Column("presence", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant", "user_id"),
    CheckConstraint("position >= pruned AND pruned >= 0", name="position"),
    CheckConstraint("open_to IN ('everyone', 'connections', 'nobody')", name="open_to"),
    CheckConstraint("unread >= 0", name="unread"),
    postgresql_with={"fillfactor": 70},
    sqlite_with_rowid=False,
)

conversation = Table(
    "dm_conversation",
    metadata,
    Column("id", Identifier, nullable=False),
    Column("tenant", _Id, nullable=False),
    Column("low", _Id, nullable=False),
    Column("high", _Id, nullable=False),
    Column("newest", Identifier, nullable=False),
    *_side_columns("low"),
    *_side_columns("high"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("tenant", "low", "high"),
    CheckConstraint("low < high", name="pair_order"),
    CheckConstraint("low_unread >= 0 AND high_unread >= 0", name="unread"),
    postgresql_with={"fillfactor": 70},
    sqlite_with_rowid=False,
)

# What a user's lists show; a conversation that stands in none of them has no row.
side = Table(
    "dm_side",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("conversation_id", Identifier, nullable=False),
    Column("other", _Id, nullable=False),
    Column("folder", Text, nullable=False),
    Column("newest", Identifier, nullable=False),
    Column("read", Identifier),
    Column("unread", BigInteger, nullable=False),
    Column("is_muted", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant", "user_id", "conversation_id"),
    CheckConstraint("unread >= 0", name="unread"),
    CheckConstraint("folder IN ('inbox', 'requests', 'archived')", name="folder"),
    sqlite_with_rowid=False,
)

Index(
    "ix_dm_side_inbox",
    side.c.tenant,
    side.c.user_id,
    side.c.folder,
    side.c.newest,
    side.c.conversation_id,
)

message = Table(
    "dm_message",
    metadata,
    Column("conversation_id", Identifier, nullable=False),
    Column("id", Identifier, nullable=False),
    Column("sender", _Id, nullable=False),
    Column("body", BodyText),
    Column("sent_at_us", BigInteger, nullable=False),
    Column("edited_at_us", BigInteger),
    Column("reply_to", Identifier),
    Column("thread_id", Identifier),
    Column("sender_only", Boolean, nullable=False),
    Column("hidden_by_sender", Boolean, nullable=False),
    Column("hidden_by_recipient", Boolean, nullable=False),
    Column("own_body", BodyText),
    Column("own_edited_at_us", BigInteger),
    Column("own_reply_to", Identifier),
    Column("own_thread_id", Identifier),
    Column("key", _Id),
    Column("fingerprint", LargeBinary(4)),
    PrimaryKeyConstraint("conversation_id", "id"),
    ForeignKeyConstraint(["conversation_id"], [conversation.c.id]),
    sqlite_with_rowid=False,
)

Index(
    "uq_dm_message_key",
    message.c.conversation_id,
    message.c.sender,
    message.c.key,
    unique=True,
    postgresql_where=message.c.key.is_not(None),
    sqlite_where=message.c.key.is_not(None),
)

Index(
    "ix_dm_message_thread",
    message.c.conversation_id,
    message.c.thread_id,
    message.c.id,
    postgresql_where=message.c.thread_id.is_not(None),
    sqlite_where=message.c.thread_id.is_not(None),
)

Index(
    "ix_dm_message_own_thread",
    message.c.conversation_id,
    message.c.own_thread_id,
    message.c.id,
    postgresql_where=message.c.own_thread_id.is_not(None),
    sqlite_where=message.c.own_thread_id.is_not(None),
)

receipt = Table(
    "dm_receipt",
    metadata,
    Column("conversation_id", Identifier, nullable=False),
    Column("reader", _Id, nullable=False),
    Column("through", Identifier, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("conversation_id", "reader", "through"),
    ForeignKeyConstraint(["conversation_id"], [conversation.c.id]),
    sqlite_with_rowid=False,
)

block = Table(
    "dm_block",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("blocker", _Id, nullable=False),
    Column("blocked", _Id, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "blocker", "blocked"),
    UniqueConstraint("tenant", "blocker", "position"),
    CheckConstraint("blocker <> blocked", name="two_people"),
    sqlite_with_rowid=False,
)

journal = Table(
    "dm_journal",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", _Id, nullable=False),
    Column("other", _Id),
    Column("conversation_id", Identifier),
    Column("message_id", Identifier),
    Column("mode", Text),
    PrimaryKeyConstraint("tenant", "user_id", "position"),
    CheckConstraint("position > 0", name="position"),
    sqlite_with_rowid=False,
)
