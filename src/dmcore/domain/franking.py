"""Franking: what proves later that exactly this was sent, by whom, where and when (CRYPT-2).

A message has a tag that only this installation can make, over a commitment to its text and all that
belongs to it. The recipient is given the tag; with the text and the key of the commitment it proves
itself, whatever became of the stored copy.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, Self

import attrs

from dmcore.domain.body import Body
from dmcore.domain.envelope import LARGEST_ENVELOPE
from dmcore.domain.ids import ConversationId, MessageId, TenantId, User, UserId
from dmcore.domain.instants import is_instant, to_datetime
from dmcore.domain.message import Message
from dmcore.domain.pseudonyms import pseudonym_of
from dmcore.errors import InvalidReport

KEY_SIZE: Final = 32
TAG_SIZE: Final = 32

# What is not sealed the site can read: its commitment hides nothing.
_OPEN_KEY: Final = bytes(KEY_SIZE)
_NEVER_US: Final = -1


def commitment_to(text: str, key: bytes) -> bytes:
    """What binds a sender to a text, and tells nothing of it to who has no key."""
    return hmac.digest(key, text.encode(), "sha256")


@attrs.frozen(kw_only=True)
class Disclosure:
    """A message as its recipient kept it, and shows it in a report.

    ``key`` opens the commitment to ``text``, ``tag`` is what the message came with. Raises
    ``InvalidReport`` for what no message could be.
    """

    message: MessageId
    sender: UserId
    text: str = attrs.field(repr=False)
    sent_at_us: int
    edited_at_us: int | None = None
    tag: bytes = attrs.field(repr=False)
    key: bytes = attrs.field(default=_OPEN_KEY, repr=False)

    def __attrs_post_init__(self) -> None:
        sizes = (KEY_SIZE, TAG_SIZE)
        if (len(self.key), len(self.tag)) != sizes:
            raise InvalidReport("a disclosure has a key and a tag of their sizes")
        if not (_is_text(self.text) and _is_text(self.sender)):
            raise InvalidReport("a disclosed message is a text of somebody")
        times = (self.sent_at_us, *(() if self.edited_at_us is None else (self.edited_at_us,)))
        if not all(is_instant(it) for it in times):
            raise InvalidReport("a disclosure has times in microseconds")

    @property
    def sent_at(self) -> datetime:
        """When the message was sent, in UTC."""
        return to_datetime(self.sent_at_us)

    @classmethod
    def of(cls, message: Message) -> Self:
        """What to keep of a message of the other's that is not sealed, to show it later.

        Raises ``InvalidReport`` where there is nothing to show, or nothing that proves it.
        """
        if message.body is None or message.franking is None or message.is_sealed:
            raise InvalidReport("there is nothing in this message that could be proven")
        return cls(
            message=message.id,
            sender=message.sender,
            text=message.body.text,
            sent_at_us=message.sent_at_us,
            edited_at_us=message.edited_at_us,
            tag=message.franking,
        )


def _is_text(value: object) -> bool:
    """Whether a store can keep it: what was sealed nobody has looked at yet."""
    if not isinstance(value, str) or not 0 < len(value) <= LARGEST_ENVELOPE:
        return False
    return not any(it == "\0" or "\ud800" <= it <= "\udfff" for it in value)


def franked(message: Message, namespace: bytes, tenant: TenantId) -> Message:
    """The message with the tag for what it says now; without one where it says nothing."""
    commitment = _commitment_of(message)
    if commitment is None:
        return attrs.evolve(message, franking=None)
    tag = _tag(
        namespace,
        tenant,
        message.conversation,
        message=message.id,
        sender=message.sender,
        sent_at_us=message.sent_at_us,
        edited_at_us=message.edited_at_us,
        commitment=commitment,
    )
    return attrs.evolve(message, franking=tag)


def is_as_franked(message: Message, namespace: bytes, tenant: TenantId) -> bool | None:
    """Whether a message says what it said when it was sent; ``None`` where it has no tag."""
    if message.franking is None:
        return None
    expected = franked(message, namespace, tenant).franking
    return expected is not None and hmac.compare_digest(message.franking, expected)


def check_disclosure(
    disclosure: Disclosure, namespace: bytes, conversation: ConversationId, partner: User
) -> None:
    """Whether exactly this was sent by the partner, in this conversation and at this time.

    Somebody who was erased since is known by what is left of them. Raises ``InvalidReport``.
    """
    tag = _tag(
        namespace,
        partner.tenant,
        conversation,
        message=disclosure.message,
        sender=disclosure.sender,
        sent_at_us=disclosure.sent_at_us,
        edited_at_us=disclosure.edited_at_us,
        commitment=commitment_to(disclosure.text, disclosure.key),
    )
    sender = attrs.evolve(partner, id=disclosure.sender)
    is_theirs = partner in (sender, pseudonym_of(namespace, sender))
    if not hmac.compare_digest(tag, disclosure.tag) or not is_theirs:
        raise InvalidReport("a disclosed message was not sent like this")


def _commitment_of(message: Message) -> bytes | None:
    if message.is_sealed:
        envelope = message.envelope
        return None if envelope is None else envelope.commitment
    return None if message.body is None else commitment_to(message.body.text, _OPEN_KEY)


def _tag(
    namespace: bytes,
    tenant: TenantId,
    conversation: ConversationId,
    *,
    message: MessageId,
    sender: UserId,
    sent_at_us: int,
    edited_at_us: int | None,
    commitment: bytes,
) -> bytes:
    when = (sent_at_us, _NEVER_US if edited_at_us is None else edited_at_us)
    told: Sequence[bytes] = (
        tenant.encode(),
        conversation.bytes,
        message.bytes,
        sender.encode(),
        *(it.to_bytes(8, "big", signed=True) for it in when),
        commitment,
    )
    whole = b"".join(len(it).to_bytes(4, "big") + it for it in told)
    return hmac.digest(_key_of(namespace), whole, "sha256")


# The same for every message of an installation.
@lru_cache(maxsize=16)
def _key_of(namespace: bytes) -> bytes:
    return hmac.digest(namespace, b"dmcore franking 1", "sha256")


def text_of(disclosure: Disclosure) -> Body:
    """What was disclosed, as it is kept for the moderators."""
    return Body(disclosure.text)
