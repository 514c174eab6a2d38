"""Franking: a recipient proves what was sent to them, and nobody proves anything else."""

from typing import Any, Final

import attrs
import pytest

from dmcore import (
    Disclosure,
    EvidenceItem,
    EvidenceVerdict,
    Mailbox,
    Message,
    Policy,
    UserId,
)
from dmcore.domain.ids import MessageId, neighbour_of
from dmcore.errors import AccessDenied, InvalidReport
from dmcore.testing.conformance.devices import enrol
from dmcore.testing.conformance.sealing import envelope
from dmcore.testing.harness import Harness
from dmcore.testing.world import World, thread_of

SHOWING: Final = Policy(
    messages=None,
    starts=None,
    key_claims=None,
    reports=None,
    sealing="offered",
    blocked="absorb",
    evidence="reporter_selected",
)


def received(box: Mailbox, message: Message) -> Message:
    """The message as its recipient has it."""
    (found,) = (it for it in thread_of(box, message.conversation) if it.id == message.id)
    return found


def evidence_of(world: World, box: Mailbox, **named: Any) -> tuple[EvidenceItem, ...]:
    """What a moderator sees of a report."""
    made = box.report(reason="threat", **named)
    desk = world.dm.moderation("mod")
    desk.take(made.id)
    return desk.evidence(made.id)


