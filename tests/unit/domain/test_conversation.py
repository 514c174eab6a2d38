"""A conversation as each of its two has it."""

import attrs
import pytest

from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.ids import MessageId, TenantId, UserId, next_message_id
from dmcore.domain.pair import Pair

ANN, BOB = UserId("ann"), UserId("bob")
PAIR = Pair.of(TenantId(""), ANN, BOB)


def message(number: int) -> MessageId:
    return next_message_id(number * 1_000, 0, None)


def begun(*, low: Side | None = None, high: Side | None = None) -> Conversation:
    return Conversation(
        id=PAIR.conversation_id(bytes(16)),
        pair=PAIR,
        newest=message(1),
        low=low or Side(),
        high=high or Side(),
    )


def test_a_side_exists_from_its_first_visible_message() -> None:
    assert not Side().exists
    assert not Side(blocks=True).exists
    assert Side(newest=message(1)).exists


@pytest.mark.promise("BLOCK-1")
def test_a_side_that_blocks_adds_nothing_to_the_unread_total() -> None:
    assert Side(newest=message(1), unread=3).counted_unread == 3
    assert Side(newest=message(1), unread=3, blocks=True).counted_unread == 0


@pytest.mark.parametrize(("user", "other"), [(ANN, BOB), (BOB, ANN)])
def test_a_changed_side_leaves_the_other_alone(user: UserId, other: UserId) -> None:
    before = begun(low=Side(unread=1), high=Side(unread=2))
    side = Side(newest=message(9), unread=9)
    after = before.with_side(user, side)
    assert after.side_of(user) == side
    assert after.side_of(other) == before.side_of(other)
    assert attrs.evolve(after, low=before.low, high=before.high) == before


@pytest.mark.parametrize(("sender", "recipient"), [(ANN, BOB), (BOB, ANN)])
def test_a_message_is_newest_on_both_sides_and_unread_on_the_other(
    sender: UserId, recipient: UserId
) -> None:
    after = begun().with_message(message(2), sender, sender_only=False)
    assert after.newest == message(2)
    assert after.side_of(sender) == Side(newest=message(2))
    assert after.side_of(recipient) == Side(newest=message(2), unread=1)


@pytest.mark.promise("BLOCK-2")
@pytest.mark.parametrize(("sender", "recipient"), [(ANN, BOB), (BOB, ANN)])
def test_a_sender_only_message_leaves_no_trace_on_the_other_side(
    sender: UserId, recipient: UserId
) -> None:
    before = begun(low=Side(newest=message(1)), high=Side(newest=message(1), unread=1))
    after = before.with_message(message(2), sender, sender_only=True)
    assert after.newest == message(2)
    assert after.side_of(sender).newest == message(2)
    assert after.side_of(recipient) == before.side_of(recipient)


def test_writing_marks_nothing_as_read() -> None:
    before = begun(low=Side(newest=message(1), read=message(1), unread=4))
    after = before.with_message(message(2), ANN, sender_only=False)
    assert after.low == Side(newest=message(2), read=message(1), unread=4)
