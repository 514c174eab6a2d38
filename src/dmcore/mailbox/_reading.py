"""Reading: pages and counts of what a user may see. Nothing here writes."""

from datetime import timedelta

import attrs

from dmcore._access import allowed, opened, protected
from dmcore._rules import Rules
from dmcore.domain.contact import Block, Contact
from dmcore.domain.conversation import Folder
from dmcore.domain.feed import Changes, Snapshot
from dmcore.domain.gates import Introduction
from dmcore.domain.ids import ConversationId, MessageId, User, UserId, neighbour_of
from dmcore.domain.inbox import Audience, ConversationView, InboxEntry, InboxPlace
from dmcore.domain.message import Message
from dmcore.domain.paging import Cursor, CursorScope, Page, ThreadPlace
from dmcore.domain.pair import Pair
from dmcore.domain.preferences import Preferences
from dmcore.domain.pseudonyms import is_pseudonym
from dmcore.domain.sealing import must_seal
from dmcore.domain.sending import check_own_side, check_writing, limit_reached
from dmcore.errors import CursorExpired, DmcoreError, Muted, Suspended
from dmcore.mailbox._advice import Unintroduced
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
    ``retry_after`` is set where only time stands in the way: a limit, or a restriction that ends.
    ``is_sealed`` says that it has to be sealed. Then nothing here reads it: its length, its emoji
    and what screeners say are for whoever seals it, and there is no preview (CRYPT-2).
    """

    is_allowed: bool
    reason: str | None = None
    retry_after: timedelta | None = None
    is_sealed: bool = False


def inbox(
    tx: Transaction,
    rules: Rules,
    *,
    owner: User,
    folder: Folder,
    after: InboxPlace | None,
    limit: int,
) -> Page[InboxEntry]:
    """The owner's conversations in one folder, newest activity first."""
    now_us = rules.now_us()
    reading = tx.conversations.inbox(
        owner, folder=folder, after=after, limit=limit + 1, since=rules.kept_since(now_us)
    )
    found = opened(reading, now_us)
    scope = folder_scope(owner, folder)
    return Page.cut(
        found,
        limit,
        lambda entry: scope.inbox(InboxPlace(newest=entry.newest, conversation=entry.conversation)),
    )


def conversation(
    tx: Transaction, rules: Rules, *, reader: User, conversation: ConversationId
) -> ConversationView:
    """How the reader has a conversation."""
    now_us = rules.now_us()
    reading = tx.conversations.view(conversation, reader=reader, since=rules.kept_since(now_us))
    return allowed(opened(reading, now_us))


def conversation_with(
    tx: Transaction, rules: Rules, *, reader: User, other: UserId
) -> ConversationView | None:
    """How the reader has the conversation with another user, if they have it."""
    pair = Pair.of(reader.tenant, reader.id, other)
    place = pair.conversation_id(tx.namespace)
    if is_pseudonym(other):
        place = tx.erasures.conversation_of(pair) or place
    now_us = rules.now_us()
    reading = tx.conversations.view(place, reader=reader, since=rules.kept_since(now_us))
    found = opened(reading, now_us)
    # Under the old id of somebody who was erased there is nobody to have it with.
    return found if found is not None and found.other == other else None


def audience(
    tx: Transaction, rules: Rules, *, viewer: User, conversation: ConversationId
) -> Audience:
    """Whether the viewer and the other may know of each other's typing and presence (PREF-1)."""
    now_us = rules.now_us()
    contact = _seen(tx, rules, viewer, conversation, now_us)
    mine, theirs = contact.actor.preferences, contact.partner.preferences
    standing = contact.partner.standing
    # Of somebody whom nobody may notice there is nothing to show, and who is shut out is not there.
    is_shown = not standing.is_hidden(now_us) and not standing.is_suspended(now_us)
    return Audience(
        other=contact.partner.user.id,
        typing=contact.is_mutual and is_shown and mine.typing and theirs.typing,
        presence=contact.is_mutual and is_shown and mine.presence and theirs.presence,
    )


def hearer(
    tx: Transaction, rules: Rules, *, writer: User, conversation: ConversationId
) -> User | None:
    """Who may be told that somebody is writing, if anybody is: nothing for the writer to know."""
    now_us = rules.now_us()
    contact = _seen(tx, rules, writer, conversation, now_us)
    own, partner = contact.actor, contact.partner
    is_heard = not own.standing.is_hidden(now_us) and not own.standing.is_muted(now_us)
    is_typing_on = own.preferences.typing and partner.preferences.typing
    return partner.user if contact.is_mutual_to_partner and is_heard and is_typing_on else None


def _seen(
    tx: Transaction, rules: Rules, viewer: User, conversation: ConversationId, now_us: int
) -> Contact:
    """The two of a conversation that the viewer has."""
    view = tx.conversations.view(conversation, reader=viewer, since=rules.kept_since(now_us))
    seen = allowed(opened(view, now_us))
    return tx.contacts.look(Pair.of(viewer.tenant, viewer.id, seen.other), actor=viewer.id)