class TestFranking:
    """Franking: a recipient proves what was sent to them, and nobody proves anything else."""

    @pytest.fixture
    def world(self, harness: Harness) -> World:
        return World(harness, policy=SHOWING)

    @pytest.mark.promise("CRYPT-2", "MOD-1")
    @pytest.mark.parametrize("fate", ["there", "changed", "taken back", "erased", "cleared"])
    def test_what_was_kept_is_proven_whatever_became_of_it(self, world: World, fate: str) -> None:
        sent = world.ann.start("bob", "I will find you")
        it = sent.conversation
        kept = Disclosure.of(received(world.bob, sent))
        world.tick()
        if fate == "changed":
            world.ann.edit(it, sent.id, "I like you")
        elif fate == "taken back":
            world.ann.delete(it, sent.id)
        elif fate == "erased":
            world.olga.erase("ann")
        elif fate == "cleared":
            world.bob.clear(it)
        (item,) = evidence_of(world, world.bob, conversation=it, disclosures=[kept])
        assert item.body is not None
        assert (item.body.text, item.verdict) == ("I will find you", EvidenceVerdict.PROVEN)
        assert (item.message, item.sent_at_us) == (sent.id, sent.sent_at_us)
        assert (item.sender == "ann") is (fate != "erased")
        assert world.is_sound()

    @pytest.mark.promise("CRYPT-2", "MOD-1")
    def test_a_later_text_is_proven_as_such(self, world: World) -> None:
        sent = world.ann.start("bob", "first")
        world.tick()
        world.ann.edit(sent.conversation, sent.id, "second")
        kept = Disclosure.of(received(world.bob, sent))
        world.ann.delete(sent.conversation, sent.id)
        (item,) = evidence_of(world, world.bob, conversation=sent.conversation, disclosures=[kept])
        assert item.edited_at_us == world.clock.now_us()
        assert item.verdict is EvidenceVerdict.PROVEN

    @pytest.mark.promise("CRYPT-2", "MOD-1")
    def test_what_was_not_sent_like_this_proves_nothing(self, world: World) -> None:
        sent = world.ann.start("bob", "I like you")
        other = world.ann.send(sent.conversation, "and your cat")
        elsewhere = world.cyd.start("bob", "I like you")
        kept = Disclosure.of(received(world.bob, sent))
        assert kept.sent_at == sent.sent_at
        also = Disclosure.of(received(world.bob, other))
        wrong: tuple[dict[str, Any], ...] = (
            {"text": "I will find you"},
            {"message": other.id},
            {"message": MessageId(neighbour_of(sent.id, 1))},
            {"sent_at_us": sent.sent_at_us + 1},
            {"edited_at_us": sent.sent_at_us},
            {"tag": also.tag},
            {"tag": bytes(32)},
            {"key": b"k" * 32},
            {"sender": UserId("bob")},
            {"sender": UserId("cyd")},
        )
        for changed in wrong:
            forged = attrs.evolve(kept, **changed)
            with world.unchanged(), pytest.raises(InvalidReport):
                evidence_of(world, world.bob, conversation=sent.conversation, disclosures=[forged])
        # In another conversation, of somebody else, and to whoever was not there.
        for box, place in (
            (world.bob, elsewhere.conversation),
            (world.ann, sent.conversation),
        ):
            with world.unchanged(), pytest.raises(InvalidReport):
                evidence_of(world, box, conversation=place, disclosures=[kept])
        with world.unchanged(), pytest.raises(AccessDenied):
            evidence_of(world, world.dan, conversation=sent.conversation, disclosures=[kept])
        with world.unchanged(), pytest.raises(InvalidReport):
            world.bob.report("ann", disclosures=[kept], reason="threat")
        for sizes in ({"tag": b""}, {"key": b""}):
            short: dict[str, Any] = dict(sizes)
            with pytest.raises(InvalidReport):
                attrs.evolve(kept, **short)

    @pytest.mark.promise("CRYPT-2", "MOD-1")
    def test_a_copy_says_whether_it_is_what_was_sent(self, world: World) -> None:
        sent = world.ann.start("bob", "I like you")
        gone = world.ann.send(sent.conversation, "x")
        world.ann.delete(gone.conversation, gone.id)
        own = world.bob.send(sent.conversation, "y")
        items = evidence_of(
            world,
            world.bob,
            conversation=sent.conversation,
            messages=[sent.id, gone.id, own.id],
        )
        verdicts = {item.message: item.verdict for item in items}
        assert verdicts == {sent.id: EvidenceVerdict.PROVEN, gone.id: None, own.id: None}

    @pytest.mark.promise("CRYPT-2", "MOD-4", "BLOCK-2")
    def test_what_proves_a_message_is_given_to_its_recipient_alone(self, world: World) -> None:
        sent = world.ann.start("bob", "x")
        assert sent.franking is None
        assert received(world.ann, sent).franking is None
        assert received(world.bob, sent).franking is not None
        with pytest.raises(InvalidReport):
            Disclosure.of(received(world.ann, sent))
        world.ann.edit(sent.conversation, sent.id, "y")
        world.ann.delete(sent.conversation, sent.id)
        assert received(world.bob, sent).franking is None

    @pytest.mark.promise("CRYPT-2", "MOD-4")
    def test_a_change_that_stays_with_its_sender_changes_nothing_that_is_proven(
        self, world: World
    ) -> None:
        sent = world.ann.start("bob", "I will find you")
        before = received(world.bob, sent)
        world.dm.moderation("mod").restrict("ann", kind="shadow_ban", reason="spam")
        world.ann.edit(sent.conversation, sent.id, "I like you")
        seen = received(world.bob, sent)
        assert (seen, seen.franking) == (before, before.franking)
        (item,) = evidence_of(world, world.bob, conversation=sent.conversation, messages=[sent.id])
        assert item.verdict is EvidenceVerdict.PROVEN

    @pytest.mark.promise("CRYPT-2", "MOD-1")
    def test_where_no_evidence_is_kept_none_is_by_disclosing_it(self, harness: Harness) -> None:
        world = World(harness, policy=attrs.evolve(SHOWING, evidence="never"))
        sent = world.ann.start("bob", "I will find you")
        kept = Disclosure.of(received(world.bob, sent))
        world.ann.delete(sent.conversation, sent.id)
        made = world.bob.report(conversation=sent.conversation, disclosures=[kept], reason="threat")
        assert world.dm.moderation("mod").report(made.id).messages == 1
        assert "I will find you" not in repr(world.harness.contents())

    @pytest.mark.promise("CRYPT-2")
    def test_a_sealed_message_has_a_tag_for_its_commitment(self, world: World) -> None:
        for box in (world.ann, world.bob):
            enrol(box)
        sent = world.ann.start("bob", envelope(world.ann, "bob"))
        seen = received(world.bob, sent)
        assert seen.franking is not None
        with pytest.raises(InvalidReport):
            Disclosure.of(seen)
        (item,) = evidence_of(world, world.bob, conversation=sent.conversation, messages=[sent.id])
        assert item.verdict is EvidenceVerdict.SEALED
