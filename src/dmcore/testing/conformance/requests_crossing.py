"""Requests that cross: two who ask each other, and requests that meet a block."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from dmcore.errors import NotAcceptedYet, RecipientUnavailable, YouBlockedThem
from dmcore.testing.world import MakeWorld, World, asking, facts_of, inbox_of, others, requests_of


class TestRequestsCrossing:
    """Requests that cross: two who ask each other, and requests that meet a block."""

    @pytest.fixture
    def world(self, make_world: MakeWorld) -> Iterator[World]:
        """A world in which first messages ask; it is sound whatever a test did to it."""
        made = make_world(asking())
        yield made
        assert made.is_sound()

    @pytest.mark.promise("REQ-1", "PAIR-2")
    def test_two_who_start_with_each_other_at_once_have_accepted_each_other(
        self, world: World
    ) -> None:
        people = [(f"one {number}", f"other {number}") for number in range(10)]
        elsewhere = world.open(asking())
        for one, other in people:
            barrier = Barrier(2, timeout=60)

            def start(dm: Any, sender: str, recipient: str, barrier: Barrier = barrier) -> Any:
                barrier.wait()
                return dm.mailbox(sender).start(recipient, "x").conversation

            with ThreadPoolExecutor(2) as pool:
                begun = [
                    pool.submit(start, world.dm, one, other),
                    pool.submit(start, elsewhere, other, one),
                ]
                (conversation,) = {it.result() for it in begun}
            for name in (one, other):
                box = world.dm.mailbox(name)
                assert requests_of(box) == []
                assert [entry.unread for entry in inbox_of(box)] == [1]
            for name in (one, other) * 2:
                world.dm.mailbox(name).send(conversation, "free to write")

    @pytest.mark.promise("REQ-1", "BLOCK-1")
    def test_a_request_comes_back_as_a_request_after_a_block(self, world: World) -> None:
        sent = world.ann.start("bob", "x")
        world.bob.block("ann")
        assert requests_of(world.bob) == []
        with world.unchanged(), pytest.raises(YouBlockedThem):
            world.bob.accept(sent.conversation)
        world.bob.unblock("ann")
        assert others(requests_of(world.bob)) == ["ann"]
        assert world.bob.unread() == 0
        with world.unchanged(), pytest.raises(NotAcceptedYet):
            world.ann.send(sent.conversation, "y")

    @pytest.mark.promise("REQ-1", "BLOCK-1")
    def test_a_request_from_somebody_blocked_is_no_request(self, world: World) -> None:
        world.bob.block("ann")
        with world.unchanged(), pytest.raises(RecipientUnavailable):
            world.ann.start("bob", "x")
        world.bob.unblock("ann")
        assert requests_of(world.bob) == []
        world.ann.start("bob", "y")
        assert others(requests_of(world.bob)) == ["ann"]

    @pytest.mark.promise("REQ-1", "BLOCK-2")
    def test_what_follows_an_absorbed_request_asks_for_consent_as_well(
        self, make_world: MakeWorld
    ) -> None:
        """To who never had the conversation it is the first message; nobody accepted anything."""
        world = make_world(asking(2, blocked="absorb"))
        world.bob.block("ann")
        sent = world.ann.start("bob", "absorbed")
        world.bob.unblock("ann")
        world.ann.send(sent.conversation, "delivered")
        assert inbox_of(world.bob) == []
        assert world.bob.unread() == 0
        assert others(requests_of(world.bob)) == ["ann"]
        with world.unchanged(), pytest.raises(NotAcceptedYet):
            world.ann.send(sent.conversation, "one too many")

    @pytest.mark.promise("REQ-1", "BLOCK-1")
    def test_who_asks_and_then_blocks_is_told_of_no_answer(self, make_world: MakeWorld) -> None:
        world = make_world(asking())
        sent = world.ann.start("bob", "x")
        world.ann.block("bob")
        feed = facts_of(world.ann)
        world.bob.accept(sent.conversation)
        assert facts_of(world.ann) == feed
        world.ann.unblock("bob")
        world.ann.send(sent.conversation, "y")
        assert world.bob.unread() == 2
        assert world.is_sound()
