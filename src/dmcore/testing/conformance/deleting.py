"""An own message can be taken back: its place stays for both, its text is gone from everywhere."""

import pytest

from dmcore import Action, Policy
from dmcore.errors import MessagingUnavailable
from dmcore.testing.conformance.sights import (
    NOWHERE,
    check_all_denied,
    check_counts,
    news,
    says,
    seen_in,
    shown,
)
from dmcore.testing.world import ABSORBING, MakeWorld, World, inbox_of, others, thread_of


class TestDeleting:
    """An own message can be taken back: its place stays for both, its text is gone from
    everywhere.
    """

    @pytest.mark.promise("MSG-5", "PAGE-2")
    def test_both_see_a_gap_in_the_old_place(self, world: World) -> None:
        first = world.ann.start("bob", "1")
        sent = world.ann.send(first.conversation, "2")
        world.bob.send(first.conversation, "3")
        world.ann.edit(sent.conversation, sent.id, "2a")
        world.tick()
        world.ann.delete(str(sent.conversation), str(sent.id))
        for box in (world.ann, world.bob):
            assert shown(box, sent.conversation) == ["1", None, "3"]
            gap = seen_in(box, sent.conversation, sent.id)
            assert gap.is_deleted
            assert (gap.sender, gap.sent_at_us, gap.edited_at_us) == ("ann", sent.sent_at_us, None)
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "PAGE-2")
    def test_the_gap_holds_the_place_of_the_conversation_in_the_inbox(self, world: World) -> None:
        early = world.ann.start("bob", "early")
        world.tick()
        world.cyd.start("bob", "middle")
        world.tick()
        late = world.ann.send(early.conversation, "late")
        world.ann.delete(late.conversation, late.id)
        entries = inbox_of(world.bob)
        assert others(entries) == ["ann", "cyd"]
        assert entries[0].newest == late.id
        assert says(entries[0].preview) is None
        assert entries[0].preview == thread_of(world.bob, late.conversation)[-1]
        check_counts(world, "ann", "bob")

    @pytest.mark.promise("MSG-5", "FEED-2")
    def test_deleting_twice_is_deleting_once(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.ann.delete(sent.conversation, sent.id)
        world.tick()
        with world.unchanged():
            world.ann.delete(sent.conversation, sent.id)
        assert world.bob.unread() == 0

    @pytest.mark.promise("MSG-5", "CONV-1", "CONV-2")
    def test_nothing_but_an_own_message_that_one_sees_can_be_taken_back(self, world: World) -> None:
        sent = world.ann.start("bob", "hidden")
        cleared = world.ann.start("dan", "cleared")
        elsewhere = world.ann.start("cyd", "elsewhere")
        theirs = world.bob.send(sent.conversation, "theirs")
        gap = world.bob.send(sent.conversation, "gap")
        foreign = world.bob.start("cyd", "foreign")
        world.bob.delete(gap.conversation, gap.id)
        world.ann.hide(sent.conversation, sent.id)
        world.ann.clear(cleared.conversation)
        check_all_denied(
            world,
            [
                lambda: world.ann.delete(theirs.conversation, theirs.id),
                lambda: world.ann.delete(gap.conversation, gap.id),
                lambda: world.ann.delete(sent.conversation, sent.id),
                lambda: world.ann.delete(cleared.conversation, cleared.id),
                lambda: world.ann.delete(sent.conversation, elsewhere.id),
                lambda: world.ann.delete(sent.conversation, foreign.id),
                lambda: world.ann.delete(foreign.conversation, foreign.id),
                lambda: world.ann.delete(sent.conversation, NOWHERE),
                lambda: world.ann.delete(NOWHERE, sent.id),
                lambda: world.eve.delete(sent.conversation, sent.id),
                lambda: world.dm.mailbox("ann", tenant="t").delete(sent.conversation, sent.id),
            ],
        )

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_a_gap_is_never_unread(self, world: World) -> None:
        sent = [world.ann.start("bob", "0")]
        sent += [world.ann.send(sent[0].conversation, str(number)) for number in range(1, 5)]
        world.bob.mark_read(sent[0].conversation, through=sent[1].id)
        for number, unread in ((0, 3), (3, 2), (4, 1), (2, 0)):
            world.ann.delete(sent[0].conversation, sent[number].id)
            assert world.bob.unread() == unread
            check_counts(world, "ann", "bob")
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "READ-1", "READ-3")
    def test_a_marker_counts_no_gap_behind_it(self, world: World) -> None:
        """As it counts anew what lies behind it."""
        sent = [world.ann.start("bob", "0")]
        sent += [world.ann.send(sent[0].conversation, str(number)) for number in range(1, 5)]
        for gap in (sent[0], sent[3]):
            world.ann.delete(gap.conversation, gap.id)
        world.bob.mark_read(sent[0].conversation, through=sent[0].id)
        assert world.bob.unread() == 3
        world.bob.mark_read(sent[0].conversation, through=sent[1].id)
        assert world.bob.unread() == 2
        world.bob.mark_read(sent[0].conversation, through=sent[3].id)
        assert world.bob.unread() == 1
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_what_was_hidden_is_not_counted_off_again(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.ann.send(sent.conversation, "2")
        world.bob.hide(sent.conversation, sent.id)
        assert world.bob.unread() == 1
        with news(world) as told:
            world.ann.delete(sent.conversation, sent.id)
        assert set(told) == {"ann"}
        assert world.bob.unread() == 1
        assert shown(world.bob, sent.conversation) == ["2"]
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_hiding_a_gap_counts_nothing_off(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        second = world.ann.send(sent.conversation, "2")
        world.ann.delete(sent.conversation, sent.id)
        world.bob.hide(sent.conversation, sent.id)
        assert world.bob.unread() == 1
        world.ann.delete(sent.conversation, second.id)
        world.ann.hide(sent.conversation, second.id)
        assert shown(world.ann, sent.conversation) == [None]
        assert shown(world.bob, sent.conversation) == [None]
        check_counts(world, "ann", "bob")
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "BLOCK-1", "BLOCK-2", "READ-3")
    def test_taking_back_is_possible_while_either_blocks(self, make_world: MakeWorld) -> None:
        """A block must not keep a text where its writer does not want it."""
        world = make_world(Policy(blocked="refuse"))
        sent = world.ann.start("bob", "1")
        kept = world.ann.send(sent.conversation, "2")
        answer = world.bob.send(sent.conversation, "3")
        world.bob.block("ann")
        with news(world) as told:
            world.ann.delete(sent.conversation, sent.id)
            world.bob.delete(sent.conversation, answer.id)
        assert told == {
            "ann": [(Action.MESSAGE_DELETED, sent.id), (Action.MESSAGE_DELETED, answer.id)],
            "bob": [(Action.MESSAGE_DELETED, answer.id)],
        }
        assert world.is_sound()
        assert world.bob.unread() == 0
        world.bob.unblock("ann")
        assert shown(world.bob, sent.conversation) == [None, says(kept), None]
        assert (world.ann.unread(), world.bob.unread()) == (0, 1)
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "BLOCK-2", "FEED-1")
    def test_taking_back_an_absorbed_message_tells_nobody(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        first = world.bob.start("ann", "1")
        world.ann.block("bob")
        absorbed = world.bob.send(first.conversation, "absorbed")
        world.ann.unblock("bob")
        before = world.ann.snapshot(), world.ann.thread(first.conversation)
        world.bob.delete(first.conversation, absorbed.id)
        assert (world.ann.snapshot(), world.ann.thread(first.conversation)) == before
        assert shown(world.bob, first.conversation) == ["1", None]
        assert world.is_sound()

    @pytest.mark.promise("MSG-5")
    def test_there_is_no_window_for_taking_back(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(edit_window=None))
        sent = world.ann.start("bob", "1")
        world.tick(seconds=10 * 365 * 24 * 3600)
        world.ann.delete(sent.conversation, sent.id)
        assert shown(world.bob, sent.conversation) == [None]

    @pytest.mark.promise("MSG-5", "OPS-1")
    def test_taking_back_needs_a_switch_that_lets_read(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.olga.set_mode("off")
        with world.unchanged(), pytest.raises(MessagingUnavailable):
            world.ann.delete(sent.conversation, sent.id)
        world.olga.set_mode("read_only")
        world.ann.delete(sent.conversation, sent.id)
        assert shown(world.bob, sent.conversation) == [None]

    @pytest.mark.promise("MSG-5", "FEED-1", "AUD-1")
    def test_both_are_told_who_took_back_which_message(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.tick()
        with news(world) as told:
            world.ann.delete(sent.conversation, sent.id)
        notice = (Action.MESSAGE_DELETED, sent.id)
        assert told == {"ann": [notice], "bob": [notice]}
        fact = world.journal("bob")[-1].fact
        assert (fact.actor, fact.conversation) == ("ann", sent.conversation)
        assert fact.at_us == world.clock.now_us()

    @pytest.mark.promise("MSG-5")
    def test_it_brings_nothing_out_of_the_archive(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.ann.archive(sent.conversation)
        world.bob.archive(sent.conversation)
        world.ann.delete(sent.conversation, sent.id)
        for box in (world.ann, world.bob):
            assert box.inbox().items == ()
            (entry,) = box.archived().items
            assert (says(entry.preview), entry.unread, box.unread()) == (None, 0, 0)
        assert world.is_sound()
