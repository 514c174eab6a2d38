"""The tables, and nothing about how they are used: one list of all that is stored, however long.

Shard-ready (SCALE-1): every key holds its table's distribution column, which is the conversation
for ``conversation``, ``message`` and ``receipt``, the user for ``mailbox``, ``side``, ``block``,
``journal``, ``restriction``, ``erasure``, ``mark``, ``aside``, ``device`` and ``one_time_key``, the
report for ``report``, ``report_message``, ``report_move`` and ``evidence``, and the name for
``consumer``. The one
exception is the second net under the pair (ADR 17).
"""

import base64
import struct
from collections.abc import Callable
from typing import Any, Final, TypeVar
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
from dmcore.domain.limits import NEW_WINDOW, Window
from dmcore.errors import StoreUnavailable

SCHEMA_VERSION: Final = 9
_ID_SIZE: Final = 16

Value = TypeVar("Value")


def known(kind: Callable[[Any], Value], stored: object, name: str) -> Value:
    """What was stored, where dmcore can have written it.

    Raises ``StoreUnavailable``, which says what it should be and never what it is.
    """
    try:
        return kind(stored)
    except (TypeError, ValueError, struct.error):
        pass
    raise never_written(name)


def never_written(name: str) -> StoreUnavailable:
    """The error for what somebody else must have stored."""
    return StoreUnavailable(f"it holds {name} that dmcore never writes")


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

    def result_processor(
        self, dialect: Dialect, _coltype: object
    ) -> Callable[[Any], UUID | None] | None:
        # PostgreSQL's driver returns UUIDs as they are: nothing to call for each of them.
        return _id_of if dialect.name == "sqlite" else None

    def bind_processor(self, dialect: Dialect) -> Callable[[UUID | None], Any] | None:
        # And it takes them as they are.
        return _bytes_of if dialect.name == "sqlite" else None


def _bytes_of(value: UUID | None) -> bytes | None:
    return None if value is None else value.bytes


def _id_of(value: bytes | None) -> UUID | None:
    if value is None:
        return None
    if type(value) is not bytes or len(value) != _ID_SIZE:
        raise never_written("an id")
    # As if unpickled: there are five other ways to make one, between which it would choose.
    found = UUID.__new__(UUID)
    found.__setstate__({"int": int.from_bytes(value, "big")})  # type: ignore[attr-defined]
    return found


# Before a sealed text. A text that begins with it by itself is stored with one more of it.
MARK: Final = "\x01"


class SealedText(Body):
    """A text as it is stored where texts are encrypted: nobody but ``_texts`` looks into it."""

    __slots__ = ()

    @classmethod
    def of(cls, sealed: bytes) -> "SealedText":
        """As text, which every database keeps as it is."""
        return cls(MARK + base64.b64encode(sealed).decode())

    @property
    def sealed(self) -> bytes:
        """What was sealed; empty where somebody put something else in its place."""
        try:
            return base64.b64decode(self.text[len(MARK) :], validate=True)
        except ValueError:
            return b""


