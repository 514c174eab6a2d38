"""A contact: the facts about two people, seen from the one who acts."""

from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.situation import Situation

from dmcore.domain.contact import Block
from dmcore.domain.conversation import Request, Side
from dmcore.domain.ids import UserId, next_message_id
from dmcore.domain.preferences import Preferences

FIRST = next_message_id(1_000, 0, None)
THEIRS = Side(exists=True, newest=FIRST, unread=1)


def test_without_a_conversation_both_sides_are_empty() -> None:
    contact = Situation().contact()
    assert contact.side == Side()
    assert contact.partner_side == Side()
    assert contact.is_start


def test_a_conversation_that_only_the_partner_has_is_none_yet() -> None:
    """As far as the actor can see: an absorbed message of the partner tells nobody."""
    contact = Situation().with_conversation(partner_side=THEIRS).contact()
    assert contact.is_start
    assert contact.partner_side == THEIRS


def test_a_changed_side_without_a_conversation_changes_nothing() -> None:
    contact = Situation().contact()
    assert contact.with_side(Side(blocks=True)) is contact
    assert contact.with_partner_side(Side(blocks=True)) is contact


@pytest.mark.promise("BLOCK-1")
def test_the_unread_total_follows_the_side() -> None:
    side = Side(newest=FIRST, unread=3)
    contact = Situation(unread=10).with_conversation(actor_side=side).contact()
    assert contact.with_side(Side(newest=FIRST, unread=1)).actor.unread == 8
    blocking = contact.with_side(Side(newest=FIRST, unread=3, blocks=True))
    assert blocking.actor.unread == 7
    assert blocking.with_side(side) == contact
    assert blocking.partner == contact.partner


@pytest.mark.promise("REQ-1")
@pytest.mark.parametrize("request_", [Request.PENDING, Request.DECLINED])
def test_what_is_no_longer_in_the_inbox_no_longer_counts(request_: Request) -> None:
    side = Side(exists=True, newest=FIRST, unread=3)
    contact = Situation(unread=10).with_conversation(actor_side=side).contact()
    asked = contact.with_side(attrs.evolve(side, request=request_))
    assert asked.actor.unread == 7
    assert asked.with_side(side) == contact


@pytest.mark.promise("READ-2", "BLOCK-1", "REQ-1")
@given(
    prefer=st.tuples(st.booleans(), st.booleans()),
    blocks=st.tuples(st.booleans(), st.booleans()),
    request=st.sampled_from([None, *Request]),
    partner_has_it=st.booleans(),
)
def test_receipts_flow_where_nothing_stands_between(
    prefer: tuple[bool, bool],
    blocks: tuple[bool, bool],
    request: Request | None,
    partner_has_it: bool,
) -> None:
    situation = Situation(
        ann_prefers=Preferences(receipts=prefer[0]),
        bob_prefers=Preferences(receipts=prefer[1]),
        ann_blocks=blocks[0],
        bob_blocks=blocks[1],
    ).with_conversation(
        actor_side=Side(exists=True, newest=FIRST, request=request),
        partner_side=Side(exists=partner_has_it),
    )
    is_free = all(prefer) and not any(blocks) and request is None and partner_has_it
    assert situation.contact().are_receipts_on == is_free


def test_a_block_says_when_it_was_made() -> None:
    line = Block(blocked=UserId("bob"), since_us=1_000_001, position=1)
    assert line.since == datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC)
