"""Evidence: what is copied, who may look at it, for how long, and what is noted (MOD-1, MOD-2)."""

from datetime import timedelta

import attrs
import pytest

from dmcore import Action, EvidenceItem, EvidenceVerdict, Message, ReportReceipt
from dmcore.errors import AccessDenied, DmcoreError, EvidenceDenied, InvalidSetting
from dmcore.testing.conformance.reports import SHOWING
from dmcore.testing.conformance.sights import NOWHERE, seen_in, stored
from dmcore.testing.world import UNLIMITED, MakeWorld, World

SHORT = attrs.evolve(SHOWING, evidence_kept=timedelta(minutes=10))


def conversed(world: World) -> list[Message]:
    """Five messages of ann and bob, of which one was edited and one taken back."""
    first = world.bob.start("ann", "the neighbour before")
    here = first.conversation
    edited = world.bob.send(here, "not yet the door code")
    world.tick()
    edited = world.bob.edit(here, edited.id, "the door code is zebra")
    world.tick()
    mine = world.ann.send(here, "stop that", reply_to=edited.id)
    gone = world.bob.send(here, "taken back")
    world.bob.delete(here, gone.id)
    last = world.bob.send(here, "the neighbour after")
    return [first, edited, mine, seen_in(world.ann, here, gone.id), last]


def chosen_from(world: World, messages: list[Message]) -> ReportReceipt:
    return world.ann.report(
        conversation=messages[0].conversation,
        messages=[it.id for it in messages],
        reason="threat",
    )


def refused(world: World, moderator: str, report: object) -> DmcoreError:
    """How a look is refused, which is noted and changes nothing else."""
    before = len(world.journal(moderator))
    with pytest.raises(DmcoreError) as caught:
        world.dm.moderation(moderator).evidence(str(report))
    (entry,) = world.journal(moderator)[before:]
    assert entry.fact.action is Action.EVIDENCE_REFUSED
    assert str(entry.fact.report) == str(report)
    return caught.value


