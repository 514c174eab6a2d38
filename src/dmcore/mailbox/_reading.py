"""Reading: pages and counts of what a user may see. Nothing here writes."""

from datetime import timedelta

import attrs

from dmcore._access import allowed, opened
from dmcore._rules import Rules
from dmcore.domain.contact import Block
from dmcore.domain.conversation import Folder
from dmcore.domain.feed import Changes, Snapshot
from dmcore.domain.gates import Introduction
from dmcore.domain.ids import ConversationId, MessageId, User, UserId, neighbour_of
from dmcore.domain.inbox import ConversationView, InboxEntry, InboxPlace
from dmcore.domain.message import Message
from dmcore.domain.paging import Cursor, CursorScope, Page, ThreadPlace
from dmcore.domain.pair import Pair
from dmcore.domain.preferences import Preferences
from dmcore.domain.sending import check_own_side, check_writing, limit_reached
from dmcore.errors import CursorExpired, DmcoreError
from dmcore.mailbox._writing import Unintroduced, is_unintroduced
from dmcore.ports.transactions import Transaction


@attrs.frozen(kw_only=True)
class ThreadPage:
    """A piece of a conversation, oldest message first (PAGE-2).

    ``older`` continues towards the beginning and is ``None`` there. ``newer`` continues after the
    last item, also when nothing newer exists yet: it is the cursor to poll with; ``None`` only
    while nothing at all can be seen. ``has_more`` says whether the direction just read goes on.
    """

    conversation: ConversationId
    other: UserId
    items: tuple[Message, ...]
    read: MessageId | None
    older: Cursor | None
    newer: Cursor | None
    has_more: bool


@attrs.frozen(kw_only=True)
class Permission:
    """Whether a message to somebody would be accepted now (GATE-2).

    ``reason`` is the code of the error that an attempt would raise, ``None`` where it is allowed;
    ``retry_after`` is set where only a limit stands in the way.
    """

    is_allowed: bool
    reason: str | None = None
    retry_after: timedelta | None = None


def inbox(
    tx: Transaction, *, owner: User, folder: Folder, after: InboxPlace | None, limit: int
) -> Page[InboxEntry]:
    """The owner's conversations in one folder, newest activity first."""
    found = opened(tx.conversations.inbox(owner, folder=folder, after=after, limit=limit + 1))
    scope = folder_scope(owner, folder)
    return Page.cut(
        found,
        limit,
        lambda entry: scope.inbox(InboxPlace(newest=entry.newest, conversation=entry.conversation)),
    )


def conversation(
    tx: Transaction, *, reader: User, conversation: ConversationId
) -> ConversationView:
    """How the reader has a conversation."""
    return allowed(opened(tx.conversations.view(conversation, reader=reader)))


def conversation_with(tx: Transaction, *, reader: User, other: UserId) -> ConversationView | None:
    """How the reader has the conversation with another user, if they have it."""
    pair = Pair.of(reader.tenant, reader.id, other)
    return opened(tx.conversations.view(pair.conversation_id(tx.namespace), reader=reader))


def thread(
    tx: Transaction,
    *,
    reader: User,
    conversation: ConversationId,
    root: MessageId | None,
    place: ThreadPlace,
    limit: int,
) -> ThreadPage:
    """A page of a conversation; reading never marks anything read (READ-1)."""
    reading = tx.messages.thread(
        conversation, reader=reader, place=place, limit=limit + 1, root=root
    )
    rows = allowed(opened(reading))
    has_more = len(rows.messages) > limit
    forward = place.after is not None
    items = tuple(rows.messages[:limit])
    if not forward:
        items = items[::-1]
    # Reading forward begins behind a message, so there is always something older than the page. A
    # page without items leads back to the message that it was asked from.
    has_older = forward or has_more
    first = items[0].id if items else neighbour_of(place.after, 1)
    last = items[-1].id if items else place.after or neighbour_of(place.before, -1)
    scope = thread_scope(reader, conversation, root)
    return ThreadPage(
        conversation=conversation,
        other=rows.other,
        items=items,
        read=rows.read,
        older=scope.message(first) if first is not None and has_older else None,
        newer=scope.message(last) if last is not None else None,
        has_more=has_more,
    )


