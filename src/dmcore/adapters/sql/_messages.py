"""Messages in SQL."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    cast,
    false,
    func,
    null,
    select,
    union_all,
)

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._conditions import (
    CONVERSATION,
    has_side,
    id_param,
    is_visible,
    of_side,
    text_param,
)
from dmcore.adapters.sql._rows import message_of, posting_row
from dmcore.adapters.sql._schema import conversation, installation, message
from dmcore.domain.ids import ConversationId, MessageId, User
from dmcore.domain.message import Posting
from dmcore.domain.mode import Mode
from dmcore.domain.paging import ThreadPlace
from dmcore.errors import NotInitialised
from dmcore.ports.messages import Marking, Messages, ThreadRows
from dmcore.ports.reading import Reading

_READER = text_param("reader")
_PLACE = id_param("place")


_COLUMNS = (message.c.id, message.c.sender, message.c.body, message.c.sent_at_us)


def _own_messages(*columns: ColumnElement[Any]) -> Select[Any]:
    """Messages that the reader sees, in a conversation that the reader has."""
    return (
        select(*columns)
        .join_from(message, conversation, conversation.c.id == message.c.conversation_id)
        .where(
            message.c.conversation_id == CONVERSATION,
            has_side(conversation, _READER),
            is_visible(_READER),
        )
    )


def _thread(condition: ColumnElement[bool] | None, *, forward: bool) -> CompoundSelect[Any]:
    """One row that tells of the conversation, whatever is missing, and one for each message.

    Apart, so that what is the same for the whole page is not sent with every message.
    """
    head = (
        select(
            installation.c.mode,
            of_side(_READER, conversation.c.high, conversation.c.low).label("other"),
            of_side(_READER, conversation.c.low_read, conversation.c.high_read).label("read"),
            *(_nothing(column) for column in _COLUMNS),
        )
        .select_from(installation)
        .outerjoin(
            conversation,
            and_(
                conversation.c.id == CONVERSATION,
                has_side(conversation, _READER),
            ),
        )
    )
    rows = _own_messages(
        _nothing(installation.c.mode),
        _nothing(conversation.c.low),
        _nothing(conversation.c.low_read),
        *_COLUMNS,
    )
    if condition is not None:
        rows = rows.where(condition)
    page = (
        rows.order_by(message.c.id.asc() if forward else message.c.id.desc())
        .limit(bindparam("limit"))
        .subquery()
    )
    return union_all(head, select(page))


def _nothing(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """NULL in the place of a column."""
    return cast(null(), column.type).label(column.key)


_NEWEST = _thread(None, forward=False)
_BEFORE = _thread(message.c.id < _PLACE, forward=False)
_AFTER = _thread(message.c.id > _PLACE, forward=True)

_later = message.alias("later")
_MARKING = _own_messages(
    select(func.count())
    .where(
        _later.c.conversation_id == CONVERSATION,
        _later.c.id > _PLACE,
        _later.c.sender != _READER,
        _later.c.sender_only == false(),
    )
    .scalar_subquery()
    .label("unread_after")
).where(message.c.id == _PLACE)


class SqlMessages:
    """The ``Messages`` port."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def add(self, posting: Posting) -> None:
        self._batch.insert(message, posting_row(posting))

    def thread(
        self, conversation: ConversationId, *, reader: User, place: ThreadPlace, limit: int
    ) -> Reading[ThreadRows | None]:
        facts: dict[str, Any] = {
            "tenant": reader.tenant,
            "reader": reader.id,
            "conversation": conversation,
            "limit": limit,
        }
        statement = _NEWEST
        if place.before is not None:
            statement, facts["place"] = _BEFORE, place.before
        elif place.after is not None:
            statement, facts["place"] = _AFTER, place.after
        found = self._connection.execute(statement, facts).all()
        # A union promises no order: the head is the row with a mode, the others go by id.
        head = next((row for row in found if row.mode is not None), None)
        if head is None:
            raise NotInitialised
        rows = sorted(
            (row for row in found if row.mode is None),
            key=_id_of,
            reverse=place.after is None,
        )
        mode = Mode(head.mode)
        if head.other is None:
            return Reading(mode, None)
        messages = [
            message_of(conversation, row.id, row.sender, row.body, row.sent_at_us) for row in rows
        ]
        return Reading(mode, ThreadRows(other=head.other, read=head.read, messages=messages))

    def marking(
        self, conversation: ConversationId, *, reader: User, through: MessageId
    ) -> Marking | None:
        facts = {
            "tenant": reader.tenant,
            "reader": reader.id,
            "conversation": conversation,
            "place": through,
        }
        count = self._connection.execute(_MARKING, facts).scalar_one_or_none()
        return None if count is None else Marking(count)


def _id_of(row: Row[Any]) -> MessageId:
    return MessageId(row.id)


if TYPE_CHECKING:

    def _conforms(connection: Connection, batch: Batch) -> Messages:
        return SqlMessages(connection, batch)
