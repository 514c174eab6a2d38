"""From 7 to 8: a report keeps the moves that were made with it (MOD-3)."""

from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Text,
)

from dmcore.adapters.sql._schema import Identifier

if TYPE_CHECKING:
    from alembic.operations import Operations

_MOVES: Final = "'take', 'release', 'resolve', 'dismiss', 'reopen'"
# What led to where each report stands, which is all that was kept of it.
_KNOWN: Final = """
INSERT INTO dm_report_move (report_id, number, tenant, move, made_by, at_us, outcome)
SELECT id, 1, tenant,
    CASE state WHEN 'taken' THEN 'take' WHEN 'resolved' THEN 'resolve' ELSE 'dismiss' END,
    taken_by, changed_at_us, outcome
FROM dm_report WHERE state <> 'pending'"""


def keep_moves(op: "Operations") -> None:
    """A table for them, and in it the last one of each report that does not wait."""
    text = Text().with_variant(Text(collation="C"), "postgresql")
    op.create_table(
        "dm_report_move",
        Column("report_id", Identifier, nullable=False),
        Column("number", Integer, nullable=False),
        Column("tenant", text, nullable=False),
        Column("move", Text, nullable=False),
        Column("made_by", text, nullable=False),
        Column("at_us", BigInteger, nullable=False),
        Column("outcome", Text),
        PrimaryKeyConstraint("report_id", "number", name="pk_dm_report_move"),
        ForeignKeyConstraint(
            ["report_id"], ["dm_report.id"], name="fk_dm_report_move_report_id_dm_report"
        ),
        CheckConstraint("number > 0", name="ck_dm_report_move_number"),
        CheckConstraint(f"move IN ({_MOVES})", name="ck_dm_report_move_move"),
        CheckConstraint(
            "(move = 'resolve') = (outcome IS NOT NULL)", name="ck_dm_report_move_outcome"
        ),
        sqlite_with_rowid=False,
    )
    op.execute(_KNOWN)
