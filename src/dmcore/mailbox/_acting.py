"""Acts on one's own view of a conversation, and how the outcome of any act is stored."""

from collections.abc import Callable

import attrs

from dmcore._access import allowed, check_present, held_account, held_conversation
from dmcore._rules import Rules
from dmcore.domain import viewing
from dmcore.domain.changing import hidden
from dmcore.domain.contact import Contact, Outcome
from dmcore.domain.events import Action, Fact
from dmcore.domain.ids import ConversationId, MessageId, User
from dmcore.domain.preferences import OpenTo, Preferences
from dmcore.domain.retention import is_expired
from dmcore.domain.sealing import sealed_by_hand
from dmcore.domain.sending import check_writing
from dmcore.domain.viewing import Marking
from dmcore.errors import AccessDenied, ChoiceNotOffered
from dmcore.ports.transactions import Transaction


def mark_read(
    tx: Transaction,
    rules: Rules,
    *,
    reader: User,
    conversation: ConversationId,
    through: MessageId,
) -> None:
    """Move the reader's marker to a message they can see; never back (READ-1)."""
    contact = held_conversation(tx, reader, conversation)
    now_us = rules.now_us()
    check_present(contact, now_us)
    marking = _marking(tx, contact, through, rules.kept_since(now_us))
    marked = viewing.marked_read(contact, marking, through=through, now_us=now_us)
    if marked is not None:
        store(tx, contact, marked)


def _marking(
    tx: Transaction, contact: Contact, through: MessageId, since: MessageId | None
) -> Marking:
    """What the marker would mean. Raises ``AccessDenied`` where it is on nothing they can see."""
    side = contact.side
    if is_expired(through, since):
        raise AccessDenied
    if through == side.newest == side.heard and not side.blocks:
        # Nothing is unread behind the newest, and it is what was seen. Behind an own message only
        # the store knows what the partner said before it that never came; it counts too, or it
        # would stand out to them. Which of the two it is depends on the reader's own view alone.
        is_told = side.told is not None and through <= side.told
        return Marking(unread_after=0, seen=None if is_told else through)
    return allowed(
        tx.messages.marking(
            contact.conversation_id, reader=contact.actor.user, through=through, since=since
        )
    )


def hide(
    tx: Transaction,
    rules: Rules,
    *,
    reader: User,
    conversation: ConversationId,
    message: MessageId,
) -> None:
    """Hide a message from oneself (MSG-5)."""
    contact = held_conversation(tx, reader, conversation)
    now_us = rules.now_us()
    check_present(contact, now_us)
    since = rules.kept_since(now_us)
    posting = allowed(tx.messages.find(conversation, reader=reader, message=message, since=since))
    newest_left = contact.side.newest
    if newest_left == message:
        newest_left = tx.messages.newest_below(conversation, reader=reader, message=message)
    written = hidden(contact, posting, newest_left=newest_left, now_us=now_us)
    store(tx, contact, written.outcome)
    tx.messages.save(written.posting)


ViewChange = Callable[[Contact, int], Outcome | None]
"""Another view of a contact at an instant in microseconds; ``None`` where nothing changes."""


def change_view(
    tx: Transaction,
    rules: Rules,
    change: ViewChange,
    *,
    reader: User,
    conversation: ConversationId,
) -> None:
    """Change how the reader has a conversation: cleared, muted, archived, accepted, declined."""
    contact = held_conversation(tx, reader, conversation)
    now_us = rules.now_us()
    check_present(contact, now_us)
    outcome = change(attrs.evolve(contact, since=rules.kept_since(now_us)), now_us)
    if outcome is not None:
        store(tx, contact, outcome)


def seal(tx: Transaction, rules: Rules, *, actor: User, conversation: ConversationId) -> None:
    """Have a conversation sealed from now on (CRYPT-2); there is no way back."""
    contact = held_conversation(tx, actor, conversation)
    now_us = rules.now_us()
    check_writing(contact, rules.policy, None, now_us)
    outcome = sealed_by_hand(contact, rules.policy, now_us)
    if outcome is not None:
        store(tx, contact, outcome)


def set_preferences(
    tx: Transaction, rules: Rules, *, owner: User, preferences: Preferences
) -> None:
    """Choose anew (PREF-1). Raises ``ChoiceNotOffered``."""
    if preferences.open_to is OpenTo.CONNECTIONS and not rules.offers_connections:
        raise ChoiceNotOffered("open_to", "this host has no directory that knows connections")
    account = held_account(tx, owner)
    tx.installation.mode().check_read()
    if preferences == account.preferences:
        return
    fact = Fact(action=Action.PREFERENCES_CHANGED, actor=owner.id, at_us=rules.now_us())
    account, entries = attrs.evolve(account, preferences=preferences).noted(fact)
    tx.mailboxes.save(account)
    tx.journal.record(entries)


def store(tx: Transaction, contact: Contact, outcome: Outcome) -> None:
    """Store what an act leaves behind, the message itself apart."""
    if outcome.conversation is not None:
        if contact.conversation is None:
            tx.conversations.add(outcome.conversation)
        else:
            tx.conversations.save(outcome.conversation)
    for account in outcome.accounts:
        tx.mailboxes.save(account)
    tx.journal.record(outcome.entries)
    if outcome.receipt is not None:
        tx.messages.add_receipt(outcome.receipt)
