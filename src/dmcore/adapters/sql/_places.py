"""Any number of (conversation, message) ids as one table, in a statement that never changes.

A list of row values would do in SQL, but neither engine looks it up in an index: SQLite scans, and
PostgreSQL turns it into a chain of ORs. PostgreSQL gets two arrays instead, SQLite one blob that is
cut up again.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    LargeBinary,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    type_coerce,
)

from dmcore.adapters.sql._schema import Identifier
from dmcore.domain.ids import ConversationId, MessageId

_ID: Final = 16
_MOST: Final = 128


def _cut_blob() -> Select[Any]:
    numbers = select(literal_column("0").label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(
        select(numbers.c.n + 1)
        .where(numbers.c.n + 1 < bindparam("place_count"))
        # Said to the planner: once it has statistics it would rather prepare for a million.
        .suffix_with(f"LIMIT {_MOST}")
    )
    blob = bindparam("places", type_=LargeBinary())

    def id_at(offset: int) -> Any:
        start = numbers.c.n * (2 * _ID) + offset + 1
        return type_coerce(func.substr(blob, start, _ID), Identifier())

    return select(id_at(0).label("conversation_id"), id_at(_ID).label("message_id")).select_from(
        numbers
    )


def _unnested_arrays() -> Select[Any]:
    # Written out by hand: the driver would look at each element of a list by itself.
    given = func.unnest(
        cast(bindparam("place_conversations", type_=Text()), ARRAY(Uuid())),
        cast(bindparam("place_messages", type_=Text()), ARRAY(Uuid())),
    )
    table = given.table_valued(
        column("conversation_id", Identifier()), column("message_id", Identifier())
    )
    return select(table.render_derived(name="given"))


PLACES: Final = {"sqlite": _cut_blob(), "postgresql": _unnested_arrays()}
"""The table for each dialect: columns ``conversation_id`` and ``message_id``."""


def place_params(
    dialect: str, places: Sequence[tuple[ConversationId, MessageId]]
) -> dict[str, object]:
    """The parameters that the table is made of."""
    if dialect == "sqlite":
        return {
            "places": b"".join(part.bytes for place in places for part in place),
            "place_count": len(places),
        }
    return {
        "place_conversations": _array(conversation for conversation, _ in places),
        "place_messages": _array(message for _, message in places),
    }


def _array(ids: Iterable[UUID]) -> str:
    return "{" + ",".join(it.hex for it in ids) + "}"
