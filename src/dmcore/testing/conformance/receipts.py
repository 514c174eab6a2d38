"""Who sent a message sees when it was first seen, where both agree to show it."""

import pytest

from dmcore import Action
from dmcore.domain.preferences import Preferences
from dmcore.testing.conformance.sights import at, news, seen_in, seen_times
from dmcore.testing.world import World, inbox_of, thread_of

SHOWN = Preferences()
NOT_SHOWN = Preferences(receipts=False)


class TestReceipts:
    """Who sent a message sees when it was first seen, where both agree to show it."""

    @pytest.mark.promise("READ-1", "READ-2")
    def test_a_message_was_seen_at_the_first_mark_that_covers_it(self, world: World) -> None:
        sent = [world.ann.start("bob", "0")]
        sent += [world.ann.send(sent[0].conversation, str(number)) for number in range(1, 4)]
        here = sent[0].conversation
        assert seen_times(world.ann, here) == [None] * 4
        first = at(world, 10)
        world.bob.mark_read(here, through=sent[1].id)
        assert seen_times(world.ann, here) == [first, first, None, None]
        second = at(world, 10)
        world.bob.mark_read(here, through=sent[2].id)
        at(world, 10)
        with world.unchanged():
            world.bob.mark_read(here, through=sent[2].id)
            world.bob.mark_read(here, through=sent[0].id)
        assert seen_times(world.ann, here) == [first, first, second, None]
        assert seen_in(world.ann, here, sent[0].id).seen_at is not None
        assert world.is_sound()

    @pytest.mark.promise("READ-2", "PAGE-2")
    def test_the_inbox_tells_the_same_as_the_thread(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        seen = at(world, 10)
        world.bob.mark_read(sent.conversation, through=sent.id)
        preview = inbox_of(world.ann)[0].preview
        assert preview is not None
        assert preview.seen_at_us == seen
        assert preview == thread_of(world.ann, sent.conversation)[-1]

    @pytest.mark.promise("READ-2")
    def test_nobody_is_told_when_they_saw_what_the_other_wrote(self, world: World) -> None:
        """The reader's own marker is no receipt to themselves."""
        sent = world.ann.start("bob", "1")
        answer = world.bob.send(sent.conversation, "2")
        world.bob.mark_read(sent.conversation, through=answer.id)
        world.ann.mark_read(sent.conversation, through=sent.id)
        assert seen_times(world.bob, sent.conversation) == [None, None]
        assert seen_in(world.ann, sent.conversation, answer.id).seen_at is None
        assert seen_in(world.ann, sent.conversation, sent.id).seen_at is not None

    @pytest.mark.promise("READ-2", "FEED-1", "AUD-1")
    def test_both_are_told_of_what_was_seen(self, world: World) -> None:
        first = world.ann.start("bob", "1")
        second = world.ann.send(first.conversation, "2")
        world.tick()
        with news(world) as told:
            world.bob.mark_read(first.conversation, through=second.id)
        assert told == {
            "ann": [(Action.MESSAGES_SEEN, second.id)],
            "bob": [(Action.MARKED_READ, second.id)],
        }
        fact = world.journal("ann")[-1].fact
        assert (fact.actor, fact.other, fact.conversation) == ("bob", "ann", first.conversation)
        assert fact.at_us == world.clock.now_us()

    @pytest.mark.promise("READ-1", "READ-2")
    def test_a_mark_on_ones_own_message_says_what_was_seen_before_it(self, world: World) -> None:
        theirs = world.ann.start("bob", "1")
        mine = world.bob.send(theirs.conversation, "2")
        world.ann.send(theirs.conversation, "3")
        seen = at(world, 10)
        world.bob.mark_read(theirs.conversation, through=mine.id)
        assert seen_times(world.ann, theirs.conversation) == [seen, None, None]
        assert world.is_sound()

    @pytest.mark.promise("READ-2", "FEED-1")
    def test_a_mark_behind_nothing_new_of_the_others_tells_them_nothing(self, world: World) -> None:
        theirs = world.ann.start("bob", "1")
        world.bob.mark_read(theirs.conversation, through=theirs.id)
        mine = world.bob.send(theirs.conversation, "2")
        with news(world) as told:
            world.bob.mark_read(theirs.conversation, through=mine.id)
        assert told == {"bob": [(Action.MARKED_READ, mine.id)]}

    @pytest.mark.promise("READ-2", "PREF-1")
    @pytest.mark.parametrize("who", ["reader", "sender"])
    def test_who_shows_no_receipts_gives_and_gets_none(self, world: World, who: str) -> None:
        """What was seen while either had them off is not found out when both turn them on."""
        sent = world.ann.start("bob", "1")
        box = world.bob if who == "reader" else world.ann
        box.set_preferences(NOT_SHOWN)
        with news(world) as told:
            world.bob.mark_read(sent.conversation, through=sent.id)
        assert told == {"bob": [(Action.MARKED_READ, sent.id)]}
        assert world.bob.unread() == 0
        assert seen_times(world.ann, sent.conversation) == [None]
        box.set_preferences(SHOWN)
        assert seen_times(world.ann, sent.conversation) == [None]
        assert world.is_sound()

    @pytest.mark.promise("READ-2", "PREF-1")
    @pytest.mark.parametrize("who", ["reader", "sender"])
    def test_earlier_receipts_are_shown_only_while_both_show_them(
        self, world: World, who: str
    ) -> None:
        sent = world.ann.start("bob", "1")
        answer = world.bob.send(sent.conversation, "2")
        seen = at(world, 10)
        world.bob.mark_read(sent.conversation, through=sent.id)
        world.ann.mark_read(sent.conversation, through=answer.id)
        box = world.bob if who == "reader" else world.ann
        box.set_preferences(NOT_SHOWN)
        for one in (world.ann, world.bob):
            assert seen_times(one, sent.conversation) == [None, None]
            preview = inbox_of(one)[0].preview
            assert preview is not None
            assert preview.seen_at is None
        box.set_preferences(SHOWN)
        assert seen_times(world.ann, sent.conversation) == [seen, None]
        assert seen_times(world.bob, sent.conversation) == [None, seen]

    @pytest.mark.promise("READ-2", "PREF-1")
    def test_the_choice_of_a_third_changes_nothing(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.cyd.set_preferences(NOT_SHOWN)
        world.dm.mailbox("bob", tenant="t").set_preferences(NOT_SHOWN)
        world.bob.mark_read(sent.conversation, through=sent.id)
        assert seen_times(world.ann, sent.conversation) == [world.clock.now_us()]

    @pytest.mark.promise("READ-2", "MSG-5")
    def test_a_receipt_outlives_what_either_does_to_the_message(self, world: World) -> None:
        first = world.ann.start("bob", "1", key="k")
        second = world.ann.send(first.conversation, "2")
        third = world.ann.send(first.conversation, "3")
        seen = at(world, 10)
        world.bob.mark_read(first.conversation, through=third.id)
        world.ann.edit(first.conversation, first.id, "changed")
        world.ann.delete(first.conversation, second.id)
        world.bob.hide(first.conversation, third.id)
        world.bob.clear(first.conversation)
        assert seen_times(world.ann, first.conversation) == [seen] * 3
        assert world.is_sound()

    @pytest.mark.promise("READ-2", "MSG-5")
    def test_what_was_hidden_unread_is_seen_by_no_later_mark_before_it(self, world: World) -> None:
        first = world.ann.start("bob", "1")
        second = world.ann.send(first.conversation, "2")
        world.bob.hide(first.conversation, second.id)
        with news(world) as told:
            world.bob.mark_read(first.conversation, through=first.id)
        assert told["ann"] == [(Action.MESSAGES_SEEN, first.id)]
        assert seen_in(world.ann, first.conversation, second.id).seen_at is None
        assert world.is_sound()

    @pytest.mark.promise("READ-2", "MSG-5")
    def test_in_the_archive_and_muted_a_mark_is_a_mark(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.bob.mute(sent.conversation)
        world.bob.archive(sent.conversation)
        world.bob.mark_read(sent.conversation, through=sent.id)
        assert seen_times(world.ann, sent.conversation) == [world.clock.now_us()]

    @pytest.mark.promise("READ-2")
    def test_receipts_of_one_conversation_say_nothing_in_another(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        other = world.ann.start("cyd", "1")
        world.tick()
        world.cyd.start("bob", "x")
        newest = world.cyd.send(other.conversation, "y")
        world.cyd.mark_read(other.conversation, through=newest.id)
        assert seen_times(world.ann, sent.conversation) == [None]
        assert seen_times(world.ann, other.conversation)[0] is not None
