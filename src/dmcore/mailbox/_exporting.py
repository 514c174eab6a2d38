"""The export: everything that a user may see, page by page (GDPR-1).

Owns the order of things. Who sees what is decided where it always is: by ``thread`` and by
``view_of``. The operator's switch does not matter here (OPS-1).
"""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from dmcore._access import allowed
from dmcore._rules import Rules
from dmcore.domain.account import OwnAccount
from dmcore.domain.contact import Block
from dmcore.domain.devices import Device
from dmcore.domain.ids import ConversationId, DeviceId, MessageId, User
from dmcore.domain.inbox import ConversationView
from dmcore.domain.message import Message
from dmcore.domain.paging import (
    BlockPlace,
    CursorScope,
    DevicePlace,
    ExportPlace,
    MessagePlace,
    Page,
    ThreadPlace,
)
from dmcore.domain.reports import OwnReport, ReportPlace
from dmcore.errors import InvalidCursor
from dmcore.ports.messages import ThreadRows
from dmcore.ports.transactions import Transaction

Exported = OwnAccount | Device | Block | OwnReport | ConversationView | Message
"""One thing in an export."""

_ABOVE_ALL_POSITIONS: Final = (1 << 63) - 1
_BEFORE_ALL_DEVICES: Final = DeviceId(UUID(int=0))
_BEFORE_ALL_MESSAGES: Final = MessageId(UUID(int=0))


def export(
    tx: Transaction, rules: Rules, *, owner: User, after: ExportPlace | None, limit: int
) -> Page[Exported]:
    """The next part of everything: account, devices, blocks, own reports, each conversation.

    Conversations are in order of their ids, which no erasure changes, each with its messages. Five
    statements at most, and one for each conversation of which there is something on the page.
    """
    room = limit + 1
    now_us = rules.now_us()
    since = rules.kept_since(now_us)
    found: list[Exported] = []
    passed = None
    if after is None:
        found.append(tx.mailboxes.look(owner).found.as_told(now_us))
        after = DevicePlace(_BEFORE_ALL_DEVICES)
    if isinstance(after, DevicePlace):
        found += [it for it in tx.devices.of(owner)[owner] if it.id > after.after]
        after = BlockPlace(_ABOVE_ALL_POSITIONS)
    if isinstance(after, MessagePlace):
        rows = _messages(tx, owner, after, room, since)
        if rows is None:
            raise InvalidCursor
        found += rows.messages
        passed = after.conversation
    else:
        found += _before_conversations(tx, owner, after, max(room - len(found), 0))
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


def _before_conversations(
    tx: Transaction, owner: User, after: BlockPlace | ReportPlace, room: int
) -> Iterator[Exported]:
    """Whom they block, newest first, and then what they reported, oldest first."""
    place = None
    if isinstance(after, BlockPlace):
        blocks = tx.contacts.blocked_by(owner, before=after.before, limit=room).found
        yield from blocks
        room -= len(blocks)
    else:
        place = after
    if room:
        yield from tx.reports.made_by(owner, after=place, limit=room)


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
    if isinstance(last, OwnReport):
        return ReportPlace(made_at_us=last.made_at_us, id=last.id)
    if isinstance(last, Block):
        return BlockPlace(last.position)
    return DevicePlace(last.id if isinstance(last, Device) else _BEFORE_ALL_DEVICES)


def _beginning(conversation: ConversationId) -> MessagePlace:
    return MessagePlace(conversation, _BEFORE_ALL_MESSAGES)


def export_scope(owner: User) -> CursorScope:
    """Where cursors of the export are good."""
    return CursorScope("export", owner)
