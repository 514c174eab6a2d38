"""Mending in SQL: listings at once, for the collected writes believe that they know them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Select, bindparam, delete, exists, select, union

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._conditions import CONVERSATION, id_param
from dmcore.adapters.sql._inspection import IS_LISTED
from dmcore.adapters.sql._rows import entry_row, side_row
from dmcore.adapters.sql._schema import journal, mailbox, receipt, restriction, side
from dmcore.domain.conversation import Conversation
from dmcore.domain.events import Entry
from dmcore.domain.ids import User
from dmcore.ports.mending import Mending

_UNLIST: Final = delete(side).where(side.c.conversation_id == CONVERSATION)
_DROP_RECEIPTS: Final = delete(receipt).where(receipt.c.conversation_id == CONVERSATION)
_DROP_OLD_RECEIPTS: Final = _DROP_RECEIPTS.where(receipt.c.through < id_param("oldest"))
_STRAYS: Final = delete(side).where(~IS_LISTED)


def _ownerless() -> Select[Any]:
    def owners(table: Any) -> Select[Any]:
        has_mailbox = exists().where(
            mailbox.c.tenant == table.c.tenant, mailbox.c.user_id == table.c.user_id
        )
        return select(table.c.tenant, table.c.user_id).where(~has_mailbox)

    found = union(owners(journal), owners(restriction)).subquery("found")
    return select(found).order_by(found.c.tenant, found.c.user_id).limit(bindparam("limit"))


_OWNERLESS: Final = _ownerless()


class SqlMending:
    """The ``Mending`` port."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def relist(self, conversation: Conversation) -> None:
        self._connection.execute(_UNLIST, {"conversation": conversation.id})
        pair = conversation.pair
        for name in (pair.low, pair.high):
            row = side_row(conversation, User(pair.tenant, name))
            if row is not None:
                self._connection.execute(side.insert(), row)

    def drop_receipts(self, conversation: Conversation) -> None:
        facts: dict[str, object] = {"conversation": conversation.id}
        statement = _DROP_RECEIPTS
        if conversation.oldest is not None:
            facts["oldest"] = conversation.oldest
            statement = _DROP_OLD_RECEIPTS
        self._connection.execute(statement, facts)

    def drop_strays(self) -> int:
        return self._connection.execute(_STRAYS).rowcount

    def ownerless(self, *, limit: int) -> Sequence[User]:
        rows = self._connection.execute(_OWNERLESS, {"limit": limit})
        return [User(row.tenant, row.user_id) for row in rows]

    def fill(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._batch.insert(journal, entry_row(entry))


if TYPE_CHECKING:

    def _conforms(connection: Connection, batch: Batch) -> Mending:
        return SqlMending(connection, batch)
