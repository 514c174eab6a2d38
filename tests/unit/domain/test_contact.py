"""A contact: the facts about two people, seen from the one who acts."""

from datetime import UTC, datetime

import pytest
from tests.unit.domain.situation import Situation

from dmcore.domain.contact import Block
from dmcore.domain.conversation import Side
from dmcore.domain.ids import UserId, next_message_id

FIRST = next_message_id(1_000, 0, None)


def test_without_a_conversation_both_sides_are_empty() -> None:
    contact = Situation().contact()
    assert contact.side == Side()
    assert contact.is_start
    assert contact.is_new_to_partner


def test_a_conversation_that_only_the_partner_has_is_none_yet() -> None:
    """As far as the actor can see: an absorbed message of the partner tells nobody."""
    contact = Situation().with_conversation(partner_side=Side(newest=FIRST)).contact()
    assert contact.is_start
    assert not contact.is_new_to_partner


def test_a_changed_side_without_a_conversation_changes_nothing() -> None:
    contact = Situation().contact()
    assert contact.with_side(Side(blocks=True)) is contact


@pytest.mark.promise("BLOCK-1")
def test_the_unread_total_follows_the_side() -> None:
    side = Side(newest=FIRST, unread=3)
    contact = Situation(unread=10).with_conversation(actor_side=side).contact()
    assert contact.with_side(Side(newest=FIRST, unread=1)).actor.unread == 8
    blocking = contact.with_side(Side(newest=FIRST, unread=3, blocks=True))
    assert blocking.actor.unread == 7
    assert blocking.with_side(side) == contact
    assert blocking.partner == contact.partner


def test_a_block_says_when_it_was_made() -> None:
    line = Block(blocked=UserId("bob"), since_us=1_000_001, position=1)
    assert line.since == datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC)
