"""From version 7 to 8: a directory of devices, room for sealed texts, and two windows."""

from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
)

from dmcore.adapters.sql._schema import Identifier

if TYPE_CHECKING:
    from alembic.operations import Operations

_ID: Final = Text().with_variant(Text(collation="C"), "postgresql")

# Three numbers of eight bytes: a window in which nothing was counted.
_NEW_WINDOW: Final = "c000000000000000c0000000000000000000000000000000"
_BYTES: Final = {"postgresql": rf"'\x{_NEW_WINDOW}'", "sqlite": f"x'{_NEW_WINDOW}'"}
_KIND: Final = {"postgresql": "BYTEA", "sqlite": "BLOB"}

# With what stands in every row that is there already.
_FILLED: Final = (
    ("dm_mailbox", "devices", "INTEGER", "0"),
    ("dm_mailbox", "key_changes", "INTEGER", "0"),
    ("dm_message", "is_sealed", "BOOLEAN", "false"),
)
_EMPTY: Final = (
    ("dm_conversation", "low_keys", "INTEGER"),
    ("dm_conversation", "high_keys", "INTEGER"),
    ("dm_conversation", "low_sealed_at_us", "BIGINT"),
    ("dm_conversation", "high_sealed_at_us", "BIGINT"),
    ("dm_evidence", "verdict", "TEXT"),
)


def add_devices(op: "Operations") -> None:
    """Add the two tables, and what the others say of keys, of sealed texts and of edits."""
    dialect = op.get_context().dialect.name
    windows = (("dm_mailbox", it, _KIND[dialect], _BYTES[dialect]) for it in ("claims", "edits"))
    filled = (*_FILLED, *windows)
    for table, column, kind, value in filled:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind} DEFAULT {value} NOT NULL")
        if dialect == "postgresql":
            # What is stored is decided by the domain: no value comes by itself.
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT")
    for table, column, kind in (*_EMPTY, ("dm_message", "franking", _KIND[dialect])):
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    op.create_table(
        "dm_device",
        Column("tenant", _ID, nullable=False),
        Column("user_id", _ID, nullable=False),
        Column("id", Identifier, nullable=False),
        Column("identity", LargeBinary, nullable=False),
        Column("prekey_number", Integer, nullable=False),
        Column("prekey", LargeBinary, nullable=False),
        Column("prekey_signature", LargeBinary, nullable=False),
        Column("added_at_us", BigInteger, nullable=False),
        Column("renewed_at_us", BigInteger, nullable=False),
        PrimaryKeyConstraint("tenant", "user_id", "id", name="pk_dm_device"),
        ForeignKeyConstraint(
            ["tenant", "user_id"],
            ["dm_mailbox.tenant", "dm_mailbox.user_id"],
            name="fk_dm_device_dm_mailbox",
            deferrable=True,
            initially="DEFERRED",
        ),
        CheckConstraint("length(identity) = 32 AND length(prekey) = 32", name="ck_dm_device_keys"),
        CheckConstraint("length(prekey_signature) = 64", name="ck_dm_device_signature"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dm_one_time_key",
        Column("tenant", _ID, nullable=False),
        Column("user_id", _ID, nullable=False),
        Column("device_id", Identifier, nullable=False),
        Column("number", Integer, nullable=False),
        Column("public", LargeBinary, nullable=False),
        Column("signature", LargeBinary, nullable=False),
        PrimaryKeyConstraint("tenant", "user_id", "device_id", "number", name="pk_dm_one_time_key"),
        ForeignKeyConstraint(
            ["tenant", "user_id", "device_id"],
            ["dm_device.tenant", "dm_device.user_id", "dm_device.id"],
            name="fk_dm_one_time_key_dm_device",
            deferrable=True,
            initially="DEFERRED",
        ),
        CheckConstraint(
            "length(public) = 32 AND length(signature) = 64", name="ck_dm_one_time_key_sizes"
        ),
        sqlite_with_rowid=False,
    )
