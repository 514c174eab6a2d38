"""A conversation as each of its two has it."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmcore.domain.conversation import Conversation, Folder, Listing, Request, Side
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
        oldest=message(1),
        low=low or Side(),
        high=high or Side(),
    )


@pytest.mark.parametrize("asks", [False, True], ids=["freely", "as a request"])
def test_a_side_exists_from_its_first_visible_message(asks: bool) -> None:
    assert not Side().exists
    assert not Side(blocks=True).exists
    assert Side(blocks=True).after_writing(message(1), asks=asks).exists
    assert Side(blocks=True).after_receiving(message(1), is_request=asks).exists


@pytest.mark.promise("BLOCK-1")
def test_a_side_that_blocks_adds_nothing_to_the_unread_total() -> None:
    assert Side(newest=message(1), unread=3).counted_unread == 3
    assert Side(newest=message(1), unread=3, blocks=True).counted_unread == 0


sides = st.builds(
    Side,
    exists=st.just(True),
    newest=st.none() | st.just(message(1)),
    read=st.none() | st.just(message(1)),
    unread=st.integers(0, 9),
    blocks=st.booleans(),
    is_muted=st.booleans(),
    is_archived=st.booleans(),
    request=st.sampled_from([None, *Request]),
    asked=st.none() | st.integers(1, 9),
)


@pytest.mark.promise("PAGE-2", "BLOCK-1", "REQ-1", "MSG-5")
@given(side=sides)
def test_a_side_stands_in_one_list_or_in_none(side: Side) -> None:
    """Said once more as conditions that exclude each other."""
    is_listed = side.newest is not None and not side.blocks and side.request != "declined"
    expected = {
        Folder.REQUESTS: is_listed and side.request == "pending",
        Folder.ARCHIVED: is_listed and side.request is None and side.is_archived,
        Folder.INBOX: is_listed and side.request is None and not side.is_archived,
    }
    assert [folder for folder, is_there in expected.items() if is_there] == [
        folder for folder in (side.folder,) if folder is not None
    ]


@pytest.mark.promise("READ-3")
@given(side=sides)
def test_a_listing_says_what_the_side_says_and_only_the_inbox_counts(side: Side) -> None:
    if side.folder is None:
        assert side.listing is None
    else:
        assert side.listing == Listing(
            folder=side.folder,
            newest=message(1),
            read=side.read,
            unread=side.unread,
            is_muted=side.is_muted,
        )
    is_inbox = side.listing is not None and side.listing.folder is Folder.INBOX
    assert side.counted_unread == (side.unread if is_inbox else 0)


@pytest.mark.promise("MSG-5", "REQ-1")
@given(side=sides, asks=st.booleans())
def test_writing_brings_a_conversation_back_and_accepts_it(side: Side, asks: bool) -> None:
    after = side.after_writing(message(2), asks=asks)
    assert after == attrs.evolve(
        side,
        newest=message(2),
        said=message(2),
        is_archived=False,
        request=None,
        asked=(side.asked or 0) + 1 if asks else None,
    )


@pytest.mark.promise("MSG-5", "REQ-1")
@given(side=sides, is_request=st.booleans())
def test_being_written_to_brings_back_what_is_not_muted_and_answers(
    side: Side, is_request: bool
) -> None:
    after = side.after_receiving(message(2), is_request=is_request)
    assert after == attrs.evolve(
        side,
        newest=message(2),
        heard=message(2),
        unread=side.unread + 1,
        is_archived=side.is_archived if side.is_muted else False,
        request=Request.PENDING if is_request else side.request,
        asked=None,
    )


@pytest.mark.promise("REQ-1")
@pytest.mark.parametrize("bob_has_it", [False, True])
def test_a_start_that_asks_is_a_request_to_whom_it_is_new(bob_has_it: bool) -> None:
    """Bob, who wrote to Ann while she blocked him, has the conversation and wanted it."""
    theirs = Side(exists=True, newest=message(1)) if bob_has_it else Side()
    after = begun(high=theirs).with_message(message(2), ANN, sender_only=False, asks=True)
    assert after.low.asked == 1
    assert after.high.request is (None if bob_has_it else Request.PENDING)


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
    after = begun().with_message(message(2), sender, sender_only=False, asks=False)
    assert after.newest == message(2)
    assert after.side_of(sender) == Side(exists=True, newest=message(2), said=message(2))
    assert after.side_of(recipient) == Side(
        exists=True, newest=message(2), heard=message(2), unread=1
    )


@pytest.mark.promise("BLOCK-2")
@pytest.mark.parametrize(("sender", "recipient"), [(ANN, BOB), (BOB, ANN)])
@pytest.mark.parametrize("asks", [False, True], ids=["freely", "as a request"])
def test_a_sender_only_message_leaves_no_trace_on_the_other_side(
    sender: UserId, recipient: UserId, asks: bool
) -> None:
    before = begun(
        low=Side(exists=True, newest=message(1)),
        high=Side(exists=True, newest=message(1), unread=1),
    )
    after = before.with_message(message(2), sender, sender_only=True, asks=asks)
    assert after.newest == message(2)
    assert after.side_of(sender).newest == message(2)
    assert after.side_of(recipient) == before.side_of(recipient)


def test_writing_marks_nothing_as_read() -> None:
    before = begun(low=Side(exists=True, newest=message(1), read=message(1), unread=4))
    after = before.with_message(message(2), ANN, sender_only=False, asks=False)
    assert (after.low.read, after.low.unread) == (message(1), 4)
    assert after.low.newest == after.low.said == message(2)
