"""Writing to somebody: what is sent, changed and taken back, and what is refused."""

from typing import TypeVar

import attrs

from dmcore._access import allowed, held_conversation
from dmcore._rules import Rules
from dmcore.domain.body import Body
from dmcore.domain.changing import deleted, edited
from dmcore.domain.contact import Contact
from dmcore.domain.gates import Introduction
from dmcore.domain.ids import ConversationId, Key, MessageId, User, UserId
from dmcore.domain.message import Message
from dmcore.domain.pair import Pair
from dmcore.domain.sending import Draft, Refused, check_own_side, decide
from dmcore.mailbox._acting import store
from dmcore.ports.transactions import Transaction


@attrs.frozen
class Unintroduced:
    """The host has to be asked about the two first, outside of any transaction; nothing is done."""

    sender: User
    recipient: User


def send(
    tx: Transaction,
    rules: Rules,
    *,
    sender: User,
    conversation: ConversationId,
    body: Body,
    key: Key | None,
    reply_to: MessageId | None,
) -> Message | Refused:
    """Write into a conversation that the sender has."""
    contact = held_conversation(tx, sender, conversation, key)
    target = None
    if reply_to is not None and contact.earlier is None:
        target = allowed(tx.messages.find(conversation, reader=sender, message=reply_to))
    draft = Draft(body=body, key=key, target=target)
    return _decided(tx, rules, contact, draft, None)


def start(
    tx: Transaction,
    rules: Rules,
    *,
    sender: User,
    other: UserId,
    body: Body,
    key: Key | None,
    introduction: Introduction | None,
) -> Message | Refused | Unintroduced:
    """Write to a user, beginning the conversation if the pair has none (PAIR-2)."""
    pair = Pair.of(sender.tenant, sender.id, other)
    contact = tx.contacts.hold(pair, actor=sender.id, key=key)
    if contact.earlier is None and is_unintroduced(rules, contact, introduction):
        check_own_side(contact)
        return Unintroduced(sender, contact.partner.user)
    return _decided(tx, rules, contact, Draft(body=body, key=key), introduction)


def is_unintroduced(rules: Rules, contact: Contact, introduction: Introduction | None) -> bool:
    """Whether the host must be asked before this can be decided: only about starting (EMB-5)."""
    return rules.has_directory and contact.is_start and introduction is None


def _decided(
    tx: Transaction,
    rules: Rules,
    contact: Contact,
    draft: Draft,
    introduction: Introduction | None,
) -> Message | Refused:
    decided = decide(
        contact,
        rules.policy,
        draft,
        introduction=introduction,
        now_us=rules.now_us(),
        entropy=rules.draw(),
    )
    if isinstance(decided, Message):
        return decided
    if isinstance(decided, Refused):
        tx.mailboxes.save(decided.account)
        return decided
    store(tx, contact, decided.outcome)
    tx.messages.add(decided.posting)
    return decided.posting.seen_by(contact.actor.user.id)


def edit(
    tx: Transaction,
    rules: Rules,
    *,
    sender: User,
    conversation: ConversationId,
    message: MessageId,
    body: Body,
) -> Message:
    """Give an own message another text (MSG-5)."""
    contact = held_conversation(tx, sender, conversation)
    contact.mode.check_read()
    posting = allowed(tx.messages.find(conversation, reader=sender, message=message))
    decided = edited(contact, rules.policy, posting, body=body, now_us=rules.now_us())
    if isinstance(decided, Message):
        return decided
    store(tx, contact, decided.outcome)
    tx.messages.save(decided.posting)
    return decided.posting.seen_by(sender.id)


def delete(
    tx: Transaction,
    rules: Rules,
    *,
    sender: User,
    conversation: ConversationId,
    message: MessageId,
) -> None:
    """Take an own message back: its text is gone for both (MSG-5)."""
    contact = held_conversation(tx, sender, conversation)
    contact.mode.check_read()
    posting = allowed(tx.messages.find(conversation, reader=sender, message=message))
    decided = deleted(contact, posting, now_us=rules.now_us())
    if decided is not None:
        store(tx, contact, decided.outcome)
        tx.messages.save(decided.posting)


Answer = TypeVar("Answer")


def answered(outcome: Answer | Refused) -> Answer:
    """What was found or stored. Raises the refusal, after its transaction, which stored it."""
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome
