"""A read marker moves forward along what its reader can see, and only when told to."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest

from dmcore import Action, Mailbox, Message, Preferences
from dmcore.testing.world import ABSORBING, MakeWorld, World, inbox_of, thread_of


class TestReading:
    """A read marker moves forward along what its reader can see, and only when told to."""

    @pytest.mark.promise("READ-1")
    def test_looking_marks_nothing_read(self, world: World) -> None:
        sent = world.ann.start("bob", "x")
        looks: tuple[Callable[[], object], ...] = (
            world.bob.inbox,
            lambda: world.bob.thread(sent.conversation),
            world.bob.unread,
            world.bob.blocked,
            lambda: world.bob.can_see_profile("ann"),
            lambda: world.bob.visible_profiles(["ann"]),
            lambda: world.olga.audit("bob"),
            world.olga.status,
            world.olga.verify,
            world.olga.mode,
        )
        with world.unchanged():
            for look in looks:
                look()
        assert world.bob.unread() == 1

    @pytest.mark.promise("READ-1", "READ-3")
    def test_marking_counts_off_what_lies_at_or_before_the_message(self, world: World) -> None:
        sent = [world.ann.start("bob", "0")]
        sent += [world.ann.send(sent[0].conversation, str(number)) for number in range(1, 5)]
        for number, message in enumerate(sent):
            world.bob.mark_read(message.conversation, through=message.id)
            assert world.bob.unread() == 4 - number
            (entry,) = inbox_of(world.bob)
            assert (entry.read, entry.unread) == (message.id, 4 - number)
            assert world.bob.thread(message.conversation).read == message.id
        assert world.ann.unread() == 0
        assert world.ann.thread(sent[0].conversation).read is None

    @pytest.mark.promise("READ-1")
    def test_a_marker_never_moves_back(self, world: World) -> None:
        first = world.ann.start("bob", "0")
        second = world.ann.send(first.conversation, "1")
        world.bob.mark_read(first.conversation, through=second.id)
        with world.unchanged():
            world.bob.mark_read(first.conversation, through=first.id)
            world.bob.mark_read(first.conversation, through=second.id)
        assert world.bob.thread(first.conversation).read == second.id
        assert world.bob.unread() == 0

    @pytest.mark.promise("READ-1", "READ-3")
    def test_only_the_partners_messages_are_unread(self, world: World) -> None:
        theirs = world.bob.start("ann", "one")
        mine = world.ann.send(theirs.conversation, "two")
        world.bob.send(theirs.conversation, "three")
        world.ann.send(theirs.conversation, "four")
        assert (world.ann.unread(), world.bob.unread()) == (2, 2)
        world.ann.mark_read(theirs.conversation, through=mine.id)
        assert (world.ann.unread(), world.bob.unread()) == (1, 2)

    @pytest.mark.promise("READ-1")
    def test_answering_is_not_reading(self, world: World) -> None:
        sent = world.ann.start("bob", "x")
        world.bob.send(sent.conversation, "y")
        assert world.bob.unread() == 1
        assert world.bob.thread(sent.conversation).read is None

    @pytest.mark.promise("READ-1")
    def test_ones_own_newest_message_is_a_place_for_the_marker(self, world: World) -> None:
        sent = world.ann.start("bob", "x")
        mine = world.bob.send(sent.conversation, "y")
        world.bob.mark_read(sent.conversation, through=mine.id)
        assert world.bob.unread() == 0
        world.ann.send(sent.conversation, "z")
        assert world.bob.unread() == 1

    @pytest.mark.promise("READ-3")
    def test_the_total_is_the_sum_over_the_inbox(self, world: World) -> None:
        made = {}
        for count, other in enumerate(("bob", "cyd", "dan"), 1):
            for _ in range(count):
                made[other] = world.dm.mailbox(other).start("ann", "x")
        assert world.ann.unread() == 6
        world.ann.mark_read(made["cyd"].conversation, through=made["cyd"].id)
        assert world.ann.unread() == 4
        world.ann.block("dan")
        assert world.ann.unread() == 1
        world.ann.unblock("dan")
        assert world.ann.unread() == 4
        assert sum(entry.unread for entry in inbox_of(world.ann)) == 4

    @pytest.mark.promise("READ-1", "BLOCK-1")
    def test_a_marker_moves_on_ones_own_messages_while_blocking(
        self, make_world: MakeWorld
    ) -> None:
        """What lies behind it stays unread, and is counted again after the unblock."""
        world = make_world(ABSORBING)
        theirs = world.bob.start("ann", "1")
        mine = world.ann.send(theirs.conversation, "2")
        world.bob.send(theirs.conversation, "3")
        world.bob.send(theirs.conversation, "4")
        world.ann.block("bob")
        world.bob.send(theirs.conversation, "absorbed")
        world.ann.mark_read(theirs.conversation, through=mine.id)
        assert world.ann.unread() == 0
        assert world.is_sound()
        world.ann.unblock("bob")
        assert world.ann.unread() == 2
        newest = thread_of(world.ann, theirs.conversation)[-1]
        world.ann.mark_read(theirs.conversation, through=newest.id)
        assert world.ann.unread() == 0
        assert world.is_sound()

    @pytest.mark.promise("READ-1", "BLOCK-1")
    def test_the_marker_stays_where_it_is_when_its_message_is_hidden(self, world: World) -> None:
        theirs = world.bob.start("ann", "1")
        world.ann.mark_read(theirs.conversation, through=theirs.id)
        world.ann.send(theirs.conversation, "2")
        world.ann.block("bob")
        assert world.ann.thread(theirs.conversation).read == theirs.id
        world.ann.unblock("bob")
        assert world.ann.unread() == 0

    @pytest.mark.promise("READ-1", "BLOCK-2")
    def test_a_blocked_user_marks_read_as_before(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        newest = world.ann.send(sent.conversation, "2")
        world.ann.block("bob")
        world.bob.mark_read(sent.conversation, through=sent.id)
        assert world.bob.unread() == 1
        world.bob.mark_read(sent.conversation, through=newest.id)
        assert world.bob.unread() == 0

    @pytest.mark.promise("READ-1", "BLOCK-2")
    def test_ones_own_absorbed_message_is_a_place_for_the_marker(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(ABSORBING)
        sent = world.ann.start("bob", "1")
        world.ann.block("bob")
        absorbed = world.bob.send(sent.conversation, "2")
        world.bob.mark_read(sent.conversation, through=absorbed.id)
        assert world.bob.unread() == 0
        world.ann.unblock("bob")
        world.ann.send(sent.conversation, "3")
        assert world.bob.unread() == 1
        assert world.is_sound()

    @pytest.mark.promise("READ-1", "AUD-1")
    def test_a_move_of_the_marker_is_told_to_its_reader_alone(self, world: World) -> None:
        """To the partner it is nothing; what was seen of theirs is told by a fact of its own."""
        sent = world.ann.start("bob", "1")
        reply = world.bob.send(sent.conversation, "2")

        def told_by(through: Message) -> None:
            world.tick()
            world.bob.mark_read(sent.conversation, through=through.id)
            fact = world.journal("bob")[-1].fact
            assert (fact.action, fact.actor, fact.other) == (Action.MARKED_READ, "bob", "ann")
            assert (fact.conversation, fact.message) == (sent.conversation, through.id)
            assert fact.at_us == world.clock.now_us()

        told_ann = world.journal("ann")
        told_by(sent)
        (seen,) = world.journal("ann")[len(told_ann) :]
        assert seen.fact == attrs.evolve(world.journal("bob")[-1].fact, action=Action.MESSAGES_SEEN)
        told_ann = world.journal("ann")
        told_by(reply)
        assert world.journal("ann") == told_ann

    @pytest.mark.promise("READ-1", "READ-2", "AUD-1")
    @pytest.mark.parametrize("who", ["ann", "bob"])
    def test_a_move_of_the_marker_is_told_to_nobody_else_while_receipts_are_off(
        self, world: World, who: str
    ) -> None:
        sent = world.ann.start("bob", "1")
        world.dm.mailbox(who).set_preferences(Preferences(receipts=False))
        told_ann = world.journal("ann")
        world.bob.mark_read(sent.conversation, through=sent.id)
        assert world.journal("bob")[-1].fact.action is Action.MARKED_READ
        assert world.journal("ann") == told_ann

    @pytest.mark.promise("READ-3")
    def test_counts_hold_while_many_write_and_read_at_once(self, world: World) -> None:
        first = world.ann.start("bob", "x")
        world.bob.start("ann", "x")

        def act(number: int) -> None:
            boxes: tuple[Mailbox, Mailbox] = (world.ann, world.bob)
            box = boxes[number % 2]
            if number % 3:
                box.send(first.conversation, str(number))
            else:
                newest = box.thread(first.conversation, limit=1).items[0]
                box.mark_read(first.conversation, through=newest.id)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(act, range(36)))
        assert world.is_sound()
        for box in (world.ann, world.bob):
            marker = box.thread(first.conversation).read
            unread = [
                message
                for message in thread_of(box, first.conversation)
                if message.sender != box.user.id and (marker is None or message.id > marker)
            ]
            assert box.unread() == len(unread)
