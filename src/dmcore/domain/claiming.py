"""Taking keys, and what changes when devices do: the decisions about them (CRYPT-2)."""

from datetime import timedelta

import attrs

from dmcore.domain.account import Account
from dmcore.domain.contact import Contact
from dmcore.domain.policy import Policy
from dmcore.errors import LimitReached, NoDevice


def after_change(account: Account, devices: int) -> Account:
    """The account after a device was added or removed: whoever seals for them has to look anew."""
    return attrs.evolve(account, devices=devices, key_changes=account.key_changes + 1)


def check_devices(contact: Contact) -> None:
    """Whether the two can seal for each other. Raises ``NoDevice``."""
    if not contact.actor.devices:
        raise NoDevice("yours")
    if not contact.partner.devices:
        raise NoDevice("theirs")


def claimed(account: Account, policy: Policy, now_us: int) -> Account:
    """The account after it took keys of somebody. Raises ``LimitReached``, which costs nothing."""
    limit = policy.key_claims
    if limit is None:
        return account
    wait_us = limit.wait_us(account.claims, now_us)
    if wait_us > 0:
        raise LimitReached("key_claims", timedelta(microseconds=wait_us))
    return attrs.evolve(account, claims=limit.counted(account.claims, now_us))


def are_keys_news(contact: Contact) -> bool:
    """Whether the partner's keys changed since the actor, who has the conversation, was told."""
    known = contact.side.keys
    return known is not None and known != contact.partner.key_changes
