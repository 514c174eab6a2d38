"""What a tag says about a message as it is stored now."""

from typing import Any
from uuid import UUID

import attrs
import pytest

from dmcore import Body, EvidenceVerdict, Message
from dmcore.domain.envelope import LARGEST_ENVELOPE
from dmcore.domain.franking import Disclosure, franked, is_as_franked
from dmcore.domain.ids import ConversationId, MessageId, TenantId, UserId
from dmcore.domain.reports import copied
from dmcore.errors import InvalidReport

pytestmark = pytest.mark.promise("CRYPT-2")
NAMESPACE, HERE = b"n" * 16, TenantId("")
SENT = franked(
    Message(
        id=MessageId(UUID(int=1)),
        conversation=ConversationId(UUID(int=2)),
        sender=UserId("ann"),
        body=Body("I like you"),
        sent_at_us=3,
    ),
    NAMESPACE,
    HERE,
)


def verdict_of(message: Message) -> EvidenceVerdict | None:
    return copied(message, is_as_franked=is_as_franked(message, NAMESPACE, HERE)).verdict


def test_what_somebody_changed_in_the_database_is_told_from_what_was_sent() -> None:
    assert verdict_of(SENT) is EvidenceVerdict.PROVEN
    for changed in (
        attrs.evolve(SENT, body=Body("I will find you")),
        attrs.evolve(SENT, sender=UserId("cyd")),
        attrs.evolve(SENT, sent_at_us=4),
        attrs.evolve(SENT, franking=bytes(32)),
    ):
        assert verdict_of(changed) is EvidenceVerdict.ALTERED


def test_a_message_from_before_there_were_tags_is_shown_without_a_verdict() -> None:
    assert verdict_of(attrs.evolve(SENT, franking=None)) is None


def test_a_damaged_envelope_has_no_tag() -> None:
    damaged = attrs.evolve(SENT, is_sealed=True, body=Body("{}"))
    assert franked(damaged, NAMESPACE, HERE).franking is None
    assert is_as_franked(damaged, NAMESPACE, HERE) is False


def test_a_tag_is_of_one_installation_and_tenant() -> None:
    assert is_as_franked(SENT, b"m" * 16, HERE) is False
    assert is_as_franked(SENT, NAMESPACE, TenantId("north")) is False


SHOWN = Disclosure(
    message=SENT.id, sender=SENT.sender, text="I like you", sent_at_us=3, tag=bytes(32)
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""},
        {"text": "a\0b"},
        {"text": "half a character: \udfff"},
        {"text": 7},
        {"text": "x" * (LARGEST_ENVELOPE + 1)},
        {"sender": "\ud800"},
        {"sent_at_us": 1 << 63},
        {"sent_at_us": True},
        {"edited_at_us": -(1 << 63)},
        {"tag": bytes(31)},
        {"key": bytes(33)},
    ],
    ids=str,
)
def test_what_no_message_could_be_is_not_disclosed(wrong: dict[str, Any]) -> None:
    """Who seals can put anything into a text, and only whoever opens it would see."""
    with pytest.raises(InvalidReport):
        attrs.evolve(SHOWN, **wrong)
    assert attrs.evolve(SHOWN, edited_at_us=4, text="x" * LARGEST_ENVELOPE).edited_at_us == 4
