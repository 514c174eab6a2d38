"""The participant: what a user may do with their own messages.

Use cases are functions of a transaction, in three movements: load facts, ask the domain, store.
``Mailbox`` is what a host holds; it parses what comes from outside and runs them.
"""

from uuid import UUID

import attrs

from dmcore._access import allowed, held_conversation, opened
from dmcore.domain.body import Body, parse_body
from dmcore.domain.contact import Block, Contact
from dmcore.domain.events import Action, Fact
from dmcore.domain.ids import (
    ConversationId,
    Key,
    MessageId,
    User,
    UserId,
    neighbour_of,
    parse_conversation_id,
    parse_key,
    parse_message_id,
    parse_user_id,
)
from dmcore.domain.inbox import InboxEntry, InboxPlace
from dmcore.domain.message import Message
from dmcore.domain.paging import (
    Cursor,
    CursorScope,
    Page,
    ThreadPlace,
    check_page_size,
)
from dmcore.domain.pair import Pair
from dmcore.domain.policy import Policy
from dmcore.domain.sending import Refused, Sent, decide
from dmcore.errors import InvalidCursor
from dmcore.ports.clock import Clock, reading_of
from dmcore.ports.ids import Entropy
from dmcore.ports.transactions import Transaction, Transactions


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


# Use cases --------------------------------------------------------------------------------------


def send(
    tx: Transaction,
    clock: Clock,
    entropy: Entropy,
    policy: Policy,
    *,
    sender: User,
    conversation: ConversationId,
    body: Body,
    key: Key | None,
) -> Message | Refused:
    """Write into a conversation that the sender has."""
    contact = held_conversation(tx, sender, conversation, key)
    decided = decide(
        contact, policy, body=body, key=key, now_us=reading_of(clock), entropy=entropy.draw()
    )
    return _stored(tx, contact, decided)


def start(
    tx: Transaction,
    clock: Clock,
    entropy: Entropy,
    policy: Policy,
    *,
    sender: User,
    other: UserId,
    body: Body,
    key: Key | None,
) -> Message | Refused:
    """Write to a user, beginning the conversation if the pair has none (PAIR-2)."""
    pair = Pair.of(sender.tenant, sender.id, other)
    contact = tx.contacts.hold(pair, actor=sender.id, key=key)
    decided = decide(
        contact, policy, body=body, key=key, now_us=reading_of(clock), entropy=entropy.draw()
    )
    return _stored(tx, contact, decided)


def _stored(
    tx: Transaction, contact: Contact, decided: Sent | Message | Refused
) -> Message | Refused:
    if isinstance(decided, Message):
        return decided
    if isinstance(decided, Refused):
        tx.mailboxes.save(decided.account)
        return decided
    if contact.conversation is None:
        tx.conversations.add(decided.conversation)
    else:
        tx.conversations.save(decided.conversation)
    tx.messages.add(decided.posting)
    for account in decided.accounts:
        tx.mailboxes.save(account)
    tx.journal.record(decided.entries)
    return decided.posting.message


def inbox(
    tx: Transaction, *, owner: User, after: InboxPlace | None, limit: int
) -> Page[InboxEntry]:
    """The owner's conversations, newest activity first."""
    found = opened(tx.conversations.inbox(owner, after=after, limit=limit + 1))
    scope = _inbox_scope(owner)
    return Page.cut(
        found,
        limit,
        lambda entry: scope.inbox(InboxPlace(newest=entry.newest, conversation=entry.conversation)),
    )


def thread(
    tx: Transaction, *, reader: User, conversation: ConversationId, place: ThreadPlace, limit: int
) -> ThreadPage:
    """A page of a conversation; reading never marks anything read (READ-1)."""
    reading = tx.messages.thread(conversation, reader=reader, place=place, limit=limit + 1)
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
    scope = _thread_scope(reader, conversation)
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


