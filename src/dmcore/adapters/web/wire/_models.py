"""What the interface answers: models made from what messaging returned.

Owns the names of fields and how ids and instants are written. Decides nothing.
"""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from dmcore import mailbox
from dmcore.adapters.web.wire._bytes import Bytes32
from dmcore.adapters.web.wire._contents import Preferences
from dmcore.domain import contact, events, feed, inbox, message, paging
from dmcore.domain.conversation import Folder, Request
from dmcore.domain.events import Action
from dmcore.domain.mode import Mode


def _written(when: datetime) -> str:
    """An instant with all its microseconds, also where they are zero."""
    return f"{when.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


Instant = Annotated[
    datetime,
    PlainSerializer(_written, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Answer(BaseModel):
    """What every answer is; its fields come from values that are valid already."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    def __repr__(self) -> str:
        # An answer may hold the text of a message (LEAK-1).
        return f"<{type(self).__name__}>"

    __str__ = __repr__


class Message(Answer):
    """A message as the one who asks sees it."""

    id: UUID
    thread: UUID
    """The conversation that it is in."""
    sender: str
    is_mine: bool
    body: str | None
    """Its text; null after its sender deleted it, and where its sender sealed it."""
    envelope: str | None
    """What its sender sealed, for devices of the two to open; null where nothing is sealed."""
    is_deleted: bool
    sent_at: Instant
    edited_at: Instant | None
    reply_to: UUID | None
    """The message of the same conversation that it answers."""
    thread_root: UUID | None
    """The first message of the chain of replies that it is in."""
    seen_at: Instant | None
    """When the other saw it: of own messages only, and only while both show receipts."""
    tag: Bytes32 | None
    """What proves it in a report, given to its recipient alone."""
    sent_at_us: int
    """The instants once more, in microseconds since 1970: what the tag is for."""
    edited_at_us: int | None

    @classmethod
    def of(cls, found: message.Message, viewer: str) -> Self:
        """The message for ``viewer``."""
        return cls(
            id=found.id,
            thread=found.conversation,
            sender=found.sender,
            is_mine=found.sender == viewer,
            body=None if found.body is None or found.is_sealed else found.body.text,
            envelope=None if found.body is None or not found.is_sealed else found.body.text,
            is_deleted=found.is_deleted,
            sent_at=found.sent_at,
            edited_at=found.edited_at,
            reply_to=found.reply_to,
            thread_root=found.thread_id,
            seen_at=found.seen_at,
            tag=found.franking,
            sent_at_us=found.sent_at_us,
            edited_at_us=found.edited_at_us,
        )


class Entry(Answer):
    """One line of a list of conversations."""

    id: UUID
    """The conversation."""
    other: str
    newest: UUID
    preview: Message | None
    """The newest message; null only when it vanished while the list was read."""
    read: UUID | None
    """Up to which message it is marked read."""
    unread: int
    is_muted: bool

    @classmethod
    def of(cls, found: inbox.InboxEntry, viewer: str) -> Self:
        """The line for ``viewer``."""
        return cls(
            id=found.conversation,
            other=found.other,
            newest=found.newest,
            preview=None if found.preview is None else Message.of(found.preview, viewer),
            read=found.read,
            unread=found.unread,
            is_muted=found.is_muted,
        )


class Entries(Answer):
    """A page of conversations, newest activity first."""

    items: list[Entry]
    next: str | None
    """The cursor of the following page; null at the end."""

    @classmethod
    def of(cls, found: paging.Page[inbox.InboxEntry], viewer: str) -> Self:
        """The page for ``viewer``."""
        return cls(items=[Entry.of(entry, viewer) for entry in found.items], next=found.next)


class Conversation(Answer):
    """How the one who asks has a conversation."""

    id: UUID
    other: str
    folder: Folder | None
    """Where it is listed; null where it is not."""
    request: Request | None
    """Set while the one who asks has not accepted it."""
    newest: UUID | None
    read: UUID | None
    """Up to which message it is marked read."""
    unread: int
    is_muted: bool
    is_archived: bool
    you_block: bool
    is_sealed: bool
    """Whether what is written here has to be sealed before it is sent."""

    @classmethod
    def of(cls, found: inbox.ConversationView) -> Self:
        """The view of the one who asked for it."""
        return cls(
            id=found.conversation,
            other=found.other,
            folder=found.folder,
            request=found.request,
            newest=found.newest,
            read=found.read,
            unread=found.unread,
            is_muted=found.is_muted,
            is_archived=found.is_archived,
            you_block=found.you_block,
            is_sealed=found.is_sealed,
        )


class ConversationWith(Answer):
    """The conversation with somebody; null where there is none."""

    thread: Conversation | None


class Messages(Answer):
    """A page of messages, oldest first."""

    messages: list[Message]
    older: str | None
    """The cursor for ``before``; null at the beginning."""
    newer: str | None
    """The cursor for ``after``, also when nothing newer exists yet; null while there is nothing."""
    has_more: bool
    """Whether the direction just read goes on."""

    @classmethod
    def of(cls, found: mailbox.ThreadPage, viewer: str) -> Self:
        """The page for ``viewer``."""
        return cls(
            messages=[Message.of(each, viewer) for each in found.items],
            older=found.older,
            newer=found.newer,
            has_more=found.has_more,
        )


class Thread(Answer):
    """A conversation: how the one who asks has it, and a page of its messages, oldest first."""

    thread: Conversation
    messages: list[Message]
    older: str | None
    """The cursor for ``before``; null at the beginning."""
    newer: str | None
    """The cursor for ``after``, also when nothing newer exists yet; null while there is nothing."""
    has_more: bool
    """Whether the direction just read goes on."""

    @classmethod
    def of(cls, view: inbox.ConversationView, found: mailbox.ThreadPage, viewer: str) -> Self:
        """The page for ``viewer``."""
        return cls(
            thread=Conversation.of(view),
            messages=[Message.of(each, viewer) for each in found.items],
            older=found.older,
            newer=found.newer,
            has_more=found.has_more,
        )


class UnreadCount(Answer):
    """How many messages wait in the inbox."""

    unread: int


class Permission(Answer):
    """Whether a message to somebody would be accepted now."""

    is_allowed: bool
    reason: str | None
    """The code of the error that an attempt would be answered with; null where it is allowed."""
    retry_after_s: float | None
    """Seconds to wait, where only a limit stands in the way."""
    is_sealed: bool
    """Whether it has to be sealed. Nothing here reads a sealed message: no length, no screening."""

    @classmethod
    def of(cls, found: mailbox.Permission) -> Self:
        """The same."""
        wait = found.retry_after
        return cls(
            is_allowed=found.is_allowed,
            reason=found.reason,
            retry_after_s=None if wait is None else wait.total_seconds(),
            is_sealed=found.is_sealed,
        )


class Block(Answer):
    """Somebody whom the one who asks blocks."""

    user: str
    since: Instant


class Blocks(Answer):
    """A page of blocked users, newest block first."""

    items: list[Block]
    next: str | None
    """The cursor of the following page; null at the end."""

    @classmethod
    def of(cls, found: paging.Page[contact.Block]) -> Self:
        """The page of the one who asked for it."""
        items = [Block(user=block.blocked, since=block.since) for block in found.items]
        return cls(items=items, next=found.next)


class Fact(Answer):
    """One thing that happened: references, never content. What does not apply is null."""

    action: Action
    actor: str
    at: Instant
    other: str | None
    conversation: UUID | None
    message: UUID | None
    mode: Mode | None
    report: UUID | None

    @classmethod
    def of(cls, found: events.Fact) -> Self:
        """The same."""
        return cls(
            action=found.action,
            actor=found.actor,
            at=found.at,
            other=found.other,
            conversation=found.conversation,
            message=found.message,
            mode=found.mode,
            report=found.report,
        )


class Changes(Answer):
    """What happened since a cursor, oldest first, each once."""

    items: list[Fact]
    next: str
    """The cursor to ask with next time, also when nothing happened."""
    has_more: bool
    """Whether asking at once brings more."""

    @classmethod
    def of(cls, found: feed.Changes) -> Self:
        """The same."""
        items = [Fact.of(fact) for fact in found.items]
        return cls(items=items, next=found.next, has_more=found.has_more)


class Snapshot(Answer):
    """The state of one instant, and the place in the feed that continues from just there."""

    cursor: str
    """The cursor for ``/changes`` and ``/stream``."""
    unread: int
    preferences: Preferences
    inbox: Entries

    @classmethod
    def of(cls, found: feed.Snapshot, viewer: str) -> Self:
        """The state of ``viewer``."""
        return cls(
            cursor=found.cursor,
            unread=found.unread,
            preferences=Preferences.of(found.preferences),
            inbox=Entries.of(found.inbox, viewer),
        )


class Presence(Answer):
    """Whether the other is there and writes."""

    is_present: bool
    is_typing: bool
