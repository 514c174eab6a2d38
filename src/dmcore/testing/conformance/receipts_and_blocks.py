"""Across a block, and before consent, nobody is told what was seen."""

from functools import partial

import pytest

from dmcore import Action, Policy
from dmcore.testing.conformance.sights import at, check_all_denied, news, seen_in, seen_times
from dmcore.testing.world import ABSORBING, MakeWorld, World, thread_of

ASKING = Policy(messages=None, starts=None, requests="ask")


class TestReceiptsAndBlocks:
    """Across a block, and before consent, nobody is told what was seen."""

    @pytest.mark.promise("READ-2", "BLOCK-1", "BLOCK-2")
    @pytest.mark.parametrize("blocker", ["reader", "sender"])
    def test_a_block_gives_no_receipt_and_takes_none_back(
        self, make_world: MakeWorld, blocker: str
    ) -> None:
        world = make_world(ABSORBING)
        first = world.ann.start("bob", "1")
        second = world.ann.send(first.conversation, "2")
        mine = world.bob.send(first.conversation, "3")
        seen = at(world, 10)
        world.bob.mark_read(first.conversation, through=first.id)
        before = world.ann.thread(first.conversation)
        one, other = (world.bob, "ann") if blocker == "reader" else (world.ann, "bob")
        one.block(other)
        at(world, 10)
        with news(world) as told:
            world.bob.mark_read(first.conversation, through=mine.id)
        assert told == {"bob": [(Action.MARKED_READ, mine.id)]}
        times = {
            message.id: message.seen_at_us for message in thread_of(world.ann, mine.conversation)
        }
        assert (times[first.id], times[second.id]) == (seen, None)
        one.unblock(other)
        assert world.ann.thread(first.conversation) == before
        assert world.is_sound()

    @pytest.mark.promise("READ-2", "BLOCK-2")
    def test_a_mark_after_the_unblock_tells_when_it_was_made(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        mine = world.bob.send(sent.conversation, "2")
        world.bob.block("ann")
        world.bob.mark_read(sent.conversation, through=mine.id)
        world.bob.unblock("ann")
        assert seen_times(world.ann, sent.conversation) == [None, None]
        newest = world.ann.send(sent.conversation, "3")
        seen = at(world, 10)
        world.bob.mark_read(sent.conversation, through=newest.id)
        assert seen_times(world.ann, sent.conversation) == [seen, None, seen]
        assert world.is_sound()

    @pytest.mark.promise("READ-2", "BLOCK-2")
    def test_a_mark_on_ones_own_absorbed_message_tells_nothing_of_it(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(ABSORBING)
        theirs = world.ann.start("bob", "1")
        world.ann.block("bob")
        absorbed = world.bob.send(theirs.conversation, "absorbed")
        world.ann.unblock("bob")
        with news(world) as told:
            world.bob.mark_read(theirs.conversation, through=absorbed.id)
        assert told == {
            "ann": [(Action.MESSAGES_SEEN, theirs.id)],
            "bob": [(Action.MARKED_READ, absorbed.id)],
        }
        later = world.ann.send(theirs.conversation, "2")
        assert seen_in(world.ann, theirs.conversation, theirs.id).seen_at is not None
        assert seen_in(world.ann, theirs.conversation, later.id).seen_at is None
        assert world.is_sound()

    @pytest.mark.promise("READ-2", "BLOCK-2")
    def test_an_absorbed_message_looks_seen_as_soon_as_a_later_one_is(
        self, make_world: MakeWorld
    ) -> None:
        """And not before: a gap among what was seen would tell its sender of the block."""
        world = make_world(ABSORBING)
        first = world.bob.start("ann", "1")
        seen = at(world, 10)
        world.ann.mark_read(first.conversation, through=first.id)
        world.ann.block("bob")
        world.bob.send(first.conversation, "absorbed")
        world.ann.unblock("bob")
        assert seen_times(world.bob, first.conversation) == [seen, None]
        mine = world.ann.send(first.conversation, "2")
        second = at(world, 10)
        world.ann.mark_read(first.conversation, through=mine.id)
        assert seen_times(world.bob, first.conversation) == [seen, second, None]
        later = world.bob.send(first.conversation, "3")
        third = at(world, 10)
        world.ann.mark_read(first.conversation, through=later.id)
        assert seen_times(world.bob, first.conversation) == [seen, second, None, third]
        assert world.is_sound()

    @pytest.mark.promise("READ-2", "REQ-1")
    def test_a_request_stays_one_when_the_policy_asks_no_more(self, make_world: MakeWorld) -> None:
        """It was not accepted by that: what its recipient looks at is still told to nobody."""
        world = make_world(ASKING)
        sent = world.ann.start("bob", "1")
        newer = world.open().mailbox("ann").send(sent.conversation, "2")
        world.bob.mark_read(sent.conversation, through=newer.id)
        assert seen_times(world.ann, sent.conversation) == [None, None]
        assert [entry.conversation for entry in world.bob.requests().items] == [sent.conversation]

    @pytest.mark.promise("READ-2", "REQ-1")
    def test_looking_at_a_request_is_told_to_nobody(self, make_world: MakeWorld) -> None:
        world = make_world(ASKING)
        sent = world.ann.start("bob", "1")
        before = world.ann.snapshot(), world.ann.thread(sent.conversation)
        with news(world) as told:
            world.bob.mark_read(sent.conversation, through=sent.id)
        assert told == {"bob": [(Action.MARKED_READ, sent.id)]}
        assert (world.ann.snapshot(), world.ann.thread(sent.conversation)) == before
        world.bob.accept(sent.conversation)
        assert seen_times(world.ann, sent.conversation) == [None]
        seen = at(world, 10)
        newest = world.ann.send(sent.conversation, "2")
        world.bob.mark_read(sent.conversation, through=newest.id)
        assert seen_times(world.ann, sent.conversation) == [seen, seen]
        assert world.is_sound()

    @pytest.mark.promise("READ-1", "READ-2", "CONV-2", "BLOCK-1")
    def test_a_mark_lies_on_nothing_that_its_reader_cannot_see(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        first = world.ann.start("bob", "1")
        hidden = world.ann.send(first.conversation, "2")
        world.bob.hide(first.conversation, hidden.id)
        behind = world.cyd.start("bob", "behind a block")
        world.bob.block("cyd")
        absorbed = world.cyd.send(behind.conversation, "absorbed")
        elsewhere = world.dan.start("bob", "elsewhere")
        check_all_denied(
            world,
            [
                partial(world.bob.mark_read, here, through=message)
                for here, message in (
                    (first.conversation, hidden.id),
                    (first.conversation, elsewhere.id),
                    (behind.conversation, behind.id),
                    (behind.conversation, absorbed.id),
                )
            ]
            + [lambda: world.eve.mark_read(first.conversation, through=first.id)],
        )
        world.bob.unblock("cyd")
        check_all_denied(
            world, [lambda: world.bob.mark_read(behind.conversation, through=absorbed.id)]
        )
