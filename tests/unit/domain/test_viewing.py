"""What a participant does to their own view, and how little of it the partner learns."""

from collections.abc import Callable

import attrs
import pytest
from tests.unit.domain.situation import ANN, BOB, FIRST, ID, NOW_US, Situation

from dmcore.domain.contact import Contact, Outcome
from dmcore.domain.conversation import Request, Side
from dmcore.domain.events import Action
from dmcore.domain.ids import MessageId, next_message_id
from dmcore.domain.message import Receipt
from dmcore.domain.preferences import Preferences
from dmcore.domain.viewing import (
    Marking,
    accepted,
    archived,
    cleared,
    declined,
    marked_read,
    muted,
    unarchived,
    unmuted,
)
from dmcore.errors import NoRequest, YouBlockedThem

SECOND = next_message_id(NOW_US - 500_000, 0, FIRST)
WAITING = Side(exists=True, newest=SECOND, heard=SECOND, unread=2)
WROTE = Side(exists=True, newest=SECOND)
ALL = Marking(unread_after=0, seen=SECOND)
HIDING = Preferences(receipts=False)


def situation(side: Side = WAITING, partner: Side = WROTE) -> Situation:
    return Situation(unread=10).with_conversation(actor_side=side, partner_side=partner)


def told(outcome: Outcome) -> dict[str, Action]:
    return {entry.owner.id: entry.fact.action for entry in outcome.entries}


def side_after(outcome: Outcome | None) -> Side:
    assert outcome is not None
    assert outcome.conversation is not None
    return outcome.conversation.low


def mark(contact: Contact, marking: Marking = ALL) -> Outcome:
    outcome = marked_read(contact, marking, through=SECOND, now_us=NOW_US)
    assert outcome is not None
    return outcome


# Reading ----------------------------------------------------------------------------------------


@pytest.mark.promise("READ-1", "READ-2")
def test_reading_moves_the_marker_and_gives_a_receipt() -> None:
    outcome = mark(situation().contact())
    assert side_after(outcome) == attrs.evolve(WAITING, read=SECOND, told=SECOND, unread=0)
    assert outcome.receipt == Receipt(conversation=ID, reader=ANN, through=SECOND, at_us=NOW_US)
    assert told(outcome) == {ANN: Action.MARKED_READ, BOB: Action.MESSAGES_SEEN}
    assert {entry.fact.message for entry in outcome.entries} == {SECOND}
    assert [account.unread for account in outcome.accounts] == [8, 2]
    assert outcome.conversation is not None
    assert outcome.conversation.high == WROTE


@pytest.mark.promise("READ-2", "BLOCK-1", "REQ-1")
@pytest.mark.parametrize(
    "silent",
    [
        situation().but(ann_prefers=HIDING),
        situation().but(bob_prefers=HIDING),
        situation().but(bob_blocks=True),
        situation().but(ann_blocks=True),
        situation(attrs.evolve(WAITING, request=Request.PENDING)),
        situation(attrs.evolve(WAITING, request=Request.DECLINED)),
        situation(partner=Side()),
    ],
    ids=["reader hides", "partner hides", "blocked", "blocks", "request", "declined", "unknown"],
)
def test_a_reader_who_shows_nothing_reads_all_the_same(silent: Situation) -> None:
    contact = silent.contact()
    outcome = mark(contact)
    assert side_after(outcome) == attrs.evolve(contact.side, read=SECOND, unread=0)
    assert outcome.receipt is None
    assert told(outcome) == {ANN: Action.MARKED_READ}


@pytest.mark.promise("READ-1")
def test_what_was_read_and_told_before_changes_nothing() -> None:
    read = attrs.evolve(WAITING, read=SECOND, told=SECOND, unread=0)
    nothing = Marking(unread_after=0, seen=None)
    contact = situation(read).contact()
    assert marked_read(contact, nothing, through=SECOND, now_us=NOW_US) is None
    back = Marking(unread_after=1, seen=None)
    assert marked_read(contact, back, through=FIRST, now_us=NOW_US) is None


@pytest.mark.promise("READ-1", "READ-2")
@pytest.mark.parametrize("through", [FIRST, SECOND])
def test_what_was_read_in_silence_is_not_told_by_marking_it_again(through: MessageId) -> None:
    """Or its reader would learn, from their own journal, that it was not told at first."""
    read = attrs.evolve(WAITING, read=SECOND, unread=0)
    earlier = Marking(unread_after=0, seen=FIRST)
    assert marked_read(situation(read).contact(), earlier, through=through, now_us=NOW_US) is None


