"""`verify` names what is wrong, and nothing where all is right."""

from typing import Any

import pytest

from dmcore import Policy
from dmcore.errors import InvalidSetting
from dmcore.testing.world import MakeWorld, World


def lived_in(world: World) -> World:
    """Everything that a store can hold: both sides, markers, receipts, blocks, absorbed, flags,
    messages changed, taken back, hidden and cleared away, two tenants.
    """
    first = world.ann.start("bob", "1")
    world.tick()
    second = world.bob.send(first.conversation, "2")
    world.ann.mark_read(first.conversation, through=second.id)
    world.tick()
    world.bob.send(first.conversation, "3")
    world.tick()
    world.cyd.start("ann", "4")
    world.ann.block("dan")
    world.dan.start("ann", "absorbed")
    world.ann.block("cyd")
    world.cyd.start("ann", "absorbed too")
    world.dm.mailbox("ann", tenant="north").start("bob", "5")
    world.tick()
    world.dm.mailbox("ann", tenant="north").start("bob", "6")
    changed_and_sorted(world)
    return world


def changed_and_sorted(world: World) -> None:
    """Between Eve and Fay: what else can be done to messages and conversations."""
    eve, fay = world.eve, world.dm.mailbox("fay")
    first = eve.start("fay", "7", key="7")
    place = first.conversation
    changed, gone, hidden = (eve.send(place, text) for text in ("8", "9", "10"))
    fay.mark_read(place, through=first.id)
    eve.edit(place, changed.id, "eight")
    eve.delete(place, gone.id)
    fay.hide(place, hidden.id)
    eve.send(place, "11", reply_to=changed.id)
    eve.clear(place)
    fay.mute(place)
    fay.archive(place)
    dan = world.dan.start("fay", "12")
    fay.archive(dan.conversation)


class TestVerify:
    """`verify` names what is wrong, and nothing where all is right."""

    @pytest.mark.promise("OPS-5")
    def test_a_healthy_store_has_no_findings(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(blocked="absorb"), mode="on")
        assert world.olga.verify() == ()
        assert lived_in(world).olga.verify() == ()
        world.ann.unblock("cyd")
        world.ann.unblock("dan")
        assert world.olga.verify() == ()

    @pytest.mark.promise("OPS-5")
    def test_verifying_changes_nothing_and_works_while_messaging_is_off(
        self, make_world: MakeWorld
    ) -> None:
        world = lived_in(make_world(Policy(blocked="absorb")))
        world.olga.set_mode("off")
        with world.unchanged():
            assert world.olga.verify() == ()

    @pytest.mark.parametrize("most", [0, -1, 1_000_001, 2.5, "9", True, None])
    def test_a_number_of_findings_is_at_least_one(self, world: World, most: Any) -> None:
        with pytest.raises(InvalidSetting) as caught:
            world.olga.verify(most=most)
        assert caught.value.details["setting"] == "most"