def unread(tx: Transaction, *, owner: User) -> int:
    """How many messages wait for the owner, over all conversations in the inbox."""
    return opened(tx.mailboxes.unread(owner))


def blocked(tx: Transaction, *, blocker: User, before: int | None, limit: int) -> Page[Block]:
    """The blocker's own list, newest first (BLOCK-3)."""
    found = opened(tx.contacts.blocked_by(blocker, before=before, limit=limit + 1))
    scope = blocked_scope(blocker)
    return Page.cut(found, limit, lambda block: scope.position(block.position))


def can_see_profile(tx: Transaction, *, viewer: User, other: UserId) -> bool:
    """Whether the host should show the profile of ``other``: not if they block the viewer."""
    owner = attrs.evolve(viewer, id=other)
    return not opened(tx.contacts.blocks(blocker=owner, blocked=viewer.id))


def can_message(
    tx: Transaction,
    rules: Rules,
    *,
    sender: User,
    other: UserId,
    introduction: Introduction | None,
) -> Permission | Unintroduced:
    """What an attempt to write would be answered, without making one (GATE-2)."""
    pair = Pair.of(sender.tenant, sender.id, other)
    contact = tx.contacts.look(pair, actor=sender.id)
    try:
        if is_unintroduced(rules, contact, introduction):
            check_own_side(contact)
            return Unintroduced(sender, contact.partner.user)
        check_writing(contact, rules.policy, introduction)
    except DmcoreError as refusal:
        return Permission(is_allowed=False, reason=refusal.code)
    limit = limit_reached(contact, rules.policy, rules.now_us())
    if limit is not None:
        return Permission(is_allowed=False, reason=limit.code, retry_after=limit.retry_after)
    return Permission(is_allowed=True)


def preferences(tx: Transaction, *, owner: User) -> Preferences:
    """What the owner chose."""
    return opened(tx.mailboxes.preferences(owner))


def changes(tx: Transaction, *, owner: User, after: int, limit: int) -> Changes:
    """What happened to the owner after a position of their journal (FEED-1)."""
    rows = opened(tx.journal.feed(owner, after=after, limit=limit + 1))
    # A place beyond the end was given out by a store that was restored to an earlier state since.
    if not rows.pruned <= after <= rows.position:
        raise CursorExpired
    found = rows.entries[:limit]
    return Changes(
        items=tuple(entry.fact for entry in found),
        next=feed_scope(owner).position(found[-1].position if found else after),
        has_more=len(rows.entries) > limit,
    )


def snapshot(tx: Transaction, *, owner: User, limit: int) -> Snapshot:
    """The owner's state, all of one instant, with the place in the feed that continues it."""
    feed = opened(tx.journal.feed(owner, after=0, limit=0))
    return Snapshot(
        cursor=feed_scope(owner).position(feed.position),
        unread=unread(tx, owner=owner),
        preferences=preferences(tx, owner=owner),
        inbox=inbox(tx, owner=owner, folder=Folder.INBOX, after=None, limit=limit),
    )


def folder_scope(owner: User, folder: Folder) -> CursorScope:
    """Where cursors of one folder are good."""
    return CursorScope(folder, owner)


def thread_scope(reader: User, conversation: ConversationId, root: MessageId | None) -> CursorScope:
    """Where cursors of one conversation, or of one thread in it, are good."""
    return CursorScope("thread", reader, f"{conversation}/{root}" if root else str(conversation))


def feed_scope(owner: User) -> CursorScope:
    """Where cursors of the feed are good."""
    return CursorScope("feed", owner)


def blocked_scope(blocker: User) -> CursorScope:
    """Where cursors of the block list are good."""
    return CursorScope("blocked", blocker)
