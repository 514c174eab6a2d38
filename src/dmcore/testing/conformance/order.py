"""The order of a conversation is the order of its ids, whatever the clock does."""

from itertools import pairwise

import pytest

from dmcore import Message
from dmcore.testing.world import (
    ABSORBING,
    DAY_US,
    NOON_US,
    MakeWorld,
    World,
    inbox_of,
    others,
    texts,
    thread_of,
)

# What the clock does between two messages.
JUMPS_US = {
    "it stands": 0,
    "a microsecond": 1,
    "within the millisecond": 400,
    "a second": 1_000_000,
    "back by a millisecond": -1_000,
    "back by an hour": -3_600_000_000,
    "far ahead": 400 * DAY_US,
    "back to before the epoch": -NOON_US - 500 * DAY_US,
    "ahead again": NOON_US,
}


class Constant:
    """Entropy that draws the same number for ever."""

    def __init__(self, number: int) -> None:
        self._number = number

    def draw(self) -> int:
        return self._number


def milliseconds(message: Message) -> int:
    return message.id.int >> 80


class TestOrder:
    """The order of a conversation is the order of its ids, whatever the clock does."""

    @pytest.mark.promise("MSG-2")
    @pytest.mark.parametrize("number", [None, 0, (1 << 74) - 1], ids=["random", "zero", "ones"])
    def test_ids_grow_however_the_clock_jumps(
        self, make_world: MakeWorld, number: int | None
    ) -> None:
        world = make_world(ABSORBING, entropy=None if number is None else Constant(number))
        accepted = [world.ann.start("bob", "start")]
        for name, jump_us in JUMPS_US.items():
            world.tick(seconds=0, us=jump_us)
            for box in (world.bob, world.ann, world.ann):
                accepted.append(box.send(accepted[0].conversation, name))

        assert all(before.id < after.id for before, after in pairwise(accepted))
        for box in (world.ann, world.bob):
            assert thread_of(box, accepted[0].conversation, limit=4) == accepted
        assert {message.id.version for message in accepted} == {7}
        assert world.is_sound()

    @pytest.mark.promise("MSG-2")
    def test_a_message_says_when_it_was_sent_not_where_it_stands(self, world: World) -> None:
        first = world.ann.start("bob", "one")
        world.tick(seconds=-3600)
        second = world.ann.send(first.conversation, "two")

        assert second.sent_at_us == world.clock.now_us() < first.sent_at_us
        assert second.sent_at.timestamp() == pytest.approx(world.clock.now_us() / 1e6)
        assert texts(thread_of(world.bob, first.conversation)) == ["one", "two"]

    @pytest.mark.promise("MSG-2")
    def test_an_id_carries_the_time_where_the_clock_moves_on(self, world: World) -> None:
        sent = world.ann.start("bob", "one")
        assert milliseconds(sent) == world.clock.now_us() // 1000
        world.tick()
        assert (
            milliseconds(world.bob.send(sent.conversation, "two")) == world.clock.now_us() // 1000
        )

    @pytest.mark.promise("MSG-2")
    def test_what_is_absorbed_takes_its_place_in_the_same_order(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(ABSORBING)
        accepted = [world.ann.start("bob", "1")]
        conversation = accepted[0].conversation
        world.ann.block("bob")
        accepted.append(world.bob.send(conversation, "2"))
        world.ann.unblock("bob")
        world.tick(seconds=-60)
        accepted.append(world.ann.send(conversation, "3"))
        accepted.append(world.bob.send(conversation, "4"))

        assert all(before.id < after.id for before, after in pairwise(accepted))
        assert texts(thread_of(world.bob, conversation)) == ["1", "2", "3", "4"]
        assert texts(thread_of(world.ann, conversation)) == ["1", "3", "4"]

    @pytest.mark.promise("MSG-2", "PAGE-2")
    def test_an_earlier_instant_is_no_earlier_place_for_the_marker(self, world: World) -> None:
        """A marker moves along the order of messages, which a clock cannot turn round."""
        first = world.ann.start("bob", "one")
        world.tick(seconds=-3600)
        second = world.ann.send(first.conversation, "two")
        world.bob.mark_read(first.conversation, through=second.id)
        world.bob.mark_read(first.conversation, through=first.id)
        assert world.bob.unread() == 0
        assert world.bob.inbox().items[0].read == second.id

    @pytest.mark.promise("PAGE-2")
    def test_the_inbox_is_newest_activity_first(self, world: World) -> None:
        conversations = {}
        for other in ("bob", "cyd", "dan"):
            world.tick()
            conversations[other] = world.ann.start(other, "x").conversation
        assert others(inbox_of(world.ann)) == ["dan", "cyd", "bob"]
        world.tick()
        world.bob.send(conversations["bob"], "me first")
        assert others(inbox_of(world.ann)) == ["bob", "dan", "cyd"]
        world.tick()
        world.ann.send(conversations["cyd"], "no, me")
        assert others(inbox_of(world.ann)) == ["cyd", "bob", "dan"]

    @pytest.mark.promise("PAGE-2")
    def test_the_inbox_is_newest_activity_first_to_the_microsecond(self, world: World) -> None:
        """Instants are kept in microseconds and shown with the preview; the order has to agree."""
        names = [f"user {number}" for number in range(12)]
        for name in names:
            world.tick(seconds=0, us=20)
            world.ann.start(name, "x")
        entries = inbox_of(world.ann)
        assert [entry.preview.sent_at_us for entry in entries if entry.preview] == sorted(
            (entry.preview.sent_at_us for entry in entries if entry.preview), reverse=True
        )
        assert others(entries) == names[::-1]
