"""Blocking: one user's decision not to hear from another."""

import attrs

from dmcore._access import check_can_be_listed
from dmcore._rules import Rules
from dmcore.domain.contact import Block, Notice, outcome
from dmcore.domain.events import Action
from dmcore.domain.ids import User, UserId
from dmcore.domain.pair import Pair
from dmcore.mailbox._acting import store
from dmcore.ports.transactions import Transaction


def block(tx: Transaction, rules: Rules, *, blocker: User, other: UserId) -> None:
    """Block a user; blocking twice is blocking once (BLOCK-1)."""
    contact = tx.contacts.hold(Pair.of(blocker.tenant, blocker.id, other), actor=blocker.id)
    contact.mode.check_read()
    if contact.actor_blocks:
        return
    check_can_be_listed(contact)
    now_us = rules.now_us()
    after = contact.with_side(attrs.evolve(contact.side, blocks=True))
    blocked = outcome(after, now_us=now_us, own=Notice(action=Action.USER_BLOCKED))
    store(tx, contact, blocked)
    position = blocked.entries[0].position
    tx.contacts.add_block(contact.pair, Block(blocked=other, since_us=now_us, position=position))


def unblock(tx: Transaction, rules: Rules, *, blocker: User, other: UserId) -> None:
    """Lift a block; what was sent before it can be seen again, nothing sent during it ever."""
    contact = tx.contacts.hold(Pair.of(blocker.tenant, blocker.id, other), actor=blocker.id)
    contact.mode.check_read()
    if not contact.actor_blocks:
        return
    after = contact.with_side(attrs.evolve(contact.side, blocks=False))
    lifted = outcome(after, now_us=rules.now_us(), own=Notice(action=Action.USER_UNBLOCKED))
    store(tx, contact, lifted)
    tx.contacts.remove_block(contact.pair, blocked=other)
