"""Removing what is kept no longer: nobody notices, wherever it is interrupted (GDPR-2)."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import attrs
import pytest

from dmcore import Action, DmcoreError, Message, Operations, Policy, Pruned
from dmcore.adapters.ids import SeededEntropy
from dmcore.domain.mending import Repair
from dmcore.domain.message import Receipt
from dmcore.errors import AccountErased, CursorExpired, InvalidSetting
from dmcore.ports.transactions import Actor, Capacity, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.erasing_steps import Interrupted
from dmcore.testing.conformance.retention import recounted
from dmcore.testing.conformance.sights import stored
from dmcore.testing.world import (
    MINUTE_US,
    MakeWorld,
    World,
    inbox_of,
    outlook,
    texts,
    thread_of,
    walked,
)

SECRET = "the door code is zebra"
KEPT = Policy(
    messages=None,
    starts=None,
    blocked="absorb",
    messages_kept=timedelta(days=2),
    evidence="reporter_selected",
    evidence_kept=timedelta(days=5),
    journal_kept=timedelta(days=9),
)
PEOPLE = ("ann", "bob", "cyd")


def sights(world: World) -> list[dict[str, object]]:
    """All that anybody can see."""
    return [
        outlook(world.dm.mailbox(me), *(other for other in PEOPLE if other != me)) for me in PEOPLE
    ]


def pruned(world: World, *, most: int = 1_000) -> Pruned:
    """Prune until nothing is left; what that removed."""
    done = world.olga.prune(most=most)
    while not done.is_complete:
        done = done.then(world.olga.prune(most=most))
    return done


class StoppingClock:
    """Shows the time a few times, and then interrupts whoever looks."""

    def __init__(self, world: World, readings: int) -> None:
        self._readings = iter([world.clock.now_us()] * readings)

    def now_us(self) -> int:
        reading = next(self._readings, None)
        if reading is None:
            raise Interrupted
        return reading


def stopping(world: World, *, after: int) -> Operations:
    """An operator who is interrupted at the step after so many."""
    clock = StoppingClock(world, after)
    dm = world.harness.open(policy=KEPT, clock=clock, entropy=SeededEntropy("stopping"))
    return dm.operations("olga")


def lived(world: World) -> Message:
    """Three days of ann and bob, of which the first is over; its last message."""
    first = world.ann.start("bob", SECRET, key=SECRET)
    here = first.conversation
    for number in range(6):
        world.tick(seconds=60)
        world.bob.send(here, f"{SECRET} {number}", key=f"{SECRET} {number}")
    world.ann.edit(here, first.id, f"{SECRET}, I think")
    world.ann.mark_read(here, through=thread_of(world.ann, here)[4].id)
    world.bob.mark_read(here, through=first.id)
    world.ann.hide(here, thread_of(world.ann, here)[5].id)
    world.bob.start("cyd", SECRET)
    world.tick(seconds=2 * 86_400 - 600)
    last = world.ann.send(here, "what is kept", reply_to=thread_of(world.ann, here)[-1].id)
    world.tick(seconds=86_400)
    return last


def at_random(world: World, chance: random.Random) -> None:
    """Something that one of three people does, or time."""
    me, other = chance.sample(PEOPLE, 2)
    box = world.dm.mailbox(me)
    view = box.conversation_with(other)
    found = [] if view is None else thread_of(box, view.conversation)
    acts: list[Callable[[], object]] = [
        lambda: box.start(other, "x", key=str(chance.random())),
        lambda: box.start(other, "x"),
        lambda: chance.choice((box.block, box.unblock, box.unblock))(other),
        lambda: world.tick(seconds=chance.choice((1, 3_600, 40_000, 90_000))),
    ]
    if view is not None and found:
        it, one = view.conversation, chance.choice(found)
        acts += [
            lambda: box.mark_read(it, through=one.id),
            lambda: box.send(it, "x", reply_to=one.id),
            lambda: box.hide(it, one.id),
            lambda: box.delete(it, one.id),
            lambda: chance.choice((box.archive, box.unarchive, box.clear))(it),
        ]
    # Not every act is allowed at every moment; what is refused changes nothing.
    with suppress(DmcoreError):
        chance.choice(acts)()


@pytest.mark.promise("GDPR-2")
class TestRemoval:
    """Removing what is kept no longer: nobody notices, wherever it is interrupted."""

    @pytest.mark.promise("READ-3")
    @pytest.mark.parametrize("seed", range(3))
    def test_nobody_notices_whatever_happened_before(
        self, make_world: MakeWorld, seed: int
    ) -> None:
        world = make_world(KEPT)
        chance = random.Random(seed)
        removed = 0
        for _ in range(6):
            for _ in range(15):
                at_random(world, chance)
            before = sights(world)
            removed += world.olga.prune(most=chance.choice((1, 3, 1_000))).messages
            assert sights(world) == before
            assert world.is_sound()
            for me in PEOPLE:
                box = world.dm.mailbox(me)
                assert recounted(box) == box.unread()
        removed += pruned(world).messages
        assert removed > 5
        world.tick(seconds=3 * 86_400)
        pruned(world)
        assert world.olga.status().messages == 0
        assert world.is_sound()

    @pytest.mark.promise("AUD-1")
    def test_what_is_removed_is_gone_from_the_store(self, make_world: MakeWorld) -> None:
        world = make_world(KEPT)
        last = lived(world)
        assert SECRET in stored(world.harness)
        before = sights(world)
        assert world.olga.prune() == Pruned(messages=8, is_complete=True)
        assert sights(world) == before
        assert SECRET not in stored(world.harness)
        assert [it.fact.action for it in world.journal("olga")] == [
            Action.MODE_CHANGED,
            Action.MESSAGES_PRUNED,
        ]
        assert texts(thread_of(world.bob, last.conversation)) == ["what is kept"]
        assert world.is_sound()
        with world.unchanged():
            assert world.olga.prune() == Pruned(is_complete=True)

    def test_it_goes_on_wherever_it_was_interrupted(self, make_world: MakeWorld) -> None:
        """Each step is whole: nobody sees anything of it, and never is much gone at once."""
        world = make_world(KEPT)
        lived(world)
        before, counts = sights(world), [world.olga.status().messages]
        while counts[-1] > 1:
            with pytest.raises(Interrupted):
                # That it begins is written down; then comes one step.
                stopping(world, after=2).prune(most=2)
            assert sights(world) == before
            assert world.is_sound()
            counts.append(world.olga.status().messages)
        steps = [one - other for one, other in pairwise(counts)]
        assert max(steps) <= 2
        assert sum(steps) == 8

    def test_one_step_is_short_and_a_call_takes_no_more_than_it_is_told(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(KEPT)
        here = world.ann.start("bob", "0").conversation
        for number in range(1, 502):
            world.ann.send(here, str(number))
        world.tick(seconds=2 * 86_400 - 1)
        with world.unchanged():
            assert world.olga.prune().is_complete
        world.tick(seconds=1)
        with pytest.raises(Interrupted):
            stopping(world, after=2).prune()
        assert world.olga.status().messages == 2
        assert world.olga.prune(most=1) == Pruned(messages=1)
        assert world.olga.prune(most=1) == Pruned(messages=1)
        assert world.olga.prune(most=1) == Pruned(is_complete=True)
        assert world.is_sound()

    @pytest.mark.promise("OPS-1")
    @pytest.mark.parametrize("mode", ["off", "read_only", "replies_only"])
    def test_it_works_in_every_mode(self, make_world: MakeWorld, mode: str) -> None:
        world = make_world(KEPT)
        lived(world)
        world.olga.set_mode(mode)
        assert pruned(world).messages == 8

    @pytest.mark.promise("MSG-3")
    def test_nothing_of_the_last_day_is_removed_for_the_sake_of_retries(
        self, make_world: MakeWorld
    ) -> None:
        """A key goes with its message. From then on it is a new one."""
        world = make_world(attrs.evolve(KEPT, messages_kept=timedelta(minutes=1)))
        sent = world.ann.start("bob", "x", key="k")
        world.tick(seconds=86_400 - 1)
        assert thread_of(world.bob, sent.conversation) == []
        with world.unchanged():
            assert world.olga.prune().messages == 0
        world.tick()
        assert world.olga.prune().messages == 1
        again = world.ann.send(sent.conversation, "x", key="k")
        assert again.id > sent.id
        assert thread_of(world.bob, sent.conversation) == [again]
        assert world.is_sound()

    @pytest.mark.promise("MSG-2", "PAGE-1")
    def test_a_clock_that_goes_back_brings_nothing_of_it_back(self, make_world: MakeWorld) -> None:
        """Cursors and markers of what is gone lead on to what is there."""
        world = make_world(KEPT)
        last = lived(world)
        here = last.conversation
        world.tick(us=-3 * 1_440 * MINUTE_US)
        cursors = [it.newer for it in (world.bob.thread(here, limit=1),)]
        older = world.bob.thread(here, limit=3).older
        lists = walked(lambda cursor: world.bob.inbox(limit=1, cursor=cursor))
        assert len(lists) == 2
        world.tick(us=3 * 1_440 * MINUTE_US)
        assert pruned(world).messages == 8
        world.tick(us=-3 * 1_440 * MINUTE_US)
        assert texts(thread_of(world.bob, here)) == ["what is kept"]
        assert world.bob.thread(here, before=older).items == ()
        assert world.bob.inbox(cursor=lists[0].next).items == ()
        new = world.bob.send(here, "later", reply_to=last.id)
        assert new.id > last.id
        assert texts(world.bob.thread(here, after=cursors[0])) == ["later"]
        assert recounted(world.ann) == world.ann.unread() == 1
        with world.unchanged():
            assert pruned(world) == Pruned(is_complete=True)
        assert world.is_sound()

    @pytest.mark.promise("OPS-5", "GDPR-2")
    @pytest.mark.parametrize("is_all", [True, False], ids=["of all", "of the beginning"])
    def test_a_receipt_of_what_was_removed_is_named_and_goes(
        self, make_world: MakeWorld, is_all: bool
    ) -> None:
        """It would tell for ever that somebody saw something, and when."""
        world = make_world(KEPT)
        first = world.ann.start("bob", "old")
        here = first.conversation
        world.bob.mark_read(here, through=first.id)
        world.tick(seconds=2 * 86_400)
        if not is_all:
            world.ann.send(here, "new")
        assert pruned(world).messages == 1
        assert world.is_sound()
        receipt = Receipt(
            conversation=here, reader=world.bob.user.id, through=first.id, at_us=first.sent_at_us
        )
        operator = Actor(Capacity.OPERATOR, world.olga.operator)
        back = writing(lambda tx: tx.messages.add_receipt(receipt)).by(operator)
        runner_of(world.dm).run(back)
        found = world.olga.verify()
        assert [it.rule for it in found] == ["a receipt is of a message that was removed"]
        before = sights(world)
        assert world.olga.repair() == Repair(mended=found, left=())
        assert sights(world) == before
        with world.unchanged():
            assert world.olga.repair() == Repair(mended=(), left=())

    @pytest.mark.promise("MOD-1", "FEED-1")
    def test_evidence_and_journals_have_times_of_their_own(self, make_world: MakeWorld) -> None:
        world = make_world(KEPT)
        sent = world.bob.start("ann", SECRET)
        made = world.ann.report(conversation=sent.conversation, messages=[sent.id], reason="threat")
        desk = world.dm.moderation("mod")
        desk.take(made.id)
        place = world.ann.changes().next
        world.tick(seconds=2 * 86_400)
        assert pruned(world).messages == 1
        assert [it.message for it in desk.evidence(made.id)] == [sent.id]
        assert desk.report(made.id).messages == 1
        world.tick(seconds=3 * 86_400)
        assert pruned(world) == Pruned(evidence=1, is_complete=True)
        assert SECRET not in stored(world.harness)
        assert world.ann.changes(after=place).items == ()
        world.tick(seconds=4 * 86_400 - 1)
        assert pruned(world) == Pruned(is_complete=True)
        world.tick()
        # All four began on that day; what was done about it later stays.
        assert world.olga.prune(most=1).is_complete is False
        assert pruned(world, most=1).journals == 3
        assert [world.journal(user) for user in ("ann", "bob")] == [[], []]
        assert [it.fact.action for it in world.journal("mod")] == [Action.EVIDENCE_VIEWED]
        with pytest.raises(CursorExpired):
            world.ann.changes()
        assert world.ann.changes(after=place).items == ()
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1", "READ-3")
    def test_pruning_and_erasing_do_not_get_in_each_others_way(self, make_world: MakeWorld) -> None:
        world = make_world(KEPT)
        last = lived(world)
        world.olga.erase("bob", most=1)
        with pytest.raises(AccountErased):
            world.bob.inbox()
        assert world.is_sound()
        assert pruned(world).messages == 8
        assert texts(thread_of(world.ann, last.conversation)) == ["what is kept"]
        assert recounted(world.ann) == world.ann.unread() == 0
        world.olga.erase("ann")
        world.tick(seconds=2 * 86_400)
        assert pruned(world).messages == 1
        assert inbox_of(world.cyd) == []
        assert world.is_sound()

    @pytest.mark.parametrize("most", [0, 10_001, True, "1"])
    def test_it_is_told_a_number(self, world: World, most: int) -> None:
        with world.unchanged(), pytest.raises(InvalidSetting):
            world.olga.prune(most=most)
