"""What tests of ports store by hand: a conversation of Ann and Bob, and messages in it."""

from typing import TypeVar

import attrs

from dmcore import Body
from dmcore.domain.contact import Contact
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.ids import Key, TenantId, User, UserId, next_message_id
from dmcore.domain.message import Edit, Link, Message, Posting
from dmcore.domain.pair import Pair
from dmcore.ports.transactions import Transaction
from dmcore.testing.world import NOON_US

Result = TypeVar("Result")

HERE = TenantId("")
ANN, BOB, CYD = (User(HERE, UserId(name)) for name in ("ann", "bob", "cyd"))
PAIR = Pair.of(HERE, ANN.id, BOB.id)


def posting(conversation: Conversation, *, text: str = "x", key: str | None = None) -> Posting:
    message = Message(
        id=conversation.newest,
        conversation=conversation.id,
        sender=ANN.id,
        body=Body(text),
        sent_at_us=NOON_US,
    )
    return Posting(message=message, key=None if key is None else Key(key), sender_only=False)


def with_everything(conversation: Conversation) -> Posting:
    """A message that has a value in every field, as far as values can stand beside each other."""
    plain = posting(conversation, key="k").without_first_text()
    other = conversation.newest
    message = attrs.evolve(plain.message, edited_at_us=NOON_US + 1, reply_to=other, thread_id=other)
    return attrs.evolve(
        plain,
        message=message,
        sender_only=True,
        own_edit=Edit(body=Body("as its sender has it"), at_us=NOON_US + 2),
        hidden_by_sender=True,
        hidden_by_recipient=True,
        own_link=Link(reply_to=other, thread_id=conversation.newest),
    )


def begun(contact: Contact, *, number: int = 0) -> Conversation:
    """A conversation of Ann and Bob with one message of hers."""
    newest = next_message_id(NOON_US, number, None)
    return Conversation(
        id=contact.conversation_id,
        pair=contact.pair,
        newest=newest,
        oldest=newest,
        low=Side(exists=True, newest=newest, said=newest),
        high=Side(exists=True, newest=newest, heard=newest, unread=1),
    )


def begin(tx: Transaction, *, key: str | None = None) -> Conversation:
    contact = tx.contacts.hold(PAIR, actor=ANN.id)
    conversation = begun(contact)
    tx.conversations.add(conversation)
    tx.messages.add(posting(conversation, key=key))
    tx.mailboxes.save(contact.actor)
    tx.mailboxes.save(attrs.evolve(contact.partner, unread=1))
    return conversation
