"""What follows from what is left, with values alone."""

import attrs
import pytest
from tests.unit.domain.test_verification import LOW, NAMESPACE, NEWEST, OLDER, SOUND

from dmcore.domain.conversation import Side
from dmcore.domain.ids import neighbour_of
from dmcore.domain.mending import Damage, mended_conversation, mended_findings

pytestmark = pytest.mark.promise("OPS-5")


def test_what_is_sound_follows_from_itself() -> None:
    assert mended_conversation(SOUND) == SOUND.conversation
    assert list(mended_findings(SOUND, SOUND.conversation, NAMESPACE)) == []
    assert Damage().is_none
    assert not Damage(strays=True).is_none


def test_a_side_is_what_the_messages_say() -> None:
    wrong = attrs.evolve(LOW, newest=None, said=NEWEST, heard=None, told=None, unread=7)
    census = attrs.evolve(SOUND, conversation=attrs.evolve(SOUND.conversation, low=wrong))
    assert mended_conversation(census) == SOUND.conversation
    rules = [it.rule for it in mended_findings(census, SOUND.conversation, NAMESPACE)]
    assert len(rules) == len(set(rules)) == 6


@pytest.mark.promise("GDPR-2")
def test_what_was_removed_has_no_receipt_any_more() -> None:
    early = neighbour_of(OLDER, -1)
    given = attrs.evolve(SOUND.low, oldest_receipt=early)
    census = attrs.evolve(SOUND, low=given)
    assert mended_conversation(census) == SOUND.conversation
    (rule,) = (it.rule for it in mended_findings(census, SOUND.conversation, NAMESPACE))
    assert rule == "a receipt is of a message that was removed"
    alone = attrs.evolve(SOUND, low=attrs.evolve(given, newest_receipt=early))
    told = attrs.evolve(LOW, told=early)
    census = attrs.evolve(alone, conversation=attrs.evolve(SOUND.conversation, low=told))
    # What was told stays so.
    assert mended_conversation(census).low.told == early


def test_who_never_had_the_conversation_has_nothing_of_it() -> None:
    nothing = attrs.evolve(SOUND.low, newest_said=None, newest_heard=None)
    stray = Side(newest=OLDER, unread=3, is_muted=True)
    census = attrs.evolve(
        SOUND, conversation=attrs.evolve(SOUND.conversation, low=stray), low=nothing
    )
    assert mended_conversation(census).low == Side()


def test_a_conversation_in_which_somebody_is_being_erased_is_left_alone() -> None:
    """The erasure remembers in it how far it is."""
    erased = attrs.evolve(LOW, cleared=neighbour_of(NEWEST, 1), unread=7)
    whole = SOUND.conversation
    for found in (attrs.evolve(whole, low=erased), attrs.evolve(whole, high=erased)):
        assert mended_conversation(attrs.evolve(SOUND, conversation=found)) == found
