"""Conversations in SQL: the aggregate's row, and each user's listing of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    select,
    true,
    tuple_,
)

from dmcore.adapters.sql._batch import Batch, Row
from dmcore.adapters.sql._conditions import (
    CONVERSATION,
    TENANT,
    as_seen_by,
    has_side,
    id_param,
    is_visible,
    message_of,
    other_than,
    shows_receipts,
    text_param,
)
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._places import PLACES, place_params
from dmcore.adapters.sql._rows import conversation_of, conversation_row, rows_of, side_row
from dmcore.adapters.sql._schema import conversation, installation, message, side
from dmcore.domain.conversation import Conversation, Folder
from dmcore.domain.ids import ConversationId, MessageId, User
from dmcore.domain.inbox import ConversationView, InboxEntry, InboxPlace, view_of
from dmcore.domain.message import Message
from dmcore.domain.mode import Mode
from dmcore.ports.conversations import Conversations
from dmcore.ports.reading import Reading

_OWNER = text_param("owner")


def _listing(*, continued: bool) -> Select[Any]:
    places = (side.c.newest, side.c.conversation_id)
    lines = select(
        side.c.conversation_id,
        side.c.other,
        side.c.newest,
        side.c.read,
        side.c.unread,
        side.c.is_muted,
    ).where(side.c.tenant == TENANT, side.c.user_id == _OWNER, side.c.folder == bindparam("folder"))
    if continued:
        after = tuple_(
            id_param("after_newest"),
            id_param("after_conversation"),
        )
        lines = lines.where(tuple_(*places) < after)
    page = (
        lines.order_by(*(place.desc() for place in places))
        .limit(bindparam("limit"))
        .subquery("page")
    )
    return (
        select(installation.c.mode, page)
        .select_from(installation)
        .outerjoin(page, true())
        .order_by(page.c.newest.desc(), page.c.conversation_id.desc())
    )


_NEWEST_PAGE = _listing(continued=False)
_NEXT_PAGE = _listing(continued=True)


def _previews(places: Select[Any]) -> Select[Any]:
    """The messages at ``places``.

    It verifies the reader by itself, as every statement does that returns a text (CONV-1).
    """
    wanted = places.subquery("wanted")
    return (
        select(*as_seen_by(_OWNER, partner_shows=shows_receipts(other_than(_OWNER))))
        .select_from(wanted)
        .join(
            message,
            and_(
                message.c.conversation_id == wanted.c.conversation_id,
                message.c.id == wanted.c.message_id,
            ),
        )
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(has_side(conversation, _OWNER), is_visible(_OWNER))
    )


_VIEW = (
    select(installation.c.mode, *conversation.c)
    .select_from(installation)
    .outerjoin(
        conversation, and_(conversation.c.id == CONVERSATION, has_side(conversation, _OWNER))
    )
)
_PREVIEWS = {dialect: _previews(places) for dialect, places in PLACES.items()}


class SqlConversations:
    """The ``Conversations`` port."""

    def __init__(self, connection: Connection, batch: Batch, identity: Identity) -> None:
        self._connection = connection
        self._batch = batch
        self._identity = identity

    def add(self, conversation_: Conversation) -> None:
        self._batch.insert(conversation, conversation_row(conversation_))
        for user in _users(conversation_):
            self._list(None, side_row(conversation_, user))

    def save(self, conversation_: Conversation) -> None:
        before = self._identity.conversation_before(conversation_.id)
        self._batch.update(conversation, conversation_row(conversation_), conversation_row(before))
        for user in _users(conversation_):
            self._list(side_row(before, user), side_row(conversation_, user))

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
        self, owner: User, *, folder: Folder, after: InboxPlace | None, limit: int
    ) -> Reading[Sequence[InboxEntry]]:
        facts: dict[str, Any] = {
            "tenant": owner.tenant,
            "owner": owner.id,
            "folder": folder.value,
            "limit": limit,
        }
        statement = _NEWEST_PAGE
        if after is not None:
            facts |= {"after_newest": after.newest, "after_conversation": after.conversation}
            statement = _NEXT_PAGE
        rows = rows_of(self._connection, statement, facts)
        lines = [row for row in rows if row.conversation_id is not None]
        previews = self._previews(owner, [(row.conversation_id, row.newest) for row in lines])
        entries = [
            InboxEntry(
                conversation=conversation_id,
                other=other,
                newest=newest,
                preview=previews.get(conversation_id),
                read=read,
                unread=unread,
                is_muted=bool(is_muted),
            )
            for _mode, conversation_id, other, newest, read, unread, is_muted in lines
        ]
        return Reading(Mode(rows[0].mode), entries)

    def _previews(
        self, owner: User, places: Sequence[tuple[ConversationId, MessageId]]
    ) -> dict[ConversationId, Message]:
        if not places:
            return {}
        dialect = self._connection.dialect.name
        facts = place_params(dialect, places) | {"tenant": owner.tenant, "owner": owner.id}
        rows = self._connection.execute(_PREVIEWS[dialect], facts).all()
        return {message.conversation: message for message in map(message_of, rows)}

    def view(
        self, conversation: ConversationId, *, reader: User
    ) -> Reading[ConversationView | None]:
        facts = {"tenant": reader.tenant, "owner": reader.id, "conversation": conversation}
        row = self._connection.execute(_VIEW, facts).one()
        found = None if row.id is None else view_of(conversation_of(row), reader.id)
        return Reading(Mode(row.mode), found)


def _users(conversation_: Conversation) -> tuple[User, User]:
    pair = conversation_.pair
    return User(pair.tenant, pair.low), User(pair.tenant, pair.high)


if TYPE_CHECKING:

    def _conforms(connection: Connection, batch: Batch, identity: Identity) -> Conversations:
        return SqlConversations(connection, batch, identity)