def thread(
    tx: Transaction,
    rules: Rules,
    *,
    reader: User,
    conversation: ConversationId,
    root: MessageId | None,
    place: ThreadPlace,
    limit: int,
) -> ThreadPage:
    """A page of a conversation; reading never marks anything read (READ-1)."""
    now_us = rules.now_us()
    reading = tx.messages.thread(
        conversation,
        reader=reader,
        place=place,
        limit=limit + 1,
        since=rules.kept_since(now_us),
        root=root,
    )
    rows = allowed(opened(reading, now_us))
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


def unread(tx: Transaction, rules: Rules, *, owner: User) -> int:
    """How many messages wait for the owner, over all conversations in the inbox."""
    now_us = rules.now_us()
    return opened(tx.mailboxes.unread(owner, since=rules.kept_since(now_us)), now_us)


def blocked(tx: Transaction, *, blocker: User, before: int | None, limit: int) -> Page[Block]:
    """The blocker's own list, newest first (BLOCK-3)."""
    found = protected(tx.contacts.blocked_by(blocker, before=before, limit=limit + 1))
    scope = blocked_scope(blocker)
    return Page.cut(found, limit, lambda block: scope.position(block.position))


def visible_profiles(
    tx: Transaction, *, viewer: User, others: frozenset[UserId]
) -> frozenset[UserId]:
    """Whose profiles the host should show: of those who do not block the viewer.

    A block holds for the host's own pages whatever the switch says, so this is told in every mode.
    """
    return others - tx.contacts.blockers(viewer, among=others).found


def can_see_profile(tx: Transaction, *, viewer: User, other: UserId) -> bool:
    """Whether the host should show the profile of ``other``: not if they block the viewer."""
    return other in visible_profiles(tx, viewer=viewer, others=frozenset({other}))


def can_message(
    tx: Transaction,
    rules: Rules,
    *,
    sender: User,
    other: UserId,
    introduction: Introduction | None,
) -> Permission:
    """What an attempt to write would be answered, without making one (GATE-2).

    Raises ``Unintroduced``.
    """
    pair = Pair.of(sender.tenant, sender.id, other)
    contact = tx.contacts.look(pair, actor=sender.id)
    now_us = rules.now_us()
    try:
        if rules.has_directory and contact.is_start and introduction is None:
            check_own_side(contact, now_us)
            raise Unintroduced(sender, contact.partner.user)
        check_writing(contact, rules.policy, introduction, now_us)
    except (Muted, Suspended) as refusal:
        return Permission(is_allowed=False, reason=refusal.code, retry_after=refusal.retry_after)
    except DmcoreError as refusal:
        return Permission(is_allowed=False, reason=refusal.code)
    limit = limit_reached(contact, rules.policy, now_us)
    if limit is not None:
        return Permission(is_allowed=False, reason=limit.code, retry_after=limit.retry_after)
    return Permission(is_allowed=True, is_sealed=must_seal(contact, rules.policy))


def preferences(tx: Transaction, *, owner: User) -> Preferences:
    """What the owner chose."""
    return protected(tx.mailboxes.look(owner)).preferences


def changes(tx: Transaction, rules: Rules, *, owner: User, after: int, limit: int) -> Changes:
    """What happened to the owner after a position of their journal (FEED-1).

    Where nothing follows, the next place is the end of the journal: what a block keeps out of the
    feed, or names an expired message, is passed over once.
    """
    now_us = rules.now_us()
    since = rules.kept_since(now_us)
    feed = tx.journal.feed(owner, after=after, limit=limit + 1, since=since)
    rows = opened(feed, now_us)
    # A place beyond the end was given out by a store that was restored to an earlier state since.
    if not rows.pruned <= after <= rows.position:
        raise CursorExpired
    found = rows.entries[:limit]
    has_more = len(rows.entries) > limit
    return Changes(
        items=tuple(entry.fact for entry in found),
        next=feed_scope(owner).position(found[-1].position if has_more else rows.position),
        has_more=has_more,
    )


def snapshot(tx: Transaction, rules: Rules, *, owner: User, limit: int) -> Snapshot:
    """The owner's state, all of one instant, with the place in the feed that continues it."""
    # Of the feed itself nothing is read here, only where it ends.
    end = tx.journal.feed(owner, after=0, limit=0, since=None)
    feed = opened(end, rules.now_us())
    return Snapshot(
        cursor=feed_scope(owner).position(feed.position),
        unread=unread(tx, rules, owner=owner),
        preferences=preferences(tx, owner=owner),
        inbox=inbox(tx, rules, owner=owner, folder=Folder.INBOX, after=None, limit=limit),
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
