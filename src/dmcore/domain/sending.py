"""The decision to accept a message: every rule about sending, in the order in which it is asked.

Retry first, then the switch, the sender's own block, the recipient, and the limits last, so that
a refusal for any other cause costs nothing and a retry is never refused (MSG-3).
"""

from collections.abc import Callable
from datetime import timedelta

import attrs

from dmcore.domain.account import Account
from dmcore.domain.body import Body
from dmcore.domain.contact import Contact
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import Key, MessageId, next_message_id
from dmcore.domain.limits import RateLimit, Window
from dmcore.domain.message import Message, Posting
from dmcore.domain.policy import Policy
from dmcore.errors import (
    DmcoreError,
    KeyConflict,
    LimitReached,
    RecipientUnavailable,
    YouBlockedThem,
)


@attrs.frozen(kw_only=True)
class Sent:
    """A message was accepted: these are the rows as they shall be."""

    posting: Posting
    conversation: Conversation
    accounts: tuple[Account, ...]
    entries: tuple[Entry, ...]


@attrs.frozen
class Refused:
    """An attempt was refused, and ``account`` is to be stored all the same.

    The one case is a clock that was set back: whoever meets it first writes down what it shows, so
    that the wait announced is the wait endured (LIMIT-2).
    """

    error: DmcoreError
    account: Account


def decide(
    contact: Contact, policy: Policy, *, body: Body, key: Key | None, now_us: int, entropy: int
) -> Sent | Message | Refused:
    """Accept the message, return the earlier one of the same key, or refuse.

    Raises ``KeyConflict``, ``MessagingUnavailable``, ``YouBlockedThem``, ``RecipientUnavailable``
    or ``LimitReached``.
    """
    if contact.earlier is not None:
        if contact.earlier.message.body != body:
            raise KeyConflict
        return contact.earlier.message
    if contact.is_start:
        contact.mode.check_start()
    else:
        contact.mode.check_reply()
    if contact.actor_blocks:
        raise YouBlockedThem
    if contact.partner_blocks and policy.blocked == "refuse":
        raise RecipientUnavailable

    refusal = _limit_reached(contact, policy, now_us)
    if refusal is None:
        counted = _windows_after(contact, policy, now_us, RateLimit.counted)
        return _accepted(contact, counted, body=body, key=key, now_us=now_us, entropy=entropy)
    refused = _windows_after(contact, policy, now_us, RateLimit.refused)
    if refused == contact.actor:
        raise refusal
    return Refused(refusal, refused)


def _limit_reached(contact: Contact, policy: Policy, now_us: int) -> LimitReached | None:
    """The refusal of the limits, the start limit named first, with the wait that satisfies both."""
    waits_us = {}
    if policy.starts is not None and contact.is_start:
        waits_us["starts"] = policy.starts.wait_us(contact.actor.starts, now_us)
    if policy.messages is not None:
        waits_us["messages"] = policy.messages.wait_us(contact.actor.sends, now_us)
    for limit, wait_us in waits_us.items():
        if wait_us > 0:
            return LimitReached(limit, timedelta(microseconds=max(waits_us.values())))
    return None


def _windows_after(
    contact: Contact,
    policy: Policy,
    now_us: int,
    change: Callable[[RateLimit, Window, int], Window],
) -> Account:
    """The actor after ``change`` was made to the windows that this attempt is measured by."""
    sends, starts = contact.actor.sends, contact.actor.starts
    if policy.messages is not None:
        sends = change(policy.messages, sends, now_us)
    if policy.starts is not None and contact.is_start:
        starts = change(policy.starts, starts, now_us)
    return attrs.evolve(contact.actor, sends=sends, starts=starts)


def _accepted(
    contact: Contact, counted: Account, *, body: Body, key: Key | None, now_us: int, entropy: int
) -> Sent:
    sender, recipient = contact.actor.user.id, contact.partner.user.id
    before = contact.conversation
    message = Message(
        id=next_message_id(now_us, entropy, before.newest if before else None),
        conversation=contact.conversation_id,
        sender=sender,
        body=body,
        sent_at_us=now_us,
    )
    # A recipient who blocks is reached only under "absorb": then the message is the sender's alone.
    sender_only = contact.partner_blocks
    conversation = (before or _begun(contact, message.id)).with_message(
        message.id, sender, sender_only=sender_only
    )

    def fact(*, is_new: bool) -> Fact:
        action = Action.CONVERSATION_STARTED if is_new else Action.MESSAGE_SENT
        return Fact(
            action=action,
            actor=sender,
            other=recipient,
            conversation=conversation.id,
            message=message.id,
            at_us=now_us,
        )

    # Each side is told what it saw happen: a conversation that only the other side had is new here.
    actor, entries = counted.noted(fact(is_new=contact.is_start))
    accounts: tuple[Account, ...] = (actor,)
    if not sender_only:
        partner = attrs.evolve(contact.partner, unread=contact.partner.unread + 1)
        partner, partner_entries = partner.noted(fact(is_new=contact.is_new_to_partner))
        accounts, entries = (actor, partner), entries + partner_entries
    return Sent(
        posting=Posting(message=message, key=key, sender_only=sender_only),
        conversation=conversation,
        accounts=accounts,
        entries=entries,
    )


def _begun(contact: Contact, first: MessageId) -> Conversation:
    """The conversation at its first message, nobody having anything of it yet."""
    sides = {
        contact.actor.user.id: Side(blocks=contact.actor_blocks),
        contact.partner.user.id: Side(blocks=contact.partner_blocks),
    }
    return Conversation(
        id=contact.conversation_id,
        pair=contact.pair,
        newest=first,
        low=sides[contact.pair.low],
        high=sides[contact.pair.high],
    )
