"""`verify` names what is wrong, and nothing where all is right."""

from typing import Any

import attrs
import pytest

from dmcore import Policy, Restriction, RestrictionKind, RestrictionReason
from dmcore.domain.conversation import Side
from dmcore.domain.events import Action
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.domain.instants import LAST_US
from dmcore.domain.mending import Repair
from dmcore.domain.pair import Pair
from dmcore.errors import InvalidSetting
from dmcore.ports.transactions import Actor, Capacity, Transaction, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import MakeWorld, World


def lived_in(world: World) -> World:
    """Everything that a store can hold: both sides, markers, receipts, blocks, absorbed, flags,
    messages changed, taken back, hidden and cleared away, two tenants, reports.
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
    chosen = [first.id, second.id]
    world.ann.report(conversation=first.conversation, messages=chosen, reason="spam")
    world.bob.report("eve", reason="other")
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


def _miscount(tx: Transaction) -> None:
    """Everything about Ann and Bob is stored as it is not, and listed so."""
    pair = Pair.of(TenantId(""), UserId("ann"), UserId("bob"))
    contact = tx.contacts.hold(pair, actor=UserId("ann"))
    found = contact.conversation
    assert found is not None
    low = attrs.evolve(found.low, newest=found.low.read, unread=7, said=None, heard=None)
    tx.conversations.save(attrs.evolve(found, low=low, high=Side()))
    ann = contact.actor
    sends = attrs.evolve(ann.sends, instants=(9, 1))
    tx.mailboxes.save(attrs.evolve(ann, unread=9, position=ann.position + 2, sends=sends))


def _endless(tx: Transaction) -> None:
    """Ann is muted until after the last day that a calendar has."""
    ann = tx.mailboxes.hold(User(TenantId(""), UserId("ann")))
    made = Restriction(
        tenant=ann.user.tenant,
        user=ann.user.id,
        number=1,
        kind=RestrictionKind.MUTE,
        reason=RestrictionReason.OTHER,
        by=UserId("mod"),
        since_us=0,
        until_us=LAST_US + 1,
    )
    tx.restrictions.add(made)
    standing = ann.standing.until(made.kind, made.end_us)
    tx.mailboxes.save(attrs.evolve(ann, standing=standing, restrictions=1))


class TestVerify:
    """`verify` names what is wrong, and nothing where all is right."""

    @pytest.mark.promise("OPS-5")
    def test_a_healthy_store_has_no_findings(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(blocked="absorb", evidence="reporter_selected"), mode="on")
        assert world.olga.verify() == ()
        assert lived_in(world).olga.verify() == ()
        world.ann.unblock("cyd")
        world.ann.unblock("dan")
        assert world.olga.verify() == ()

    @pytest.mark.promise("OPS-5")
    def test_verifying_changes_nothing_and_works_while_messaging_is_off(
        self, make_world: MakeWorld
    ) -> None:
        world = lived_in(make_world(Policy(blocked="absorb", evidence="reporter_selected")))
        world.olga.set_mode("off")
        with world.unchanged():
            assert world.olga.verify() == ()

    @pytest.mark.promise("OPS-5")
    def test_there_is_nothing_to_mend_in_a_healthy_store(self, make_world: MakeWorld) -> None:
        world = lived_in(make_world(Policy(blocked="absorb", evidence="reporter_selected")))
        world.olga.set_mode("off")
        with world.unchanged():
            assert world.olga.repair() == Repair(mended=(), left=())

    @pytest.mark.promise("OPS-5")
    def test_what_was_counted_wrongly_is_counted_again(self, make_world: MakeWorld) -> None:
        world = lived_in(make_world(Policy(blocked="absorb", evidence="reporter_selected")))
        operator = Actor(Capacity.OPERATOR, User(TenantId(""), UserId("olga")))
        runner_of(world.dm).run(writing(_miscount).by(operator))
        before = len(world.olga.verify())
        assert before > 5
        rounds = [world.olga.repair()]
        while rounds[-1].mended:
            rounds.append(world.olga.repair())
        assert len(rounds) <= 4
        assert rounds[-1].left == world.olga.verify() == ()
        assert [it.fact.action for it in world.olga.audit("ann").items][-2:] == [
            Action.FACTS_LOST,
            Action.FACTS_LOST,
        ]
        assert {it.fact.action for it in world.olga.audit("olga").items} >= {Action.STORE_MENDED}

    @pytest.mark.promise("OPS-5", "MOD-4")
    def test_a_restriction_until_an_instant_that_nobody_can_read_is_named(
        self, world: World
    ) -> None:
        operator = Actor(Capacity.OPERATOR, User(TenantId(""), UserId("olga")))
        runner_of(world.dm).run(writing(_endless).by(operator))
        (finding,) = world.olga.verify()
        assert finding.rule == "a restriction has an instant that no calendar has"
        assert "'ann'" in finding.where

    @pytest.mark.parametrize("most", [0, -1, 1_000_001, 2.5, "9", True, None])
    def test_a_number_of_findings_is_at_least_one(self, world: World, most: Any) -> None:
        with pytest.raises(InvalidSetting) as caught:
            world.olga.verify(most=most)
        assert caught.value.details["setting"] == "most"
        with pytest.raises(InvalidSetting):
            world.olga.repair(most=most)
