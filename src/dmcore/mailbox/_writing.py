"""Writing to somebody: what is sent, changed and taken back, and what is refused."""

from typing import TypeVar

import attrs

from dmcore._access import allowed, check_present, held_conversation
from dmcore._rules import Rules
from dmcore.domain.body import Body
from dmcore.domain.changing import deleted, edited
from dmcore.domain.contact import Contact
from dmcore.domain.envelope import Envelope
from dmcore.domain.franking import franked
from dmcore.domain.ids import ConversationId, Key, MessageId, User, UserId
from dmcore.domain.message import Message, Posting
from dmcore.domain.pair import Pair
from dmcore.domain.screening import resubmission_of, submission_of
from dmcore.domain.sending import Draft, Refused, check_own_side, decide, hangs_on_introduction
from dmcore.errors import MessageRefused
from dmcore.mailbox import _flagging
from dmcore.mailbox._acting import store
from dmcore.mailbox._advice import Advice, Unintroduced, Unscreened
from dmcore.ports.transactions import Transaction


def send(
    tx: Transaction,
    rules: Rules,
    *,
    sender: User,
    conversation: ConversationId,
    body: Body,
    envelope: Envelope | None,
    key: Key | None,
    reply_to: MessageId | None,
    advice: Advice,
) -> Message | Refused:
    """Write into a conversation that the sender has. Raises as ``start``."""
    contact = held_conversation(tx, sender, conversation, key)
    _introduced(rules, contact, advice)
    target = None
    if reply_to is not None and contact.earlier is None:
        target = _found(tx, rules, contact, reply_to, rules.now_us())
    draft = Draft(body=body, envelope=envelope, key=key, target=target)
    return _decided(tx, rules, contact, draft, advice)


def start(
    tx: Transaction,
    rules: Rules,
    *,
    sender: User,
    other: UserId,
    body: Body,
    envelope: Envelope | None,
    key: Key | None,
    advice: Advice,
) -> Message | Refused:
    """Write to a user, beginning the conversation if the pair has none (PAIR-2).

    Raises ``Unintroduced`` and ``Unscreened``.
    """
    pair = Pair.of(sender.tenant, sender.id, other)
    contact = tx.contacts.hold(pair, actor=sender.id, key=key)
    _introduced(rules, contact, advice)
    return _decided(tx, rules, contact, Draft(body=body, envelope=envelope, key=key), advice)


def _introduced(rules: Rules, contact: Contact, advice: Advice) -> None:
    """Raises ``Unintroduced`` where the host must be asked before this can be decided (EMB-5).

    A retry asks nothing (MSG-3).
    """
    is_answered = not rules.has_directory or advice.introduction is not None
    if contact.earlier is not None or is_answered:
        return
    now_us = rules.now_us()
    if hangs_on_introduction(contact, now_us):
        check_own_side(contact, now_us)
        raise Unintroduced(contact.actor.user, contact.partner.user)


def _decided(
    tx: Transaction,
    rules: Rules,
    contact: Contact,
    draft: Draft,
    advice: Advice,
) -> Message | Refused:
    now_us = rules.now_us()
    decided = decide(
        contact,
        rules.policy,
        draft,
        introduction=advice.introduction,
        now_us=now_us,
        entropy=rules.draw(),
    )
    if isinstance(decided, Message):
        return decided
    if isinstance(decided, Refused):
        tx.mailboxes.save(decided.account)
        return decided
    if draft.envelope is None and _is_unscreened(rules, advice):
        raise Unscreened(submission_of(contact, draft.body, now_us=now_us))
    _check_text(advice)
    store(tx, contact, decided.outcome)
    tx.messages.add(_franked(tx, contact, decided.posting))
    if advice.screening is not None:
        _flagging.note_sent(tx, contact, decided.posting, advice.screening, now_us=now_us)
    return decided.posting.seen_by(contact.actor.user.id)


def _franked(tx: Transaction, contact: Contact, posting: Posting) -> Posting:
    """A posting that can be proven later, as the partner has it."""
    message = franked(posting.message, tx.namespace, contact.pair.tenant)
    return attrs.evolve(posting, message=message)


def _is_unscreened(rules: Rules, advice: Advice) -> bool:
    """Whether the screeners must be asked before a text is stored (MOD-5)."""
    return rules.has_screeners and advice.screening is None


def _check_text(advice: Advice) -> None:
    """Raises ``MessageRefused`` where the screeners said so."""
    if advice.screening is not None and advice.screening.refusal is not None:
        raise MessageRefused(advice.screening.refusal)


def edit(
    tx: Transaction,
    rules: Rules,
    *,
    sender: User,
    conversation: ConversationId,
    message: MessageId,
    body: Body,
    envelope: Envelope | None,
    advice: Advice,
) -> Message | Refused:
    """Give an own message another text (MSG-5). It is screened like a new one: no way around."""
    contact = held_conversation(tx, sender, conversation)
    now_us = rules.now_us()
    check_present(contact, now_us)
    posting = _found(tx, rules, contact, message, now_us)
    decided = edited(contact, rules.policy, posting, body=body, envelope=envelope, now_us=now_us)
    if isinstance(decided, Message):
        return decided
    if isinstance(decided, Refused):
        tx.mailboxes.save(decided.account)
        return decided
    if envelope is None and _is_unscreened(rules, advice):
        raise Unscreened(resubmission_of(contact, body, now_us=now_us))
    _check_text(advice)
    store(tx, contact, decided.outcome)
    # What stays with its sender leaves the message as it is, and its tag as it was made.
    is_new = decided.posting.message is not posting.message
    tx.messages.save(_franked(tx, contact, decided.posting) if is_new else decided.posting)
    if advice.screening is not None:
        _flagging.note_edited(tx, contact, decided.posting, advice.screening, now_us=now_us)
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
    now_us = rules.now_us()
    posting = _found(tx, rules, contact, message, now_us)
    decided = deleted(contact, posting, now_us=now_us)
    if decided is not None:
        store(tx, contact, decided.outcome)
        tx.messages.save(decided.posting)


def _found(
    tx: Transaction, rules: Rules, contact: Contact, message: MessageId, now_us: int
) -> Posting:
    """A message that the actor sees now. Raises ``AccessDenied``."""
    return allowed(
        tx.messages.find(
            contact.conversation_id,
            reader=contact.actor.user,
            message=message,
            since=rules.kept_since(now_us),
        )
    )


Answer = TypeVar("Answer")


def answered(outcome: Answer | Refused) -> Answer:
    """What was found or stored. Raises the refusal, after its transaction, which stored it."""
    if not isinstance(outcome, Refused):
        return outcome
    try:
        raise outcome.error
    finally:
        # As in ``decide``: it would hold what holds it.
        del outcome