def mark_read(
    tx: Transaction,
    clock: Clock,
    *,
    reader: User,
    conversation: ConversationId,
    through: MessageId,
) -> None:
    """Move the reader's marker to a message they can see; never back (READ-1)."""
    contact = held_conversation(tx, reader, conversation)
    contact.mode.check_read()
    before = contact.side
    if through == before.newest and not before.blocks:
        unread_after = 0
    else:
        marking = tx.messages.marking(conversation, reader=reader, through=through)
        unread_after = allowed(marking).unread_after
    if before.read is not None and through <= before.read:
        return
    after = attrs.evolve(before, read=through, unread=unread_after)
    _act(tx, contact.with_side(after), Action.MARKED_READ, reading_of(clock), message=through)


def block(tx: Transaction, clock: Clock, *, blocker: User, other: UserId) -> None:
    """Block a user; blocking twice is blocking once (BLOCK-1)."""
    contact = tx.contacts.hold(Pair.of(blocker.tenant, blocker.id, other), actor=blocker.id)
    contact.mode.check_read()
    if contact.actor_blocks:
        return
    now_us = reading_of(clock)
    after = attrs.evolve(contact.side, blocks=True)
    position = _act(tx, contact.with_side(after), Action.USER_BLOCKED, now_us)
    tx.contacts.add_block(contact.pair, Block(blocked=other, since_us=now_us, position=position))


def unblock(tx: Transaction, clock: Clock, *, blocker: User, other: UserId) -> None:
    """Lift a block; what was sent before it can be seen again, nothing sent during it ever."""
    contact = tx.contacts.hold(Pair.of(blocker.tenant, blocker.id, other), actor=blocker.id)
    contact.mode.check_read()
    if not contact.actor_blocks:
        return
    after = attrs.evolve(contact.side, blocks=False)
    _act(tx, contact.with_side(after), Action.USER_UNBLOCKED, reading_of(clock))
    tx.contacts.remove_block(contact.pair, blocked=other)


def _act(
    tx: Transaction,
    contact: Contact,
    action: Action,
    at_us: int,
    message: MessageId | None = None,
) -> int:
    """Store a changed contact with the actor's own fact; return the fact's position."""
    account, entries = contact.actor.noted(
        Fact(
            action=action,
            actor=contact.actor.user.id,
            other=contact.partner.user.id,
            # A conversation that only the partner has stays unknown here too.
            conversation=None if contact.is_start else contact.conversation_id,
            message=message,
            at_us=at_us,
        )
    )
    if contact.conversation is not None:
        tx.conversations.save(contact.conversation)
    tx.mailboxes.save(account)
    tx.journal.record(entries)
    return account.position


def blocked(tx: Transaction, *, blocker: User, before: int | None, limit: int) -> Page[Block]:
    """The blocker's own list, newest first (BLOCK-3)."""
    found = opened(tx.contacts.blocked_by(blocker, before=before, limit=limit + 1))
    scope = _blocked_scope(blocker)
    return Page.cut(found, limit, lambda block: scope.position(block.position))


def can_see_profile(tx: Transaction, *, viewer: User, other: UserId) -> bool:
    """Whether the host should show the profile of ``other``: not if they block the viewer."""
    owner = attrs.evolve(viewer, id=other)
    return not opened(tx.contacts.blocks(blocker=owner, blocked=viewer.id))


def _inbox_scope(owner: User) -> CursorScope:
    return CursorScope("inbox", owner)


def _thread_scope(reader: User, conversation: ConversationId) -> CursorScope:
    return CursorScope("thread", reader, str(conversation))


def _blocked_scope(blocker: User) -> CursorScope:
    return CursorScope("blocked", blocker)


# What a host holds ------------------------------------------------------------------------------


@attrs.frozen
class Mailbox:
    """One user's mailbox. Every method acts as this user and as nobody else.

    Any method may raise ``StoreError`` and, while the operator's switch forbids it,
    ``MessagingUnavailable``. Ids may be given as text or as UUIDs.
    """

    user: User
    _transactions: Transactions = attrs.field(repr=False)
    _clock: Clock = attrs.field(repr=False)
    _entropy: Entropy = attrs.field(repr=False)
    _policy: Policy = attrs.field(repr=False)

    def start(self, other: str, body: str, *, key: str | None = None) -> Message:
        """Write to ``other``, beginning the conversation if there is none (PAIR-2).

        Returns the stored message, after it is durable (MSG-4); with a ``key`` used before, the
        first acknowledgement (MSG-3). Raises ``InvalidId``, ``InvalidBody``, ``InvalidKey``,
        ``CannotMessageYourself``, ``KeyConflict``, ``YouBlockedThem``, ``RecipientUnavailable``,
        ``LimitReached``.
        """
        return _answered(
            self._transactions.write(
                start,
                self._clock,
                self._entropy,
                self._policy,
                sender=self.user,
                other=parse_user_id(other),
                body=parse_body(body, self._policy.body),
                key=None if key is None else parse_key(key),
            )
        )

    def send(self, conversation: UUID | str, body: str, *, key: str | None = None) -> Message:
        """Write into a conversation of this user. As ``start``, and ``AccessDenied`` (CONV-1)."""
        return _answered(
            self._transactions.write(
                send,
                self._clock,
                self._entropy,
                self._policy,
                sender=self.user,
                conversation=parse_conversation_id(conversation),
                body=parse_body(body, self._policy.body),
                key=None if key is None else parse_key(key),
            )
        )

    def inbox(self, *, limit: int = 20, cursor: str | None = None) -> Page[InboxEntry]:
        """A page of 1..100 conversations, newest activity first (PAGE-2).

        Raises ``InvalidPageSize`` and ``InvalidCursor``.
        """
        after = None if cursor is None else _inbox_scope(self.user).read_inbox(cursor)
        return self._transactions.read(
            inbox, owner=self.user, after=after, limit=check_page_size(limit)
        )

    def thread(
        self,
        conversation: UUID | str,
        *,
        limit: int = 50,
        before: str | None = None,
        after: str | None = None,
    ) -> ThreadPage:
        """A page of 1..100 messages: the newest, those before a cursor, or those after one.

        Raises ``AccessDenied``, ``InvalidPageSize`` and ``InvalidCursor`` (also for both cursors
        at once).
        """
        conversation_id = parse_conversation_id(conversation)
        if before is not None and after is not None:
            raise InvalidCursor
        scope = _thread_scope(self.user, conversation_id)
        return self._transactions.read(
            thread,
            reader=self.user,
            conversation=conversation_id,
            place=ThreadPlace(
                before=None if before is None else scope.read_message(before),
                after=None if after is None else scope.read_message(after),
            ),
            limit=check_page_size(limit),
        )

    def unread(self) -> int:
        """The number of unread messages over all conversations in the inbox."""
        return self._transactions.read(unread, owner=self.user)

    def mark_read(self, conversation: UUID | str, *, through: UUID | str) -> None:
        """Mark everything up to and including the message ``through`` as read (READ-1).

        Raises ``AccessDenied`` where the conversation is not this user's or the message is not in
        it, or cannot be seen.
        """
        self._transactions.write(
            mark_read,
            self._clock,
            reader=self.user,
            conversation=parse_conversation_id(conversation),
            through=parse_message_id(through),
        )

    def block(self, other: str) -> None:
        """Block ``other``, who cannot find out (BLOCK-1, BLOCK-2).

        Raises ``InvalidId`` and ``CannotMessageYourself``.
        """
        self._transactions.write(block, self._clock, blocker=self.user, other=parse_user_id(other))

    def unblock(self, other: str) -> None:
        """Lift the block of ``other``, if there is one. Raises as ``block``."""
        self._transactions.write(
            unblock, self._clock, blocker=self.user, other=parse_user_id(other)
        )

    def blocked(self, *, limit: int = 50, cursor: str | None = None) -> Page[Block]:
        """A page of this user's private block list, newest first (BLOCK-3).

        Raises ``InvalidPageSize`` and ``InvalidCursor``.
        """
        before = None if cursor is None else _blocked_scope(self.user).read_position(cursor)
        return self._transactions.read(
            blocked, blocker=self.user, before=before, limit=check_page_size(limit)
        )

    def can_see_profile(self, other: str) -> bool:
        """Whether the host should show the profile of ``other`` to this user (BLOCK-3)."""
        return self._transactions.read(
            can_see_profile, viewer=self.user, other=parse_user_id(other)
        )


def _answered(outcome: Message | Refused) -> Message:
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome
