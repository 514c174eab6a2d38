"""Facts and messages: what they hold, and the time in them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import attrs
import pytest

from dmcore.domain.body import Body
from dmcore.domain.conversation import Side
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import ConversationId, Key, MessageId, TenantId, User, UserId
from dmcore.domain.message import Edit, Link, Message, Posting

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


@pytest.mark.promise("MSG-5", "READ-2")
def test_a_message_says_when_it_was_changed_and_seen_if_it_was() -> None:
    assert (MESSAGE.edited_at, MESSAGE.seen_at) == (None, None)
    later = attrs.evolve(MESSAGE, edited_at_us=WHEN_US, seen_at_us=WHEN_US + 1)
    assert later.edited_at == WHEN
    assert later.seen_at == WHEN + timedelta(microseconds=1)


@pytest.mark.promise("MSG-5")
def test_a_message_without_a_text_was_taken_back() -> None:
    assert not MESSAGE.is_deleted
    assert attrs.evolve(MESSAGE, body=None).is_deleted


# What is stored of it ---------------------------------------------------------------------------

ANN, BOB = MESSAGE.sender, UserId("bob")
KEYED = Posting(message=MESSAGE, key=Key("k"))


@pytest.mark.promise("MSG-3")
def test_a_first_text_is_known_after_it_is_gone() -> None:
    kept = KEYED.without_first_text()
    for gone in (Body("another"), None):
        after = attrs.evolve(kept, message=attrs.evolve(MESSAGE, body=gone))
        assert after.came_with(Body("hello"))
        assert not after.came_with(Body("another"))


@pytest.mark.promise("MSG-3")
def test_what_stands_for_the_first_text_is_made_once_and_only_for_a_key() -> None:
    kept = KEYED.without_first_text()
    changed = attrs.evolve(kept, message=attrs.evolve(MESSAGE, body=Body("another")))
    assert changed.without_first_text() is changed
    keyless = Posting(message=MESSAGE)
    assert keyless.without_first_text() is keyless


@pytest.mark.promise("LEAK-1")
def test_what_stands_for_a_text_is_another_in_another_conversation() -> None:
    """Equal texts cannot be found by comparing what is left of them."""
    elsewhere = attrs.evolve(MESSAGE, conversation=ConversationId(UUID(int=3)))
    one, other = KEYED, attrs.evolve(KEYED, message=elsewhere)
    assert one.without_first_text().fingerprint != other.without_first_text().fingerprint


@pytest.mark.promise("MSG-5", "BLOCK-1", "BLOCK-2")
@pytest.mark.parametrize("is_blocking", [False, True])
@pytest.mark.parametrize("cleared", [None, 0, 1, 2])
@pytest.mark.parametrize("hidden_by", [None, ANN, BOB])
@pytest.mark.parametrize("sender_only", [False, True])
def test_who_sees_a_message(
    sender_only: bool, hidden_by: UserId | None, cleared: int | None, is_blocking: bool
) -> None:
    """Every case, said once more from the two readers' places."""
    posting = Posting(message=MESSAGE, sender_only=sender_only)
    posting = posting if hidden_by is None else posting.hidden_by(hidden_by)
    side = Side(
        exists=True,
        cleared=None if cleared is None else MessageId(UUID(int=cleared)),
        blocks=is_blocking,
    )
    is_gone = cleared in (1, 2)
    assert posting.is_visible_to(ANN, side) == (not is_gone and hidden_by != ANN)
    is_shown = not is_gone and hidden_by != BOB and not sender_only
    assert posting.is_shown_to(BOB, side) == is_shown
    assert posting.is_visible_to(BOB, side) == (is_shown and not is_blocking)
    assert posting.is_unread_by(BOB, side) == is_shown
    assert not posting.is_unread_by(ANN, side)


@pytest.mark.promise("READ-3")
@pytest.mark.parametrize(("read", "is_unread"), [(None, True), (0, True), (1, False), (2, False)])
def test_what_is_behind_the_marker_or_taken_back_is_not_unread(
    read: int | None, is_unread: bool
) -> None:
    side = Side(exists=True, read=None if read is None else MessageId(UUID(int=read)))
    assert KEYED.is_unread_by(BOB, side) == is_unread
    tombstone = attrs.evolve(KEYED, message=attrs.evolve(MESSAGE, body=None))
    assert not tombstone.is_unread_by(BOB, side)


@pytest.mark.promise("BLOCK-2")
def test_an_absorbed_change_and_a_private_link_are_the_senders_alone() -> None:
    other = MessageId(UUID(int=9))
    posting = Posting(
        message=MESSAGE,
        own_edit=Edit(body=Body("mine"), at_us=5),
        own_link=Link(reply_to=other, thread_id=other),
    )
    assert posting.seen_by(ANN) == attrs.evolve(
        MESSAGE, body=Body("mine"), edited_at_us=5, reply_to=other, thread_id=other
    )
    assert posting.seen_by(BOB) == MESSAGE
    shared = Posting(message=attrs.evolve(MESSAGE, reply_to=other, thread_id=other))
    assert shared.seen_by(ANN) == shared.seen_by(BOB) == shared.message


@pytest.mark.promise("MSG-6", "BLOCK-2")
def test_an_answer_is_linked_to_what_its_reader_sees() -> None:
    root = MessageId(UUID(int=9))
    to_itself = Link(reply_to=MESSAGE.id, thread_id=MESSAGE.id)
    in_chain = Link(reply_to=MESSAGE.id, thread_id=root)
    begins = Posting(message=MESSAGE)
    assert begins.link_for(ANN) == begins.link_for(BOB) == to_itself
    goes_on = Posting(message=attrs.evolve(MESSAGE, reply_to=root, thread_id=root))
    assert goes_on.link_for(ANN) == goes_on.link_for(BOB) == in_chain
    apart = Posting(message=MESSAGE, own_link=Link(reply_to=root, thread_id=root))
    assert (apart.link_for(ANN), apart.link_for(BOB)) == (in_chain, to_itself)
    absorbed = Posting(message=MESSAGE, sender_only=True)
    assert (absorbed.link_for(ANN), absorbed.link_for(BOB)) == (to_itself, None)


@pytest.mark.promise("BLOCK-2")
def test_nothing_in_a_message_tells_whether_anyone_else_can_see_it() -> None:
    """A closed list: the message of an absorbed send equals one that arrives."""
    assert [field.name for field in attrs.fields(Message)] == [
        "id",
        "conversation",
        "sender",
        "body",
        "sent_at_us",
        "edited_at_us",
        "reply_to",
        "thread_id",
        "seen_at_us",
        "is_sealed",
        "franking",
    ]


@pytest.mark.promise("LEAK-1")
def test_a_posting_shows_neither_its_text_nor_its_key() -> None:
    posting = Posting(
        message=MESSAGE,
        key=Key("a secret key"),
        own_edit=Edit(body=Body("hello again"), at_us=WHEN_US),
    ).without_first_text()
    assert posting.fingerprint is not None
    for secret in ("secret", "hello", repr(posting.fingerprint)):
        assert secret not in repr(posting)


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
        "message_edited",
        "message_deleted",
        "message_hidden",
        "marked_read",
        "messages_seen",
        "history_cleared",
        "conversation_muted",
        "conversation_unmuted",
        "conversation_archived",
        "conversation_unarchived",
        "request_accepted",
        "request_declined",
        "preferences_changed",
        "user_blocked",
        "user_unblocked",
        "mode_changed",
        "journals_pruned",
        *("report_made", "report_taken", "report_released"),
        *("report_resolved", "report_dismissed", "report_reopened"),
        *("evidence_viewed", "evidence_refused", "evidence_pruned"),
        "messages_pruned",
        *("person_erased", "erasure_previewed", "erasure_begun", "erasure_finished"),
        "erasures_recorded",
        *("user_muted", "user_unmuted", "user_suspended", "user_unsuspended"),
        *("user_shadow_banned", "user_shadow_ban_lifted", "restriction_refused"),
        *("report_refused", "erasure_refused", "call_refused"),
        *("store_restored", "store_mended", "facts_lost"),
        *("consumer_added", "consumer_forgotten", "events_retried"),
        *("encryption_turned_on", "texts_sealed", "master_key_rotated"),
        *("user_keys_rotated", "user_keys_rewrapped", "user_keys_destroyed"),
        *("device_added", "device_renewed", "device_removed"),
        *("keys_claimed", "changed_keys_seen", "conversation_sealed", "keys_changed"),
    ]


def test_an_entry_belongs_to_a_user_of_a_tenant() -> None:
    fact = Fact(action=Action.MESSAGE_SENT, actor=UserId("ann"), at_us=1)
    here, there = (
        Entry(owner=User(TenantId(tenant), UserId("bob")), position=1, fact=fact)
        for tenant in ("", "acme")
    )
    assert here != there