# Sorting ----------------------------------------------------------------------------------------

FLAGS: dict[str, tuple[Callable[[Contact, int], Outcome | None], Action, Side, Side]] = {
    "mute": (
        muted,
        Action.CONVERSATION_MUTED,
        WAITING,
        attrs.evolve(WAITING, is_muted=True),
    ),
    "unmute": (
        unmuted,
        Action.CONVERSATION_UNMUTED,
        attrs.evolve(WAITING, is_muted=True),
        WAITING,
    ),
    "archive": (
        archived,
        Action.CONVERSATION_ARCHIVED,
        WAITING,
        attrs.evolve(WAITING, is_archived=True),
    ),
    "unarchive": (
        unarchived,
        Action.CONVERSATION_UNARCHIVED,
        attrs.evolve(WAITING, is_archived=True),
        WAITING,
    ),
    "clear": (
        cleared,
        Action.HISTORY_CLEARED,
        WAITING,
        attrs.evolve(WAITING, cleared=SECOND, newest=None, unread=0),
    ),
    "decline": (
        declined,
        Action.REQUEST_DECLINED,
        attrs.evolve(WAITING, request=Request.PENDING),
        attrs.evolve(WAITING, request=Request.DECLINED),
    ),
}


@pytest.mark.promise("MSG-5", "REQ-1", "AUD-1")
@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("is_blocked", [False, True])
def test_what_one_does_to_ones_own_view_is_ones_own_affair(name: str, is_blocked: bool) -> None:
    change, action, before, after = FLAGS[name]
    contact = situation(before).but(bob_blocks=is_blocked).contact()
    outcome = change(contact, NOW_US)
    assert outcome is not None
    assert side_after(outcome) == after
    assert outcome.conversation is not None
    assert outcome.conversation.high == contact.partner_side
    assert told(outcome) == {ANN: action}
    (account,) = outcome.accounts
    assert account.unread == 10 + after.counted_unread - before.counted_unread
    assert outcome.entries[0].fact.message is None


@pytest.mark.promise("MSG-5", "REQ-1")
@pytest.mark.parametrize("name", FLAGS)
def test_twice_is_once(name: str) -> None:
    change, _, _, after = FLAGS[name]
    assert change(situation(after).contact(), NOW_US) is None


# Requests ---------------------------------------------------------------------------------------

ASKED = situation(attrs.evolve(WAITING, request=Request.PENDING), attrs.evolve(WROTE, asked=2))


@pytest.mark.promise("REQ-1")
@pytest.mark.parametrize("request_", Request)
def test_accepting_opens_both_ways_and_reveals_nothing_read(request_: Request) -> None:
    asked = situation(attrs.evolve(WAITING, request=request_), attrs.evolve(WROTE, asked=2))
    outcome = accepted(asked.contact(), NOW_US)
    assert outcome is not None
    assert side_after(outcome) == WAITING
    assert outcome.conversation is not None
    assert outcome.conversation.high == WROTE
    assert outcome.receipt is None
    assert told(outcome) == {ANN: Action.REQUEST_ACCEPTED, BOB: Action.REQUEST_ACCEPTED}
    assert [account.unread for account in outcome.accounts] == [12, 2]


@pytest.mark.promise("REQ-1", "BLOCK-1")
def test_who_blocks_the_accepting_one_is_told_nothing() -> None:
    outcome = accepted(ASKED.but(bob_blocks=True).contact(), NOW_US)
    assert outcome is not None
    assert told(outcome) == {ANN: Action.REQUEST_ACCEPTED}
    assert outcome.conversation is not None
    assert outcome.conversation.high.asked is None


@pytest.mark.promise("REQ-1", "BLOCK-1")
def test_who_blocks_unblocks_before_accepting() -> None:
    with pytest.raises(YouBlockedThem):
        accepted(ASKED.but(ann_blocks=True).contact(), NOW_US)


@pytest.mark.promise("REQ-1")
def test_what_is_no_request_is_accepted_already_and_cannot_be_declined() -> None:
    contact = situation().contact()
    assert accepted(contact, NOW_US) is None
    assert accepted(situation().but(ann_blocks=True).contact(), NOW_US) is None
    with pytest.raises(NoRequest):
        declined(contact, NOW_US)
