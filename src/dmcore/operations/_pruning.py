"""Removing what is kept no longer: step by step, each whole, and none of them long (GDPR-2).

Where it stands is read from what is stored, so whoever calls again goes on. Nobody notices any of
it: what is removed here was not there for anybody before.
"""

from typing import Final

import attrs

from dmcore._access import allowed, held_account
from dmcore._rules import Rules
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import ConversationId, MessageId, User
from dmcore.domain.retention import (
    Pruned,
    after_removal,
    expired_before_us,
    is_expired,
    removable_below,
)
from dmcore.ports.transactions import Transaction

_ENTRIES_AT_ONCE: Final = 10_000
_NOTHING_LEFT: Final = Pruned(is_complete=True)


def begin(tx: Transaction, rules: Rules, *, operator: User) -> Pruned:
    """Write down that messages are about to be removed, if there are any, before any is."""
    now_us = rules.now_us()
    below = removable_below(rules.policy, now_us)
    if below is None or tx.retention.next_conversation(below=below) is None:
        return _NOTHING_LEFT
    _note(tx, operator, Action.MESSAGES_PRUNED, now_us)
    return Pruned()


def remove(tx: Transaction, rules: Rules, *, most: int) -> Pruned:
    """Remove the oldest messages of one conversation, ``most`` at the most."""
    below = removable_below(rules.policy, rules.now_us())
    found = None if below is None else tx.retention.next_conversation(below=below)
    if below is None or found is None:
        return _NOTHING_LEFT
    return remove_from(tx, *found, below=below, most=most)


def remove_from(
    tx: Transaction, conversation: ConversationId, user: User, *, below: MessageId, most: int
) -> Pruned:
    """The same of a conversation in which ``user`` was a moment ago."""
    contact = tx.erasures.hold_conversation(conversation, user=user)
    held = allowed(contact.conversation)
    if user.id not in held.pair or not is_expired(held.oldest, below):
        # Somebody got another name, or somebody else was here first: the next step begins anew.
        return Pruned()
    removed = tx.retention.remove(conversation, below=below, limit=most)
    after = after_removal(contact, held, removed)
    tx.conversations.save(allowed(after.conversation))
    for before, account in ((contact.actor, after.actor), (contact.partner, after.partner)):
        if account != before:
            tx.mailboxes.save(account)
    return Pruned(messages=removed.messages)


def evidence(tx: Transaction, rules: Rules, *, operator: User, most: int) -> int:
    """Forget copies that nobody may look at any more; return of how many reports (MOD-2)."""
    now_us = rules.now_us()
    before_us = expired_before_us(rules.policy.evidence_kept, now_us)
    account = held_account(tx, operator)
    count = tx.reports.drop_evidence(before_us=before_us, limit=most)
    if count:
        fact = Fact(action=Action.EVIDENCE_PRUNED, actor=operator.id, at_us=now_us)
        account, entries = account.noted(fact)
        tx.mailboxes.save(account)
        tx.journal.record(entries)
    return count


def outdated(tx: Transaction, rules: Rules, *, most: int) -> tuple[Entry, ...]:
    """The same as ``expired``, of what the policy says is too old."""
    kept = rules.policy.journal_kept
    if kept is None:
        return ()
    before_us = expired_before_us(kept, rules.now_us())
    return tuple(tx.journal.expired(before_us=before_us, limit=most))


def expired(tx: Transaction, rules: Rules, *, before_us: int, most: int) -> tuple[Entry, ...]:
    """Of each journal that begins with entries older than an instant, the newest such entry.

    Nothing from now on is old, or what is noted about this would be the next to forget.
    """
    return tuple(tx.journal.expired(before_us=min(before_us, rules.now_us()), limit=most))


def note_journals(tx: Transaction, rules: Rules, *, operator: User) -> None:
    """Write down that journals are about to be shortened, before any is."""
    _note(tx, operator, Action.JOURNALS_PRUNED, rules.now_us())


def shorten(tx: Transaction, *, owner: User, through: int) -> bool:
    """Forget a journal up to a position, where its feed expires; return whether that was all.

    Of a long one only a part is forgotten at once (FEED-1).
    """
    account = tx.mailboxes.hold(owner)
    reached = min(through, account.pruned + _ENTRIES_AT_ONCE)
    if reached > account.pruned:
        tx.mailboxes.save(attrs.evolve(account, pruned=reached))
        tx.journal.prune(owner, through=reached)
    return reached >= through


def _note(tx: Transaction, operator: User, action: Action, now_us: int) -> None:
    account = held_account(tx, operator)
    account, entries = account.noted(Fact(action=action, actor=operator.id, at_us=now_us))
    tx.mailboxes.save(account)
    tx.journal.record(entries)