class TestEvidence:
    """Evidence: what is copied, who may look at it, for how long, and what is noted."""

    @pytest.mark.promise("MOD-1", "MOD-2", "AUD-1")
    def test_exactly_the_chosen_messages_are_shown_as_the_reporter_saw_them(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(SHOWING)
        messages = conversed(world)
        made = chosen_from(world, messages[1:4])
        desk = world.dm.moderation("mod")
        desk.take(made.id)
        world.tick()
        found = desk.evidence(made.id)
        # What the other sent is proven; one's own message and a gap prove nothing.
        proven = [EvidenceVerdict.PROVEN, None, None]
        assert found == tuple(
            EvidenceItem(
                message=it.id,
                sender=it.sender,
                body=it.body,
                sent_at_us=it.sent_at_us,
                edited_at_us=it.edited_at_us,
                verdict=verdict,
            )
            for it, verdict in zip(messages[1:4], proven, strict=True)
        )
        assert [it.body and it.body.text for it in found] == [
            "the door code is zebra",
            "stop that",
            None,
        ]
        assert [it.sent_at for it in found] == [it.sent_at for it in messages[1:4]]
        assert [it.edited_at for it in found] == [it.edited_at for it in messages[1:4]]
        assert "zebra" not in repr(found)
        entry = world.journal("mod")[-1]
        fact = entry.fact
        assert (fact.action, fact.actor, fact.other) == (Action.EVIDENCE_VIEWED, "mod", "bob")
        assert (fact.conversation, fact.report) == (messages[0].conversation, made.id)
        assert fact.at_us == world.clock.now_us()
        assert world.is_sound()

    @pytest.mark.promise("MOD-1")
    def test_what_becomes_of_a_message_later_does_not_change_the_copy(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(SHOWING)
        first, edited, *_ = conversed(world)
        here = first.conversation
        made = chosen_from(world, [first, edited])
        desk = world.dm.moderation("mod")
        desk.take(made.id)
        before = desk.evidence(made.id)
        world.bob.edit(here, first.id, "nothing to see")
        world.bob.delete(here, edited.id)
        world.ann.clear(here)
        world.ann.block("bob")
        assert desk.evidence(made.id) == before

    @pytest.mark.promise("MOD-1")
    def test_an_edit_that_never_arrived_is_not_in_the_copy(self, make_world: MakeWorld) -> None:
        """The copy is what the reporter saw, on either side of an absorbed change."""
        world = make_world(attrs.evolve(SHOWING, blocked="absorb"))
        sent = world.bob.start("ann", "as it arrived")
        world.ann.block("bob")
        world.bob.edit(sent.conversation, sent.id, "for bob alone")
        world.ann.unblock("bob")
        desk = world.dm.moderation("mod")
        for box, text in ((world.ann, "as it arrived"), (world.bob, "for bob alone")):
            made = box.report(conversation=sent.conversation, messages=[sent.id], reason="spam")
            desk.take(made.id)
            (item,) = desk.evidence(made.id)
            assert item.body is not None
            assert item.body.text == text

    @pytest.mark.promise("MOD-1", "MOD-2")
    def test_a_policy_that_shows_none_keeps_and_shows_none(self, make_world: MakeWorld) -> None:
        never, showing = make_world(UNLIMITED), make_world(SHOWING, mode=None)
        messages = conversed(never)
        early = chosen_from(never, messages)
        late = chosen_from(showing, messages)
        for made in (early, late):
            never.dm.moderation("mod").take(made.id)
            assert isinstance(refused(never, "mod", made.id), EvidenceDenied)
        # Nothing was copied while the policy said never, whatever it says now.
        assert showing.dm.moderation("mod").evidence(early.id) == ()
        assert len(showing.dm.moderation("mod").evidence(late.id)) == 5

    @pytest.mark.promise("MOD-2", "AUD-1")
    def test_evidence_is_shown_to_who_took_the_report_until_it_is_finished(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(SHOWING)
        made = chosen_from(world, conversed(world))
        mod, mia = world.dm.moderation("mod"), world.dm.moderation("mia")
        assert isinstance(refused(world, "mod", made.id), EvidenceDenied)
        mod.take(made.id)
        assert isinstance(refused(world, "mia", made.id), EvidenceDenied)
        assert len(mod.evidence(made.id)) == 5
        mia.release(made.id)
        mia.take(made.id)
        assert isinstance(refused(world, "mod", made.id), EvidenceDenied)
        assert len(mia.evidence(made.id)) == 5
        mia.resolve(made.id, "warned")
        assert isinstance(refused(world, "mia", made.id), EvidenceDenied)
        mia.reopen(made.id)
        assert isinstance(refused(world, "mia", made.id), EvidenceDenied)

    @pytest.mark.promise("MOD-2", "TEN-1", "AUD-1")
    def test_a_look_at_no_report_is_refused_and_noted(self, make_world: MakeWorld) -> None:
        world = make_world(SHOWING)
        made = chosen_from(world, conversed(world))
        world.dm.moderation("mod").take(made.id)
        assert isinstance(refused(world, "mod", NOWHERE), AccessDenied)
        # Nor does anybody look at what is said against them.
        assert isinstance(refused(world, "bob", made.id), AccessDenied)
        fact = world.journal("bob")[-1].fact
        assert (fact.other, fact.conversation) == (None, None)
        with pytest.raises(AccessDenied):
            world.dm.moderation("mod", tenant="north").evidence(made.id)
        assert len(world.journal("mod", tenant="north")) == 1

    @pytest.mark.promise("MOD-2")
    def test_evidence_is_gone_at_once_when_its_time_is_over_and_pruned_later(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(SHORT)
        messages = conversed(world)
        old = chosen_from(world, messages)
        also_old = chosen_from(world, messages[:1])
        world.tick()
        young = chosen_from(world, messages[1:2])
        desk = world.dm.moderation("mod")
        for made in (old, also_old, young):
            desk.take(made.id)
        world.tick(seconds=599, us=-1)
        assert len(desk.evidence(old.id)) == 5
        with world.unchanged():
            assert world.olga.prune_evidence() == 0
        world.tick(seconds=0, us=1)
        assert desk.evidence(old.id) == ()
        assert len(desk.evidence(young.id)) == 1
        assert [world.olga.prune_evidence(most=1) for _ in range(3)] == [1, 1, 0]
        assert [it.fact.action for it in world.journal("olga")][-2:] == [Action.EVIDENCE_PRUNED] * 2
        for message in messages:
            if message.body is not None:
                world.dm.mailbox(message.sender).delete(message.conversation, message.id)
        assert "neighbour" not in stored(world.harness)
        assert "zebra" in stored(world.harness)
        assert len(desk.evidence(young.id)) == 1
        # What the report says of itself stays.
        assert desk.report(old.id).messages == 5
        assert world.is_sound()
        for wrong in (0, 10_001):
            with pytest.raises(InvalidSetting):
                world.olga.prune_evidence(most=wrong)
