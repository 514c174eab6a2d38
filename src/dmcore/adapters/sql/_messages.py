"""Messages in SQL."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    null,
    or_,
    select,
    true,
    union_all,
)

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._conditions import (
    CONVERSATION,
    SINCE,
    STANDING,
    TENANT,
    as_seen_by,
    has_side,
    id_param,
    is_kept,
    is_shown,
    is_visible,
    mode_of,
    of_side,
    other_than,
    part,
    partner_shows_receipts,
    since_param,
    standing,
    standing_params,
    suspended_until,
    text_param,
)
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._rows import posting_of, posting_row, receipt_row
from dmcore.adapters.sql._schema import conversation, installation, mailbox, message, receipt
from dmcore.adapters.sql._statements import Statement
from dmcore.adapters.sql._texts import Texts
from dmcore.domain.ids import ConversationId, MessageId, User, neighbour_of
from dmcore.domain.message import Message, Posting, Receipt
from dmcore.domain.paging import ThreadPlace
from dmcore.domain.viewing import Marking
from dmcore.errors import NotInitialised
from dmcore.ports.messages import Messages, ThreadRows
from dmcore.ports.reading import Reading

_READER = text_param("reader")
_PARTNER = text_param("partner")
_PLACE = id_param("place")
_ROOT = id_param("root")


def _own_messages(*columns: ColumnElement[Any]) -> Select[Any]:
    """Messages that the reader sees, in a conversation that the reader has."""
    return (
        select(*columns)
        .join_from(message, conversation, conversation.c.id == message.c.conversation_id)
        .where(
            message.c.conversation_id == CONVERSATION,
            has_side(conversation, _READER),
            is_visible(_READER),
            is_kept(_READER),
        )
    )


def _thread(
    place: ColumnElement[bool] | None = None,
    *branches: ColumnElement[bool],
    forward: bool = False,
) -> CompoundSelect[Any]:
    """One row that tells of the conversation, whatever is missing, and one for each message.

    Apart, so that what is the same for the whole page is not sent with every message. Each branch
    is read in the order of an index of its own; together they hold no message twice.
    """
    columns = as_seen_by(
        _READER, partner=other_than(_READER), partner_shows=partner_shows_receipts(_READER)
    )
    told = (STANDING, suspended_until(_READER))
    return _rows(told, columns, place, branches, forward=forward)


def _thread_apart(
    place: ColumnElement[bool] | None = None,
    *branches: ColumnElement[bool],
    forward: bool = False,
) -> Select[Any]:
    """The same, where the two are on other machines than what they say, and who they are is known.

    The conversation and its messages are one part, and so of one state.
    """
    reader, partner = (
        part(
            select(mailbox.c.receipts, mailbox.c.suspended_until_us).where(
                mailbox.c.tenant == TENANT, mailbox.c.user_id == user
            ),
            name,
        )
        for name, user in (("reader_box", _READER), ("partner_box", _PARTNER))
    )
    columns = as_seen_by(
        _READER,
        partner=_PARTNER,
        partner_shows=select(partner.c.receipts).scalar_subquery(),
        reader_shows=select(reader.c.receipts).scalar_subquery(),
        place=CONVERSATION,
    )
    suspended = select(reader.c.suspended_until_us).scalar_subquery().label("suspended_until_us")
    told = (installation.c.mode, suspended)
    thread = part(_rows(told, columns, place, branches, forward=forward), "thread")
    mode, *others = thread.c
    return select(case((mode.is_not(None), standing(mode).element)).label("mode"), *others)


def _rows(
    told: Sequence[ColumnElement[Any]],
    columns: Sequence[ColumnElement[Any]],
    place: ColumnElement[bool] | None,
    branches: Sequence[ColumnElement[bool]],
    *,
    forward: bool,
) -> CompoundSelect[Any]:
    """The head, which is ``told`` how the reader stands, and the messages of each branch."""
    head = (
        select(
            *told,
            other_than(_READER).label("other"),
            of_side(_READER, "read").label("read"),
            *(_nothing(column) for column in columns),
        )
        .select_from(installation)
        .outerjoin(
            conversation, and_(conversation.c.id == CONVERSATION, has_side(conversation, _READER))
        )
    )
    order = message.c.id.asc() if forward else message.c.id.desc()
    visible = _own_messages(
        cast(null(), installation.c.mode.type).label("mode"),
        cast(null(), mailbox.c.suspended_until_us.type).label("suspended_until_us"),
        cast(null(), conversation.c.low.type).label("other"),
        cast(null(), conversation.c.low_read.type).label("read"),
        *columns,
    )
    if place is not None:
        visible = visible.where(place)
    pages = [
        visible.where(branch).order_by(order).limit(bindparam("limit")).subquery()
        for branch in branches or (true(),)
    ]
    return union_all(head, *(select(page) for page in pages))


def _nothing(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """NULL in the place of a column."""
    return cast(null(), column.type).label(column.key or "")


# A chain as the reader sees it: their own messages may have another link than the partner sees.
_CHAIN = (
    message.c.id == _ROOT,
    and_(
        message.c.thread_id == _ROOT,
        or_(message.c.sender != _READER, message.c.own_thread_id.is_(None)),
    ),
    and_(message.c.own_thread_id == _ROOT, message.c.sender == _READER),
)
_THREADS, _THREADS_APART = (
    {
        (None, False): Statement(thread()),
        ("before", False): Statement(thread(message.c.id < _PLACE)),
        ("after", False): Statement(thread(forward=True)),
        (None, True): Statement(thread(None, *_CHAIN)),
        ("before", True): Statement(thread(message.c.id < _PLACE, *_CHAIN)),
        ("after", True): Statement(thread(None, *_CHAIN, forward=True)),
    }
    for thread in (_thread, _thread_apart)
)
_OTHER = Statement(
    select(other_than(_READER).label("other")).where(
        conversation.c.id == CONVERSATION, has_side(conversation, _READER)
    )
)
_FOUND = _own_messages(*message.c).where(message.c.id == _PLACE)


def _newest_below() -> Select[Any]:
    return (
        select(message.c.id)
        .join_from(message, conversation, conversation.c.id == message.c.conversation_id)
        .where(
            message.c.conversation_id == CONVERSATION,
            message.c.id < _PLACE,
            is_shown(_READER),
            is_kept(_READER),
        )
        .order_by(message.c.id.desc())
        .limit(1)
    )


_NEWEST_BELOW = _newest_below()


def _marking() -> Select[Any]:
    other = message.alias("other")
    is_theirs = and_(other.c.conversation_id == CONVERSATION, other.c.sender != _READER)
    # What is behind something that is kept is kept.
    unread_after = (
        select(func.count())
        .where(
            is_theirs,
            is_shown(_READER, other),
            other.c.id > _PLACE,
            other.c.body.is_not(None),
        )
        .scalar_subquery()
    )
    told = of_side(_READER, "told")
    seen = (
        select(other.c.id)
        .where(
            is_theirs,
            other.c.id >= SINCE,
            other.c.id <= _PLACE,
            or_(told.is_(None), other.c.id > told),
        )
        .order_by(other.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return _own_messages(unread_after.label("unread_after"), seen.label("seen")).where(
        message.c.id == _PLACE
    )


_MARKING = Statement(_marking())


class SqlMessages:
    """The ``Messages`` port."""

    def __init__(
        self,
        connection: Connection,
        batch: Batch,
        identity: Identity,
        namespace: bytes,
        texts: Texts,
        *,
        is_spread: bool = False,
    ) -> None:
        self._connection = connection
        self._batch = batch
        self._identity = identity
        self._texts = texts
        self._namespace = namespace
        self._is_spread = is_spread

    def add(self, posting: Posting) -> None:
        tenant = self._identity.tenant_of(posting.message.conversation)
        self._batch.insert(message, posting_row(self._texts.new_posting(posting, tenant)))

    def save(self, posting: Posting) -> None:
        tenant = self._identity.tenant_of(posting.message.conversation)
        read, stored = self._identity.posting_before(posting.message.id)
        after = self._texts.changed_posting(posting, tenant, read=read, stored=stored)
        self._batch.update(message, posting_row(after), posting_row(stored))

    def add_receipt(self, receipt_: Receipt) -> None:
        self._batch.insert(receipt, receipt_row(receipt_))

    def find(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        message: MessageId,
        since: MessageId | None,
    ) -> Posting | None:
        facts = _facts(conversation, reader) | {"place": message} | since_param(since)
        row = self._connection.execute(_FOUND, facts).one_or_none()
        if row is None:
            return None
        stored = posting_of(row)
        return self._identity.posting(self._texts.posting(stored, reader.tenant), stored)

    def newest_below(
        self, conversation: ConversationId, *, reader: User, message: MessageId
    ) -> MessageId | None:
        facts = _facts(conversation, reader) | {"place": message} | since_param(None)
        found: MessageId | None = self._connection.execute(
            _NEWEST_BELOW, facts
        ).scalar_one_or_none()
        return found

    def thread(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        place: ThreadPlace,
        limit: int,
        since: MessageId | None,
        root: MessageId | None = None,
    ) -> Reading[ThreadRows | None]:
        facts = _facts(conversation, reader) | {"limit": limit} | since_param(since)
        facts |= standing_params(self._namespace, reader)
        direction = None
        if place.before is not None:
            direction, facts["place"] = "before", place.before
        elif place.after is not None:
            # What is behind a place is what is kept from there on.
            first = neighbour_of(place.after, 1)
            direction, facts["since"] = "after", max(facts["since"], first)
        if root is not None:
            facts["root"] = root
        statement = _THREADS[direction, root is not None]
        if self._is_spread:
            # Nobody, where there is no such conversation.
            others = _OTHER.all(self._connection, facts)
            facts["partner"] = others[0].other if others else ""
            statement = _THREADS_APART[direction, root is not None]
        found = statement.page(self._connection, facts)
        # A union promises no order: the head is the row with a mode, the others go by id.
        head = next((row for row in found if row[0] is not None), None)
        if head is None:
            raise NotInitialised
        standing, suspended_until_us, other, read, *_ = head
        mode = mode_of(standing)
        if other is None:
            return Reading(mode, None, suspended_until_us)
        rows = [row for row in found if row[0] is None]
        rows.sort(key=_number_of, reverse=place.after is None)
        seen = [Message(row[_HEAD], conversation, *row[_HEAD + 1 :]) for row in rows[:limit]]
        messages = self._texts.seen(seen, reader)
        return Reading(
            mode, ThreadRows(other=other, read=read, messages=messages), suspended_until_us
        )

    def marking(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        through: MessageId,
        since: MessageId | None,
    ) -> Marking | None:
        facts = _facts(conversation, reader) | {"place": through} | since_param(since)
        rows = _MARKING.all(self._connection, facts)
        return Marking(unread_after=rows[0].unread_after, seen=rows[0].seen) if rows else None


_HEAD = 4
"""How many columns of a thread's rows tell of the conversation; then come those of a message."""


def _number_of(row: Sequence[Any]) -> int:
    """What the row of a message is sorted by: two numbers are compared sooner than two ids."""
    number: int = row[_HEAD].int
    return number


def _facts(conversation: ConversationId, reader: User) -> dict[str, Any]:
    return {"tenant": reader.tenant, "reader": reader.id, "conversation": conversation}


if TYPE_CHECKING:

    def _conforms(
        connection: Connection, batch: Batch, identity: Identity, namespace: bytes
    ) -> Messages:
        return SqlMessages(connection, batch, identity, namespace, Texts())
