"""Sealed conversations: when a text has to be sealed, and what it means that one was (CRYPT-2).

A conversation is sealed from the first envelope on, or from when one of the two says so. Each side
knows it for itself, so that who is hidden seals nothing for anybody else (MOD-4). There is no way
back.
"""

import attrs

from dmcore.domain.claiming import check_devices
from dmcore.domain.contact import Contact, Notice, Outcome, outcome
from dmcore.domain.envelope import Envelope
from dmcore.domain.events import Action
from dmcore.domain.policy import Policy
from dmcore.errors import KeysChanged, SealedOnly, SealingNotOffered


def must_seal(contact: Contact, policy: Policy) -> bool:
    """Whether the actor has to seal what they write to the partner now."""
    have_devices = bool(contact.actor.devices and contact.partner.devices)
    by_default = policy.sealing == "by_default" and have_devices
    return contact.side.sealed_at_us is not None or by_default


def check_sealing(contact: Contact, policy: Policy, envelope: Envelope | None) -> None:
    """Whether what is written is sealed as it has to be.

    Raises ``SealedOnly``, ``SealingNotOffered``, ``NoDevice`` or ``KeysChanged``.
    """
    if envelope is None:
        if must_seal(contact, policy):
            raise SealedOnly
        return
    if policy.sealing == "never" and contact.side.sealed_at_us is None:
        raise SealingNotOffered
    check_devices(contact)
    known = (envelope.own_changes, envelope.other_changes)
    if known != (contact.actor.key_changes, contact.partner.key_changes):
        raise KeysChanged


def sealed(contact: Contact, now_us: int, *, reaches_partner: bool) -> Contact:
    """The contact once the actor sealed the conversation, for both where that reaches the other."""
    after = contact.with_side(
        attrs.evolve(contact.side, sealed_at_us=contact.side.sealed_at_us or now_us)
    )
    if not reaches_partner:
        return after
    view = after.partner_side
    return after.with_partner_side(attrs.evolve(view, sealed_at_us=view.sealed_at_us or now_us))


def told_of_keys(contact: Contact) -> Contact:
    """The contact once the partner was told which keys the actor has."""
    view = attrs.evolve(contact.partner_side, keys=contact.actor.key_changes)
    return contact.with_partner_side(view)


def knowing_keys(contact: Contact) -> Contact:
    """The contact once the actor sealed with the partner's keys: others are news from then on."""
    side = contact.side
    if side.keys is not None:
        return contact
    return contact.with_side(attrs.evolve(side, keys=contact.partner.key_changes))


def own_news(contact: Contact) -> tuple[Notice, ...]:
    """What the actor, who seals something, is told besides."""
    is_new = contact.side.sealed_at_us is None
    return (Notice(action=Action.CONVERSATION_SEALED),) if is_new else ()


def news_for_partner(contact: Contact) -> tuple[Notice, ...]:
    """What the partner is told besides, where that reaches them."""
    view = contact.partner_side
    is_new = view.sealed_at_us is None
    is_changed = view.keys is not None and view.keys != contact.actor.key_changes
    return (
        *((Notice(action=Action.CONVERSATION_SEALED),) if is_new else ()),
        *((Notice(action=Action.KEYS_CHANGED),) if is_changed else ()),
    )


def sealed_by_hand(contact: Contact, policy: Policy, now_us: int) -> Outcome | None:
    """Seal a conversation without writing into it; ``None`` where it is sealed for the actor.

    Raises ``SealingNotOffered`` and ``NoDevice``.
    """
    if contact.side.sealed_at_us is not None:
        return None
    if policy.sealing == "never":
        raise SealingNotOffered
    check_devices(contact)
    is_kept_back = contact.is_hidden(now_us) or contact.partner_blocks
    reaches = contact.partner_side.exists and not is_kept_back
    after = sealed(contact, now_us, reaches_partner=reaches)
    told = news_for_partner(contact) if reaches else ()
    return outcome(
        told_of_keys(after) if told else after,
        now_us=now_us,
        own=Notice(action=Action.CONVERSATION_SEALED),
        told=told[-1] if told else None,
        told_before=told[:-1],
    )
