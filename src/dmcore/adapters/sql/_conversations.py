"""Conversations in SQL: the aggregate's row, and each user's listing of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    func,
    literal,
    select,
    true,
    tuple_,
    union_all,
)

from dmcore.adapters.sql._batch import Batch, Row
from dmcore.adapters.sql._conditions import (
    CONVERSATION,
    SINCE,
    STANDING,
    TENANT,
    as_seen_by,
    expired_of,
    expired_unread,
    has_side,
    id_param,
    is_for,
    mode_of,
    of_side,
    part,
    shows_receipts,
    since_param,
    standing_params,
    suspended_until,
    text_param,
)
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._rows import (
    CONVERSATION_WIDTH,
    conversation_of,
    conversation_row,
    first_of,
    side_row,
)
from dmcore.adapters.sql._schema import conversation, installation, mailbox, message, side
from dmcore.adapters.sql._statements import Statement
from dmcore.adapters.sql._texts import Texts
from dmcore.domain.conversation import Conversation, Folder
from dmcore.domain.ids import ConversationId, MessageId, User
from dmcore.domain.inbox import ConversationView, InboxEntry, InboxPlace, view_of
from dmcore.domain.message import Message
from dmcore.ports.conversations import Conversations
from dmcore.ports.reading import Reading

_OWNER = text_param("owner")


def _page(*, continued: bool) -> Select[Any]:
    """The lines of a page."""
    places = (side.c.newest, side.c.conversation_id)
    # What is expired is not a page's end but the list's: all of it stands behind what is not.
    lines = select(
        side.c.conversation_id,
        side.c.other,
        side.c.newest,
        side.c.read,
        side.c.unread,
        side.c.is_muted,
    ).where(
        side.c.tenant == TENANT,
        side.c.user_id == _OWNER,
        side.c.folder == bindparam("folder"),
        side.c.newest >= SINCE,
    )
    if continued:
        after = tuple_(
            id_param("after_newest"),
            id_param("after_conversation"),
        )
        lines = lines.where(tuple_(*places) < after)
    return lines.order_by(*(place.desc() for place in places)).limit(bindparam("limit"))


def _listing(*, continued: bool) -> Select[Any]:
    page = _page(continued=continued).subquery("page")
    partner = page.c.other
    preview = as_seen_by(_OWNER, partner=partner, partner_shows=shows_receipts(partner))
    expired = expired_unread(_OWNER, page.c.conversation_id, unread=page.c.unread, read=page.c.read)
    found = installation.outerjoin(page, true()).outerjoin(message, _is_preview(page))
    return _lines_of(page, _labelled(preview), expired, found)


def _listing_apart(*, continued: bool, expiring: bool) -> Select[Any]:
    """The same, where lines, messages and the accounts of others are on different machines.

    Each is asked for what is on the page, and for nothing else.
    """
    page = part(_page(continued=continued), "page")
    others = part(
        select(mailbox.c.user_id, mailbox.c.receipts).join_from(
            page, mailbox, and_(mailbox.c.tenant == TENANT, mailbox.c.user_id == page.c.other)
        ),
        "others",
    )
    reader = part(
        select(mailbox.c.receipts).where(mailbox.c.tenant == TENANT, mailbox.c.user_id == _OWNER),
        "reader",
    )
    preview = as_seen_by(
        _OWNER,
        partner=page.c.other,
        partner_shows=others.c.receipts,
        reader_shows=select(reader.c.receipts).scalar_subquery(),
    )
    said = part(
        select(
            message.c.conversation_id,
            *_labelled(preview),
        )
        .select_from(page)
        .join(message, _is_preview(page))
        .outerjoin(others, others.c.user_id == page.c.other),
        "said",
    )
    found = installation.outerjoin(page, true()).outerjoin(
        said, said.c.conversation_id == page.c.conversation_id
    )
    expired: ColumnElement[Any] = literal(0)
    if expiring:
        old = expired_of(_OWNER, page)
        found = found.outerjoin(old, old.c.conversation_id == page.c.conversation_id)
        expired = func.coalesce(old.c.expired, 0)
    return _lines_of(page, list(said.c)[1:], expired, found)


def _labelled(preview: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """What a line shows of its newest message, whose id it has already."""
    return [column.label(f"preview_{column.key}") for column in preview[1:]]


def _lines_of(
    page: FromClause,
    preview: Sequence[ColumnElement[Any]],
    expired: ColumnElement[Any],
    found: FromClause,
) -> Select[Any]:
    """A row for each line of a page, and one where there is none, from all that was found."""
    return (
        select(STANDING, suspended_until(_OWNER), page, *preview, expired.label("expired"))
        .select_from(found)
        .order_by(page.c.newest.desc(), page.c.conversation_id.desc())
    )


def _is_preview(page: FromClause) -> ColumnElement[bool]:
    """Whether a message is the newest of a line, and its owner sees it.

    Without the conversation: a line of theirs says that they have it, do not block its other one
    and see its newest message (ADR 22). What the message itself says of that is looked at again.
    """
    return and_(
        message.c.conversation_id == page.c.conversation_id,
        message.c.id == page.c.newest,
        is_for(_OWNER),
    )


_NEWEST_PAGE = Statement(_listing(continued=False))
_NEXT_PAGE = Statement(_listing(continued=True))
_PAGES_APART = {
    (continued, expiring): Statement(_listing_apart(continued=continued, expiring=expiring))
    for continued in (False, True)
    for expiring in (False, True)
}
# Where a line begins in a row of a page, and where in it the preview.
_LINE_AT = 2
_NEWEST_AT = 2
_PREVIEW_AT = 6


def _expired(place: ColumnElement[Any]) -> ColumnElement[Any]:
    """How many of what the owner has not read at ``place`` are expired."""
    unread, read = of_side(_OWNER, "unread"), of_side(_OWNER, "read")
    return expired_unread(_OWNER, place, unread=unread, read=read).label("expired")


def _view() -> Select[Any]:
    talk = part(
        select(*conversation.c, _expired(CONVERSATION)).where(
            conversation.c.id == CONVERSATION, has_side(conversation, _OWNER)
        ),
        "talk",
    )
    return (
        select(STANDING, suspended_until(_OWNER), talk)
        .select_from(installation)
        .outerjoin(talk, true())
    )


_VIEW = Statement(_view())
# Where the conversation begins in a row of it.
_VIEW_AT = 2


def _had() -> Select[Any]:
    """The conversations of somebody, by id; each half in the order of an index."""

    def half(own: str) -> Select[Any]:
        columns = conversation.c
        page = (
            select(*columns, _expired(columns.id))
            .where(
                columns.tenant == TENANT,
                columns[own] == _OWNER,
                columns.id > id_param("after"),
                columns[f"{own}_exists"] == true(),
            )
            .order_by(columns.id)
            .limit(bindparam("limit"))
            .subquery()
        )
        return select(page)

    both = union_all(half("high"), half("low")).subquery("both")
    return select(both).order_by(both.c.id).limit(bindparam("limit"))


_HAD = _had()
_BEFORE_ALL = ConversationId(UUID(int=0))


class SqlConversations:
    """The ``Conversations`` port."""

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

    def add(self, conversation_: Conversation) -> None:
        self._batch.insert(conversation, conversation_row(conversation_))
        for user in _users(conversation_):
            self._list(None, side_row(conversation_, user))

    def save(self, conversation_: Conversation) -> None:
        before, row = self._identity.conversation_before(conversation_.id)
        self._batch.update(conversation, conversation_row(conversation_), row)
        old, new = _lines(before), _lines(conversation_)
        for user in old | new:
            self._list(old.get(user), new.get(user))

    def _list(self, before: Row | None, after: Row | None) -> None:
        """Bring one user's lists from one state to another."""
        if before is not None and after is not None:
            self._batch.update(side, after, before)
        elif after is not None:
            self._batch.insert(side, after)
        elif before is not None:
            keys = ("tenant", "user_id", "conversation_id")
            self._batch.delete(side, {key: before[key] for key in keys})

    def inbox(
        self,
        owner: User,
        *,
        folder: Folder,
        after: InboxPlace | None,
        limit: int,
        since: MessageId | None,
    ) -> Reading[Sequence[InboxEntry]]:
        facts: dict[str, Any] = {
            **standing_params(self._namespace, owner),
            "owner": owner.id,
            "folder": folder.value,
            "limit": limit,
            **since_param(since),
        }
        statement = _NEWEST_PAGE
        if after is not None:
            facts |= {"after_newest": after.newest, "after_conversation": after.conversation}
            statement = _NEXT_PAGE
        if self._is_spread:
            statement = _PAGES_APART[after is not None, since is not None]
        rows = statement.page(self._connection, facts)
        standing, suspended_until_us, *_ = first_of(rows)
        lines = [row[_LINE_AT:] for row in rows if row[_LINE_AT] is not None]
        said = [
            Message(line[_NEWEST_AT], line[0], *line[_PREVIEW_AT:-1])
            for line in lines
            if line[_PREVIEW_AT] is not None
        ]
        previews = iter(self._texts.seen(said, owner))
        entries = [
            InboxEntry(
                conversation=conversation_id,
                other=other,
                newest=newest,
                preview=None if sender is None else next(previews),
                read=read,
                unread=unread - expired,
                is_muted=is_muted,
            )
            for conversation_id, other, newest, read, unread, is_muted, sender, *_, expired in lines
        ]
        return Reading(mode_of(standing), entries, suspended_until_us)

    def view(
        self, conversation: ConversationId, *, reader: User, since: MessageId | None
    ) -> Reading[ConversationView | None]:
        facts = {"owner": reader.id, "conversation": conversation, **since_param(since)}
        facts |= standing_params(self._namespace, reader)
        row = first_of(_VIEW.all(self._connection, facts))
        mode = mode_of(row.mode)
        found = None if row.id is None else _view_of(row, _VIEW_AT, reader, since)
        return Reading(mode, found, row.suspended_until_us)

    def of(
        self, owner: User, *, after: ConversationId | None, limit: int, since: MessageId | None
    ) -> Sequence[ConversationView]:
        facts = {
            "tenant": owner.tenant,
            "owner": owner.id,
            "after": _BEFORE_ALL if after is None else after,
            "limit": limit,
            **since_param(since),
        }
        rows = self._connection.execute(_HAD, facts)
        return [_view_of(row, 0, owner, since) for row in rows]


def _view_of(row: Any, at: int, reader: User, since: MessageId | None) -> ConversationView:
    """From a row with the columns of a conversation, and what of it is expired."""
    found = conversation_of(row[at : at + CONVERSATION_WIDTH])
    return view_of(found, reader.id, since=since, unread_expired=row.expired)


def _lines(conversation_: Conversation) -> dict[User, Row | None]:
    """What each of the two is shown of a conversation."""
    return {user: side_row(conversation_, user) for user in _users(conversation_)}


def _users(conversation_: Conversation) -> tuple[User, User]:
    pair = conversation_.pair
    return User(pair.tenant, pair.low), User(pair.tenant, pair.high)


if TYPE_CHECKING:

    def _conforms(
        connection: Connection, batch: Batch, identity: Identity, namespace: bytes
    ) -> Conversations:
        return SqlConversations(connection, batch, identity, namespace, Texts())
