"""Reports of sealed messages: the recipient proves a text that the site never had."""

from typing import Any

import attrs
import pytest
from tests.e2ee.people import Person

from dmcore import Body, EvidenceVerdict
from dmcore.adapters.e2ee import SealingDevice
from dmcore.adapters.memory._transactions import MemoryTransactions
from dmcore.errors import InvalidReport
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import World

pytestmark = pytest.mark.promise("CRYPT-2", "MOD-1")


@pytest.mark.parametrize("fate", ["there", "changed", "taken back", "erased"])
def test_a_sealed_message_is_proven_whatever_became_of_it(
    ann: Person, bob: Person, world: World, fate: str
) -> None:
    sent = ann.say(bob, "I will find you")
    assert bob.read(ann) == ["I will find you"]
    if fate == "changed":
        ann.change(bob, sent, "I like you")
    elif fate == "taken back":
        ann.box.delete(sent.conversation, sent.id)
    elif fate == "erased":
        world.olga.erase("ann")
    again = SealingDevice.imported(bob.device.exported("p"), "p")
    made = bob.box.report(
        conversation=sent.conversation, disclosures=[again.disclosure(sent.id)], reason="threat"
    )
    desk = world.dm.moderation("mod")
    desk.take(made.id)
    (item,) = desk.evidence(made.id)
    assert item.body is not None
    assert (item.body.text, item.verdict) == ("I will find you", EvidenceVerdict.PROVEN)
    assert item.sent_at_us == sent.sent_at_us


def test_another_text_is_not(ann: Person, bob: Person, world: World) -> None:
    sent = ann.say(bob, "I like you")
    bob.read(ann)
    kept = bob.device.disclosure(sent.id)
    wrong: tuple[dict[str, Any], ...] = (
        {"text": "I will find you"},
        {"key": bytes(32)},
        {"sent_at_us": 0},
    )
    for changed in wrong:
        with world.unchanged(), pytest.raises(InvalidReport):
            bob.box.report(
                conversation=sent.conversation,
                disclosures=[attrs.evolve(kept, **changed)],
                reason="threat",
            )


def test_what_somebody_altered_stays_altered_whatever_its_sender_does(
    ann: Person, bob: Person, world: World
) -> None:
    """Another text that does not arrive is no new tag for the one that is there."""
    sent = ann.box.start("bob", "I like you")
    runner = runner_of(world.dm)
    assert isinstance(runner, MemoryTransactions)
    rows = runner._store.postings[sent.conversation]
    message = attrs.evolve(rows[0].message, body=Body("I will find you"))
    rows[0] = attrs.evolve(rows[0], message=message)
    bob.box.block("ann")
    ann.box.edit(sent.conversation, sent.id, "I like you very much")
    bob.box.unblock("ann")
    made = bob.box.report(conversation=sent.conversation, messages=[sent.id], reason="threat")
    desk = world.dm.moderation("mod")
    desk.take(made.id)
    (item,) = desk.evidence(made.id)
    assert item.verdict is EvidenceVerdict.ALTERED


def test_what_was_not_opened_here_or_is_ones_own_proves_nothing(ann: Person, bob: Person) -> None:
    sent = ann.say(bob, "x")
    ann.read(bob)
    for device in (bob.device, ann.device):
        with pytest.raises(InvalidReport):
            device.disclosure(sent.id)
