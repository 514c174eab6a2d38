"""The export: everything that a user may see, page by page (GDPR-1).

Owns the order of things. Who sees what is decided where it always is: by ``thread`` and by
``view_of``. The operator's switch does not matter here (OPS-1).
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from dmcore._access import allowed
from dmcore._rules import Rules
from dmcore.domain.contact import Block
from dmcore.domain.ids import ConversationId, MessageId, User
from dmcore.domain.inbox import ConversationView
from dmcore.domain.message import Message
from dmcore.domain.paging import (
    BlockPlace,
    CursorScope,
    ExportPlace,
    MessagePlace,
    Page,
    ThreadPlace,
)
from dmcore.domain.preferences import Preferences
from dmcore.errors import InvalidCursor
from dmcore.ports.messages import ThreadRows
from dmcore.ports.transactions import Transaction

Exported = Preferences | Block | ConversationView | Message
"""One thing in an export."""

_ABOVE_ALL_POSITIONS: Final = (1 << 63) - 1
_BEFORE_ALL_MESSAGES: Final = MessageId(UUID(int=0))


def export(
    tx: Transaction, rules: Rules, *, owner: User, after: ExportPlace | None, limit: int
) -> Page[Exported]:
    """The next part of everything: preferences, blocks, each conversation with its messages.

    Conversations are in order of their ids, which no erasure changes. Three statements at most, and
    one for each conversation of which there is something on the page.
    """
    room = limit + 1
    since = rules.kept_since(rules.now_us())
    found: list[Exported] = []
    passed = None
    if after is None:
        found.append(tx.mailboxes.preferences(owner).found)
        after = BlockPlace(_ABOVE_ALL_POSITIONS)
    if isinstance(after, BlockPlace):
        blocks = tx.contacts.blocked_by(owner, before=after.before, limit=room - len(found))
        found += blocks.found
    else:
        rows = _messages(tx, owner, after, room, since)
        if rows is None:
            raise InvalidCursor
        found += rows.messages
        passed = after.conversation
    views: Sequence[ConversationView] = ()
    if len(found) < room:
        room_left = room - len(found)
        views = tx.conversations.of(owner, after=passed, limit=room_left, since=since)
    for view in views:
        if len(found) < room:
            found.append(view)
        if len(found) < room:
            place = _beginning(view.conversation)
            room_left = room - len(found)
            found += allowed(_messages(tx, owner, place, room_left, since)).messages
    scope = export_scope(owner)
    return Page.cut(found, limit, lambda last: scope.export(_place_of(last)))


def _messages(
    tx: Transaction, owner: User, place: MessagePlace, limit: int, since: MessageId | None
) -> ThreadRows | None:
    return tx.messages.thread(
        place.conversation,
        reader=owner,
        place=ThreadPlace(after=place.after),
        limit=limit,
        since=since,
    ).found


def _place_of(last: Exported) -> ExportPlace:
    """The place behind a thing."""
    if isinstance(last, Message):
        return MessagePlace(last.conversation, last.id)
    if isinstance(last, ConversationView):
        return _beginning(last.conversation)
    return BlockPlace(last.position if isinstance(last, Block) else _ABOVE_ALL_POSITIONS)


def _beginning(conversation: ConversationId) -> MessagePlace:
    return MessagePlace(conversation, _BEFORE_ALL_MESSAGES)


def export_scope(owner: User) -> CursorScope:
    """Where cursors of the export are good."""
    return CursorScope("export", owner)
