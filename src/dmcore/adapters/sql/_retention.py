"""Retention in SQL: where old messages are, and removing them."""

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, or_, select

from dmcore.adapters.sql._conditions import CONVERSATION, id_param, is_shown
from dmcore.adapters.sql._schema import conversation, message, receipt
from dmcore.domain.ids import ConversationId, MessageId, User, neighbour_of
from dmcore.domain.retention import Removed
from dmcore.ports.retention import Retention

_BELOW = id_param("below")
_THROUGH = id_param("through")
_NEXT = (
    select(conversation.c.id, conversation.c.tenant, conversation.c.low)
    .where(conversation.c.oldest < _BELOW)
    .order_by(conversation.c.oldest)
    .limit(1)
)
_IS_HERE = message.c.conversation_id == CONVERSATION
_OLD = (
    select(message.c.id)
    .where(_IS_HERE, message.c.id < _BELOW)
    .order_by(message.c.id)
    .limit(bindparam("limit"))
)


def _waits_for(name: str) -> ColumnElement[bool]:
    user, read = conversation.c[name], conversation.c[f"{name}_read"]
    return and_(
        message.c.sender != user,
        message.c.body.is_not(None),
        or_(read.is_(None), message.c.id > read),
        is_shown(user),
    )


_UNREAD = (
    select(
        *(
            func.count().filter(_waits_for(name)).label(f"unread_of_{name}")
            for name in ("low", "high")
        )
    )
    .join_from(message, conversation, conversation.c.id == message.c.conversation_id)
    .where(_IS_HERE, message.c.id <= _THROUGH)
)
_REMOVE = (
    delete(message).where(_IS_HERE, message.c.id <= _THROUGH),
    delete(receipt).where(receipt.c.conversation_id == CONVERSATION, receipt.c.through <= _THROUGH),
)
_OLDEST = select(message.c.id).where(_IS_HERE).order_by(message.c.id).limit(1)


class SqlRetention:
    """The ``Retention`` port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def next_conversation(self, *, below: MessageId) -> tuple[ConversationId, User] | None:
        row = self._connection.execute(_NEXT, {"below": below}).one_or_none()
        return None if row is None else (row.id, User(row.tenant, row.low))

    def remove(self, conversation: ConversationId, *, below: MessageId, limit: int) -> Removed:
        facts: dict[str, object] = {"conversation": conversation, "below": below, "limit": limit}
        ids = self._connection.execute(_OLD, facts).scalars().all()
        through = facts["through"] = ids[-1] if ids else neighbour_of(below, -1)
        unread = self._connection.execute(_UNREAD, facts).one()
        for statement in _REMOVE:
            self._connection.execute(statement, facts)
        return Removed(
            messages=len(ids),
            through=through,
            unread_of_low=unread.unread_of_low,
            unread_of_high=unread.unread_of_high,
            oldest=self._connection.execute(_OLDEST, facts).scalar_one_or_none(),
        )


if TYPE_CHECKING:

    def _conforms(connection: Connection) -> Retention:
        return SqlRetention(connection)
