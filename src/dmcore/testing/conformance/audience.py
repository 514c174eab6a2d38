"""Whether two people may know of each other that they are writing, or there."""

from typing import Any, Literal
from uuid import UUID

import attrs
import pytest

from dmcore import Audience, Policy, Preferences
from dmcore.domain.ids import ConversationId, UserId
from dmcore.errors import AccessDenied, MessagingUnavailable
from dmcore.testing.world import ABSORBING, MakeWorld, World, anatomy, asking

OPEN = Audience(other=UserId("bob"), typing=True, presence=True)
SHUT = Audience(other=UserId("bob"), typing=False, presence=False)


def begun(world: World) -> ConversationId:
    """Ann and Bob have a conversation that both wrote in."""
    sent = world.ann.start("bob", "x")
    world.bob.send(sent.conversation, "y")
    return sent.conversation


class TestAudience:
    """Whether two people may know of each other that they are writing, or there."""

    @pytest.mark.promise("PREF-1")
    def test_two_who_write_to_each_other_may_know(self, world: World) -> None:
        it = begun(world)
        with world.unchanged():
            assert world.ann.audience(it) == OPEN
            assert world.bob.audience(str(it)) == attrs.evolve(OPEN, other=UserId("ann"))

    @pytest.mark.promise("PREF-1")
    @pytest.mark.parametrize("who", ["ann", "bob"])
    @pytest.mark.parametrize("what", ["typing", "presence"])
    def test_who_does_not_show_it_does_not_see_it_either(
        self, world: World, who: str, what: str
    ) -> None:
        it = begun(world)
        off: dict[str, Any] = {what: False}
        world.dm.mailbox(who).set_preferences(Preferences(**off))
        for box in (world.ann, world.bob):
            audience = box.audience(it)
            other = "presence" if what == "typing" else "typing"
            assert (getattr(audience, what), getattr(audience, other)) == (False, True)
        world.dm.mailbox(who).set_preferences(Preferences(receipts=False))
        assert world.ann.audience(it) == OPEN

    @pytest.mark.promise("BLOCK-1", "BLOCK-2")
    @pytest.mark.parametrize("policy", ["refuse", "absorb"])
    def test_across_a_block_neither_knows_and_it_looks_like_somebody_who_has_both_off(
        self, make_world: MakeWorld, policy: str
    ) -> None:
        world = make_world(ABSORBING) if policy == "absorb" else make_world()
        it = begun(world)
        world.bob.block("ann")
        while_blocked = world.ann.audience(it)
        assert world.bob.audience(it) == attrs.evolve(SHUT, other=UserId("ann"))
        world.bob.unblock("ann")
        assert world.ann.audience(it) == OPEN
        world.bob.set_preferences(Preferences(typing=False, presence=False))
        assert world.ann.audience(it) == while_blocked == SHUT

    @pytest.mark.promise("REQ-1")
    def test_before_consent_nobody_is_told_and_declining_is_not_told(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(asking())
        it = world.ann.start("bob", "x").conversation
        theirs = attrs.evolve(SHUT, other=UserId("ann"))
        assert (world.ann.audience(it), world.bob.audience(it)) == (SHUT, theirs)
        world.bob.decline(it)
        assert (world.ann.audience(it), world.bob.audience(it)) == (SHUT, theirs)
        world.bob.accept(it)
        assert (world.ann.audience(it), world.bob.audience(it)) == (SHUT, theirs)
        world.bob.send(it, "y")
        assert world.ann.audience(it) == OPEN
        assert world.bob.audience(it) == attrs.evolve(OPEN, other=UserId("ann"))

    @pytest.mark.promise("PREF-1")
    def test_who_was_not_answered_yet_knows_nothing(self, world: World) -> None:
        it = world.ann.start("bob", "x").conversation
        theirs = attrs.evolve(SHUT, other=UserId("ann"))
        assert (world.ann.audience(it), world.bob.audience(it)) == (SHUT, theirs)
        world.bob.mark_read(it, through=world.bob.thread(it).items[-1].id)
        assert world.ann.audience(it) == SHUT
        world.bob.send(it, "y")
        assert world.ann.audience(it) == OPEN

    @pytest.mark.promise("BLOCK-2", "REQ-1")
    @pytest.mark.parametrize("requests", ["open", "ask"])
    def test_a_start_that_was_absorbed_looks_like_one_that_nobody_answered(
        self, make_world: MakeWorld, requests: Literal["open", "ask"]
    ) -> None:
        world = make_world(Policy(requests=requests, blocked="absorb"))
        world.bob.block("ann")
        absorbed = world.ann.start("bob", "x")
        waiting = world.ann.start("cyd", "x")
        assert world.ann.audience(absorbed.conversation) == SHUT
        assert world.ann.audience(waiting.conversation) == attrs.evolve(SHUT, other=UserId("cyd"))
        world.bob.unblock("ann")
        assert world.ann.audience(absorbed.conversation) == SHUT
        with pytest.raises(AccessDenied):
            world.bob.audience(absorbed.conversation)

    @pytest.mark.promise("CONV-1", "OPS-1")
    def test_it_is_refused_to_others_and_while_messaging_is_off(self, world: World) -> None:
        it = begun(world)
        refusals = []
        for box in (world.cyd, world.dm.mailbox("ann", tenant="north")):
            for conversation in (it, ConversationId(UUID(int=1))):
                with pytest.raises(AccessDenied) as denied:
                    box.audience(conversation)
                refusals.append(anatomy(denied.value))
        assert all(refusal == refusals[0] for refusal in refusals)
        world.olga.set_mode("off")
        with pytest.raises(MessagingUnavailable):
            world.ann.audience(it)