class BodyText(TypeDecorator[Body]):
    """A message text. It leaves the driver as a ``Body``, so a logged row shows none (LEAK-1)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Body | None, _dialect: Dialect) -> str | None:
        if value is None:
            return None
        text = value.text
        is_marked = text.startswith(MARK) and type(value) is not SealedText
        return MARK + text if is_marked else text

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Callable[[Any], Body | None]:
        # The one thing that is done for each text of a page: nothing is put around it.
        return _body_of


def _body_of(value: str | None) -> Body | None:
    if value is None:
        return None
    if type(value) is not str:
        raise never_written("a text")
    if not value.startswith(MARK):
        return Body(value)
    rest = value[len(MARK) :]
    return Body(rest) if rest.startswith(MARK) else SealedText(value)


class WindowBytes(TypeDecorator[Window]):
    """The window of a limit: time, reading, jump and the instants, eight bytes each."""

    impl = LargeBinary
    cache_ok = True

    def bind_processor(self, _dialect: Dialect) -> Callable[[Window | None], bytes | None]:
        return _bytes_of_window

    def result_processor(
        self, _dialect: Dialect, _coltype: object
    ) -> Callable[[bytes | None], Window | None]:
        return _window_of


def _bytes_of_window(value: Window | None) -> bytes | None:
    if value is None:
        return None
    if value is NEW_WINDOW:
        return _NEW_WINDOW_BYTES
    numbers = (value.time_us, value.reading_us, value.jump_us, *value.instants)
    return struct.pack(f">{len(numbers)}q", *numbers)


_NEW_WINDOW_BYTES: Final = struct.pack(
    ">3q", NEW_WINDOW.time_us, NEW_WINDOW.reading_us, NEW_WINDOW.jump_us
)


def _window_of(value: bytes | None) -> Window | None:
    if value is None:
        return None
    # Of the windows of an account most were never used.
    return NEW_WINDOW if value == _NEW_WINDOW_BYTES else known(_window_in, value, "a limit")


def _window_in(value: bytes) -> Window:
    time_us, reading_us, jump_us, *instants = struct.unpack(f">{len(value) // 8}q", value)
    return Window(instants=tuple(instants), time_us=time_us, reading_us=reading_us, jump_us=jump_us)


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
        Column(f"{name}_keys", Integer),
        Column(f"{name}_sealed_at_us", BigInteger),
    )


installation = Table(
    "dm_installation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("schema_version", Integer, nullable=False),
    Column("namespace", LargeBinary(16), nullable=False),
    Column("mode", Text, nullable=False),
    # Whose keys the texts are sealed with; null where they are not (CRYPT-1).
    Column("keyring", LargeBinary(16)),
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
    Column("is_erased", Boolean, nullable=False),
    Column("muted_until_us", BigInteger),
    Column("suspended_until_us", BigInteger),
    Column("hidden_until_us", BigInteger),
    Column("restrictions", Integer, nullable=False),
    Column("removals", BigInteger, nullable=False),
    Column("devices", Integer, nullable=False),
    Column("key_changes", Integer, nullable=False),
    Column("claims", WindowBytes, nullable=False),
    Column("edits", WindowBytes, nullable=False),
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
    # Null where all was removed for its age.
    Column("oldest", Identifier),
    *_side_columns("low"),
    *_side_columns("high"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("tenant", "low", "high"),
    CheckConstraint("low < high", name="pair_order"),
    CheckConstraint("low_unread >= 0 AND high_unread >= 0", name="unread"),
    postgresql_with={"fillfactor": 70},
    sqlite_with_rowid=False,
)

# Beside the pair's own: a user's conversations by what no erasure changes, on either side.
Index("ix_dm_conversation_low", conversation.c.tenant, conversation.c.low, conversation.c.id)
Index("ix_dm_conversation_high", conversation.c.tenant, conversation.c.high, conversation.c.id)

# Where there is something to remove for its age; nobody who writes changes it.
Index("ix_dm_conversation_oldest", conversation.c.oldest)

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
    Column("fingerprint", LargeBinary),
    Column("is_sealed", Boolean, nullable=False),
    Column("franking", LargeBinary),
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
    Column("report_id", Identifier),
    PrimaryKeyConstraint("tenant", "user_id", "position"),
    CheckConstraint("position > 0", name="position"),
    sqlite_with_rowid=False,
)

report = Table(
    "dm_report",
    metadata,
    Column("id", Identifier, nullable=False),
    Column("tenant", _Id, nullable=False),
    Column("reporter", _Id),
    Column("reported", _Id, nullable=False),
    Column("conversation_id", Identifier),
    Column("chosen", Integer, nullable=False),
    Column("reason", Text),
    Column("made_at_us", BigInteger, nullable=False),
    Column("changed_at_us", BigInteger, nullable=False),
    Column("flags", Text),
    Column("state", Text, nullable=False),
    Column("taken_by", _Id),
    Column("outcome", Text),
    PrimaryKeyConstraint("id"),
    CheckConstraint("reporter <> reported", name="two_people"),
    CheckConstraint(
        "reason IN ('spam', 'harassment', 'threat', 'illegal', 'self_harm', 'other')", name="reason"
    ),
    CheckConstraint(
        "(reporter IS NULL) = (flags IS NOT NULL) AND (reporter IS NULL) = (reason IS NULL)",
        name="origin",
    ),
    CheckConstraint("state IN ('pending', 'taken', 'resolved', 'dismissed')", name="state"),
    CheckConstraint("(state = 'pending') = (taken_by IS NULL)", name="taken"),
    CheckConstraint("(state = 'resolved') = (outcome IS NOT NULL)", name="outcome"),
    sqlite_with_rowid=False,
)

Index("ix_dm_report_queue", report.c.tenant, report.c.made_at_us, report.c.id)
Index("ix_dm_report_state", report.c.tenant, report.c.state, report.c.made_at_us, report.c.id)
Index("ix_dm_report_reporter", report.c.tenant, report.c.reporter, report.c.made_at_us)
Index("ix_dm_report_reported", report.c.tenant, report.c.reported, report.c.state)

report_message = Table(
    "dm_report_message",
    metadata,
    Column("report_id", Identifier, nullable=False),
    Column("message_id", Identifier, nullable=False),
    PrimaryKeyConstraint("report_id", "message_id"),
    ForeignKeyConstraint(["report_id"], [report.c.id]),
    sqlite_with_rowid=False,
)

# The history of a report; where it stands is in the report itself (MOD-3).
report_move = Table(
    "dm_report_move",
    metadata,
    Column("report_id", Identifier, nullable=False),
    Column("number", Integer, nullable=False),
    Column("tenant", _Id, nullable=False),
    Column("move", Text, nullable=False),
    Column("made_by", _Id, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("outcome", Text),
    PrimaryKeyConstraint("report_id", "number"),
    ForeignKeyConstraint(["report_id"], [report.c.id]),
    CheckConstraint("number > 0", name="number"),
    CheckConstraint("move IN ('take', 'release', 'resolve', 'dismiss', 'reopen')", name="move"),
    CheckConstraint("(move = 'resolve') = (outcome IS NOT NULL)", name="outcome"),
    sqlite_with_rowid=False,
)

# The one place outside of messages that holds a text: what a reporter chose to show (MOD-1).
evidence = Table(
    "dm_evidence",
    metadata,
    Column("report_id", Identifier, nullable=False),
    Column("message_id", Identifier, nullable=False),
    Column("sender", _Id, nullable=False),
    Column("body", BodyText),
    Column("sent_at_us", BigInteger, nullable=False),
    Column("edited_at_us", BigInteger),
    Column("verdict", Text),
    PrimaryKeyConstraint("report_id", "message_id"),
    ForeignKeyConstraint(["report_id"], [report.c.id]),
    sqlite_with_rowid=False,
)

# The ledger of erasures: who was erased, under the name that is left of them (GDPR-1).
erasure = Table(
    "dm_erasure",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("pseudonym", _Id, nullable=False),
    Column("began_at_us", BigInteger, nullable=False),
    Column("finished_at_us", BigInteger),
    PrimaryKeyConstraint("tenant", "pseudonym"),
    sqlite_with_rowid=False,
)

# The history of what moderators took from a user; what holds now is in the mailbox (MOD-4).
restriction = Table(
    "dm_restriction",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", _Id, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("until_us", BigInteger),
    Column("report_id", Identifier),
    Column("ended_at_us", BigInteger),
    Column("ended_by", _Id),
    PrimaryKeyConstraint("tenant", "user_id", "number"),
    CheckConstraint("number > 0", name="number"),
    CheckConstraint("made_by <> user_id", name="two_people"),
    CheckConstraint("kind IN ('mute', 'suspend', 'shadow_ban')", name="kind"),
    CheckConstraint(
        "reason IN ('spam', 'harassment', 'threat', 'illegal', 'evasion', 'other')", name="reason"
    ),
    CheckConstraint("(ended_at_us IS NULL) = (ended_by IS NULL)", name="ended"),
    sqlite_with_rowid=False,
)

# To whom events leave, and which worker delivers to each until when (OPS-8).
consumer = Table(
    "dm_consumer",
    metadata,
    Column("name", _Id, nullable=False),
    Column("holder", Text),
    Column("until_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("name"),
    sqlite_with_rowid=False,
)


def _of_a_mailbox() -> ForeignKeyConstraint:
    """Looked at when all of a transaction is there. Without it, a mark would bring back a name."""
    return ForeignKeyConstraint(
        ["tenant", "user_id"],
        [mailbox.c.tenant, mailbox.c.user_id],
        deferrable=True,
        initially="DEFERRED",
    )


# How far each consumer has come in each journal. Nobody who writes a message touches it.
mark = Table(
    "dm_mark",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("consumer", _Id, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("error", Text),
    PrimaryKeyConstraint("tenant", "user_id", "consumer"),
    _of_a_mailbox(),
    CheckConstraint("position >= 0 AND attempts >= 0", name="numbers"),
    postgresql_with={"fillfactor": 70},
    sqlite_with_rowid=False,
)

# What a consumer could not take.
aside = Table(
    "dm_aside",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("consumer", _Id, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("is_due", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant", "user_id", "consumer", "position"),
    _of_a_mailbox(),
    sqlite_with_rowid=False,
)

# With which keys a text is sealed for each device of a user (CRYPT-2). All of them are public.
device = Table(
    "dm_device",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("id", Identifier, nullable=False),
    Column("identity", LargeBinary, nullable=False),
    Column("prekey_number", Integer, nullable=False),
    Column("prekey", LargeBinary, nullable=False),
    Column("prekey_signature", LargeBinary, nullable=False),
    Column("added_at_us", BigInteger, nullable=False),
    Column("renewed_at_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "user_id", "id"),
    _of_a_mailbox(),
    CheckConstraint("length(identity) = 32 AND length(prekey) = 32", name="keys"),
    CheckConstraint("length(prekey_signature) = 64", name="signature"),
    sqlite_with_rowid=False,
)

# Keys that are good for one text each: whoever takes one removes it.
one_time_key = Table(
    "dm_one_time_key",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("device_id", Identifier, nullable=False),
    Column("number", Integer, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant", "user_id", "device_id", "number"),
    ForeignKeyConstraint(
        ["tenant", "user_id", "device_id"],
        [device.c.tenant, device.c.user_id, device.c.id],
        deferrable=True,
        initially="DEFERRED",
    ),
    CheckConstraint("length(public) = 32 AND length(signature) = 64", name="sizes"),
    sqlite_with_rowid=False,
)
