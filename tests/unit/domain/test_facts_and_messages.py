"""Facts and messages: what they hold, and the time in them."""

from datetime import UTC, datetime
from uuid import UUID

import attrs
import pytest

from dmcore.domain.body import Body
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import ConversationId, Key, MessageId, TenantId, User, UserId
from dmcore.domain.message import Message, Posting

WHEN_US = 1_893_499_200_123_456
WHEN = datetime(2030, 1, 1, 12, 0, 0, 123_456, tzinfo=UTC)
MESSAGE = Message(
    id=MessageId(UUID(int=1)),
    conversation=ConversationId(UUID(int=2)),
    sender=UserId("ann"),
    body=Body("hello"),
    sent_at_us=WHEN_US,
)


def test_a_message_says_when_it_was_accepted() -> None:
    assert MESSAGE.sent_at == WHEN


@pytest.mark.promise("BLOCK-2")
def test_nothing_in_a_message_tells_whether_anyone_else_can_see_it() -> None:
    """A closed list: the message of an absorbed send equals one that arrives."""
    assert [field.name for field in attrs.fields(Message)] == [
        "id",
        "conversation",
        "sender",
        "body",
        "sent_at_us",
    ]


@pytest.mark.promise("LEAK-1")
def test_a_posting_shows_neither_its_text_nor_its_key() -> None:
    posting = Posting(message=MESSAGE, key=Key("a secret key"), sender_only=False)
    assert "secret" not in repr(posting)
    assert "hello" not in repr(posting)


@pytest.mark.promise("AUD-1")
def test_a_fact_says_when_it_happened_and_leaves_out_what_does_not_apply() -> None:
    fact = Fact(action=Action.USER_BLOCKED, actor=UserId("ann"), at_us=WHEN_US)
    assert fact.at == WHEN
    assert (fact.other, fact.conversation, fact.message, fact.mode) == (None, None, None, None)


@pytest.mark.promise("AUD-1")
def test_the_words_of_the_journal_stay_the_same_between_versions() -> None:
    """They are stored: a word that changes is a word that cannot be read any more."""
    assert [str(action) for action in Action] == [
        "conversation_started",
        "message_sent",
        "marked_read",
        "user_blocked",
        "user_unblocked",
        "mode_changed",
    ]


def test_an_entry_belongs_to_a_user_of_a_tenant() -> None:
    fact = Fact(action=Action.MESSAGE_SENT, actor=UserId("ann"), at_us=1)
    here, there = (
        Entry(owner=User(TenantId(tenant), UserId("bob")), position=1, fact=fact)
        for tenant in ("", "acme")
    )
    assert here != there
