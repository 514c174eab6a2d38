"""Devices of a user: adding, renewing and removing one, and taking keys to seal with (CRYPT-2)."""

from collections.abc import Collection

import attrs

from dmcore._access import allowed, check_present, held_account, protected
from dmcore._rules import Rules
from dmcore.domain.account import Account
from dmcore.domain.claiming import after_change, are_keys_news, check_devices, claimed
from dmcore.domain.devices import (
    Device,
    DeviceKeys,
    KeyBundle,
    KeyClaim,
    Prekey,
    accepted,
    safety_number,
)
from dmcore.domain.events import Action, Fact
from dmcore.domain.gates import Introduction
from dmcore.domain.ids import DeviceId, User, UserId
from dmcore.domain.pair import Pair
from dmcore.domain.sending import check_own_side, check_writing, hangs_on_introduction
from dmcore.mailbox._advice import Unintroduced
from dmcore.ports.transactions import Transaction


def own(tx: Transaction, *, owner: User) -> tuple[Device, ...]:
    """The owner's devices, in order of their ids."""
    protected(tx.mailboxes.look(owner))
    return tuple(tx.devices.of(owner)[owner])


def add(
    tx: Transaction,
    rules: Rules,
    *,
    owner: User,
    device: DeviceId,
    identity: bytes,
    prekey: Prekey,
    one_time_keys: Collection[Prekey],
) -> Device:
    """Add a device; adding it twice is adding it once."""
    account, now_us = _held(tx, rules, owner)
    there = tx.devices.of(owner)[owner]
    new = accepted(
        there,
        Device(
            id=device,
            identity=identity,
            prekey=prekey,
            added_at_us=now_us,
            renewed_at_us=now_us,
        ),
    )
    if new is None:
        return next(it for it in there if it.id == device)
    tx.devices.add(owner, new)
    tx.devices.replace_one_time_keys(owner, device, tuple(one_time_keys))
    _note(tx, after_change(account, account.devices + 1), Action.DEVICE_ADDED, now_us)
    return new


def renew(
    tx: Transaction,
    rules: Rules,
    *,
    owner: User,
    device: DeviceId,
    prekey: Prekey,
    one_time_keys: Collection[Prekey],
) -> Device:
    """Give a device other prekeys, in the place of all that nobody took."""
    account, now_us = _held(tx, rules, owner)
    found = allowed(_found(tx, owner, device))
    renewed = attrs.evolve(found, prekey=prekey, renewed_at_us=now_us)
    tx.devices.save(owner, renewed)
    tx.devices.replace_one_time_keys(owner, device, tuple(one_time_keys))
    _note(tx, account, Action.DEVICE_RENEWED, now_us)
    return renewed


def remove(tx: Transaction, rules: Rules, *, owner: User, device: DeviceId) -> None:
    """Remove a device: from now on nothing is sealed for it."""
    account = held_account(tx, owner)
    tx.installation.mode().check_read()
    allowed(_found(tx, owner, device))
    tx.devices.remove(owner, device)
    after = after_change(account, account.devices - 1)
    _note(tx, after, Action.DEVICE_REMOVED, rules.now_us())


def keys_of(tx: Transaction, rules: Rules, *, reader: User, other: UserId) -> KeyBundle:
    """The keys of somebody with whom the reader has a conversation; no one-time key is taken."""
    contact = tx.contacts.look(Pair.of(reader.tenant, reader.id, other), actor=reader.id)
    check_present(contact, rules.now_us())
    allowed(contact.side if contact.side.exists else None)
    found = tx.devices.of(contact.partner.user)[contact.partner.user]
    return _bundle(contact.partner, [DeviceKeys(device=it) for it in found])


def number_with(tx: Transaction, rules: Rules, *, reader: User, other: UserId) -> str:
    """What the two compare, as the directory has it."""
    theirs = keys_of(tx, rules, reader=reader, other=other)
    mine = tx.devices.of(reader)[reader]
    return safety_number(
        reader.id,
        (it.identity for it in mine),
        other,
        (it.device.identity for it in theirs.devices),
    )


def claim(
    tx: Transaction,
    rules: Rules,
    *,
    sender: User,
    other: UserId,
    introduction: Introduction | None,
) -> KeyClaim:
    """Take what a message to somebody is sealed with, a one-time key of each device among it.

    Whom nobody may write to, nobody takes keys of. Raises ``Unintroduced``.
    """
    contact = tx.contacts.hold(Pair.of(sender.tenant, sender.id, other), actor=sender.id)
    now_us = rules.now_us()
    is_unknown = rules.has_directory and introduction is None
    if is_unknown and hangs_on_introduction(contact, now_us):
        check_own_side(contact, now_us)
        raise Unintroduced(sender, contact.partner.user)
    check_writing(contact, rules.policy, introduction, now_us)
    check_devices(contact)
    account = claimed(contact.actor, rules.policy, now_us)
    partner = contact.partner.user
    is_news = are_keys_news(contact)
    actions = (Action.KEYS_CLAIMED, *((Action.CHANGED_KEYS_SEEN,) if is_news else ()))
    if contact.conversation is not None and not contact.is_start:
        known = attrs.evolve(contact.side, keys=contact.partner.key_changes)
        tx.conversations.save(contact.conversation.with_side(sender.id, known))
    place = None if contact.is_start else contact.conversation_id
    facts = [
        Fact(action=it, actor=sender.id, other=partner.id, conversation=place, at_us=now_us)
        for it in actions
    ]
    account, entries = account.noted(*facts)
    tx.mailboxes.save(account)
    tx.journal.record(entries)
    found = tx.devices.of(sender, partner)
    one_time = tx.devices.take_one_time_keys(partner, rules.draw())
    return KeyClaim(
        own=_bundle(account, [DeviceKeys(device=it) for it in found[sender]]),
        other=_bundle(
            contact.partner,
            [DeviceKeys(device=it, one_time=one_time.get(it.id)) for it in found[partner]],
        ),
    )


def _held(tx: Transaction, rules: Rules, owner: User) -> tuple[Account, int]:
    """The account of who changes their devices, who may read, and the time."""
    account, now_us = held_account(tx, owner), rules.now_us()
    tx.installation.mode().check_read()
    account.standing.check_reading(now_us)
    return account, now_us


def _found(tx: Transaction, owner: User, device: DeviceId) -> Device | None:
    return next((it for it in tx.devices.of(owner)[owner] if it.id == device), None)


def _bundle(account: Account, devices: list[DeviceKeys]) -> KeyBundle:
    return KeyBundle(user=account.user.id, key_changes=account.key_changes, devices=tuple(devices))


def _note(tx: Transaction, account: Account, action: Action, now_us: int) -> None:
    fact = Fact(action=action, actor=account.user.id, at_us=now_us)
    noted, entries = account.noted(fact)
    tx.mailboxes.save(noted)
    tx.journal.record(entries)
