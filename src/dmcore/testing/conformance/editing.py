"""An own message can be given another text for a while, and nobody else's ever."""

from datetime import timedelta

import pytest

from dmcore import Action, DmcoreError, Policy, RateLimit
from dmcore.errors import (
    InvalidBody,
    KeyConflict,
    LimitReached,
    MessagingUnavailable,
    TooLateToEdit,
)
from dmcore.testing.conformance.sights import (
    NOWHERE,
    all_of,
    check_all_denied,
    news,
    says,
    seen_in,
    shown,
    stored,
)
from dmcore.testing.world import SECOND_US, MakeWorld, World, inbox_of, others, texts, thread_of


class TestEditing:
    """An own message can be given another text for a while, and nobody else's ever."""

    @pytest.mark.promise("MSG-5", "PAGE-2")
    def test_both_see_the_new_text_in_the_old_place(self, world: World) -> None:
        sent = world.ann.start("bob", "frist")
        world.ann.send(sent.conversation, "second")
        world.tick()
        world.cyd.start("bob", "later")
        world.tick()
        edited = world.ann.edit(sent.conversation, sent.id, "first")
        assert (edited.id, edited.sent_at_us) == (sent.id, sent.sent_at_us)
        assert (says(edited), edited.edited_at_us) == ("first", world.clock.now_us())
        assert edited.edited_at == sent.sent_at + timedelta(seconds=2)
        for box in (world.ann, world.bob):
            assert texts(thread_of(box, sent.conversation)) == ["first", "second"]
            assert seen_in(box, sent.conversation, sent.id) == edited
        assert others(inbox_of(world.bob)) == ["cyd", "ann"]
        assert world.bob.unread() == 3
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "PAGE-2")
    def test_the_preview_is_the_newest_text(self, world: World) -> None:
        sent = world.ann.start("bob", "typo")
        edited = world.ann.edit(str(sent.conversation), str(sent.id), "text")
        for box in (world.ann, world.bob):
            assert inbox_of(box)[0].preview == edited

    @pytest.mark.promise("MSG-5")
    def test_the_time_shown_is_that_of_the_last_change(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        for text in ("2", "1", "3"):
            world.tick()
            edited = world.ann.edit(sent.conversation, sent.id, text)
            assert (says(edited), edited.edited_at_us) == (text, world.clock.now_us())

    @pytest.mark.promise("MSG-5", "FEED-2")
    def test_the_same_text_is_no_change(self, world: World) -> None:
        sent = world.ann.start("bob", "same")
        world.tick()
        with world.unchanged():
            assert world.ann.edit(sent.conversation, sent.id, "same") == sent
        edited = world.ann.edit(sent.conversation, sent.id, "other")
        world.tick()
        with world.unchanged():
            assert world.ann.edit(sent.conversation, sent.id, "other") == edited

    @pytest.mark.promise("MSG-5", "CONV-1", "CONV-2")
    def test_nothing_but_an_own_message_that_one_sees_can_be_edited(self, world: World) -> None:
        sent = world.ann.start("bob", "hidden")
        cleared = world.ann.start("dan", "cleared")
        elsewhere = world.ann.start("cyd", "elsewhere")
        theirs = world.bob.send(sent.conversation, "theirs")
        foreign = world.bob.start("cyd", "foreign")
        world.ann.hide(sent.conversation, sent.id)
        world.ann.clear(cleared.conversation)
        check_all_denied(
            world,
            [
                lambda: world.ann.edit(theirs.conversation, theirs.id, "x"),
                lambda: world.ann.edit(sent.conversation, sent.id, "x"),
                lambda: world.ann.edit(cleared.conversation, cleared.id, "x"),
                lambda: world.ann.edit(sent.conversation, elsewhere.id, "x"),
                lambda: world.ann.edit(sent.conversation, foreign.id, "x"),
                lambda: world.ann.edit(foreign.conversation, foreign.id, "x"),
                lambda: world.ann.edit(sent.conversation, NOWHERE, "x"),
                lambda: world.ann.edit(NOWHERE, sent.id, "x"),
                lambda: world.eve.edit(sent.conversation, sent.id, "x"),
                lambda: world.dm.mailbox("ann", tenant="t").edit(sent.conversation, sent.id, "x"),
            ],
        )

    @pytest.mark.promise("MSG-5")
    def test_the_window_ends_to_the_microsecond(self, make_world: MakeWorld) -> None:
        world = make_world()
        sent = world.ann.start("bob", "1")
        world.tick(seconds=15 * 60)
        world.ann.edit(sent.conversation, sent.id, "2")
        world.tick(seconds=0, us=1)
        with world.unchanged(), pytest.raises(TooLateToEdit):
            world.ann.edit(sent.conversation, sent.id, "3")
        assert texts(thread_of(world.bob, sent.conversation)) == ["2"]

    @pytest.mark.promise("MSG-5")
    def test_an_edit_does_not_begin_the_window_anew(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.tick(seconds=14 * 60)
        world.ann.edit(sent.conversation, sent.id, "2")
        world.tick(seconds=2 * 60)
        with world.unchanged(), pytest.raises(TooLateToEdit):
            world.ann.edit(sent.conversation, sent.id, "3")

    @pytest.mark.promise("MSG-5")
    def test_a_product_can_allow_edits_never_or_for_ever(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(edit_window=timedelta(0)))
        sent = world.ann.start("bob", "1")
        with world.unchanged(), pytest.raises(TooLateToEdit):
            world.ann.edit(sent.conversation, sent.id, "2")
        world.tick(seconds=10 * 365 * 24 * 3600)
        patient = world.open(Policy(edit_window=None)).mailbox("ann")
        assert says(patient.edit(sent.conversation, sent.id, "3")) == "3"

    @pytest.mark.promise("MSG-5")
    def test_a_clock_that_is_set_back_closes_no_window(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.clock.set_us(sent.sent_at_us - 3600 * SECOND_US)
        assert says(world.ann.edit(sent.conversation, sent.id, "2")) == "2"

    @pytest.mark.promise("MSG-5")
    def test_a_message_that_was_taken_back_gets_no_text_again(self, world: World) -> None:
        sent = world.ann.start("bob", "gone")
        world.ann.delete(sent.conversation, sent.id)
        for text in ("gone", "back"):
            with world.unchanged(), pytest.raises(TooLateToEdit):
                world.ann.edit(sent.conversation, sent.id, text)
        assert shown(world.bob, sent.conversation) == [None]

    @pytest.mark.promise("MSG-1", "MSG-5", "LEAK-1")
    def test_an_edit_is_held_to_the_rules_of_a_text(self, world: World) -> None:
        sent = world.ann.start("bob", "x")
        for text in ("", " \n", "\u200b", "secret\0", "secret\ud800", "secret" * 4000):
            with world.unchanged(), pytest.raises(InvalidBody) as caught:
                world.ann.edit(sent.conversation, sent.id, text)
            assert "secret" not in all_of(caught.value)

    @pytest.mark.promise("MSG-3", "MSG-5")
    def test_a_retry_is_known_by_the_first_text_and_answered_with_the_last(
        self, world: World
    ) -> None:
        sent = world.ann.start("bob", "first", key="k")
        for text in ("second", "third", "first"):
            edited = world.ann.edit(sent.conversation, sent.id, text)
            with world.unchanged():
                assert world.ann.start("bob", "first", key="k") == edited
                for other in ("second", "third", "First"):
                    with pytest.raises(KeyConflict) as caught:
                        world.ann.send(sent.conversation, other, key="k")
                    assert "first" not in all_of(caught.value)

    @pytest.mark.promise("LIMIT-1", "MSG-5")
    def test_edits_cost_no_limit(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(messages=RateLimit(2, timedelta(minutes=1))))
        sent = world.ann.start("bob", "0")
        for number in range(1, 6):
            world.ann.edit(sent.conversation, sent.id, str(number))
        world.ann.send(sent.conversation, "second")
        with pytest.raises(LimitReached):
            world.ann.send(sent.conversation, "third")
        assert says(world.ann.edit(sent.conversation, sent.id, "6")) == "6"

    @pytest.mark.promise("MSG-5", "READ-1", "READ-3")
    def test_what_was_read_stays_read_and_what_was_put_away_stays_away(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.bob.mark_read(sent.conversation, through=sent.id)
        world.bob.archive(sent.conversation)
        world.ann.archive(sent.conversation)
        world.ann.edit(sent.conversation, sent.id, "2")
        for box in (world.ann, world.bob):
            assert box.inbox().items == ()
            (entry,) = box.archived().items
            assert (says(entry.preview), entry.unread) == ("2", 0)
        assert world.bob.unread() == 0

    @pytest.mark.promise("MSG-5", "FEED-1", "AUD-1")
    def test_both_are_told_of_an_edit_without_its_text(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.tick()
        with news(world) as told:
            world.ann.edit(sent.conversation, sent.id, "2")
        notice = (Action.MESSAGE_EDITED, sent.id)
        assert told == {"ann": [notice], "bob": [notice]}
        fact = world.journal("bob")[-1].fact
        assert (fact.actor, fact.other, fact.conversation) == ("ann", "bob", sent.conversation)
        assert fact.at_us == world.clock.now_us()

    @pytest.mark.promise("MSG-5", "FEED-1")
    def test_who_does_not_see_the_message_is_not_told_of_its_edit(self, world: World) -> None:
        hidden = world.ann.start("bob", "1")
        cleared = world.ann.start("cyd", "1")
        world.bob.hide(hidden.conversation, hidden.id)
        world.cyd.clear(cleared.conversation)
        for sent in (hidden, cleared):
            with news(world) as told:
                world.ann.edit(sent.conversation, sent.id, "2")
            assert told == {"ann": [(Action.MESSAGE_EDITED, sent.id)]}
        assert thread_of(world.bob, hidden.conversation) == []
        assert thread_of(world.cyd, cleared.conversation) == []
        assert world.is_sound()

    @pytest.mark.promise("OPS-1", "MSG-5")
    def test_an_edit_needs_a_switch_that_lets_replies_through(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.olga.set_mode("replies_only")
        assert says(world.ann.edit(sent.conversation, sent.id, "2")) == "2"
        for mode in ("read_only", "off"):
            world.olga.set_mode(mode)
            with world.unchanged(), pytest.raises(MessagingUnavailable):
                world.ann.edit(sent.conversation, sent.id, "3")

    @pytest.mark.promise("MSG-5", "MSG-3")
    def test_the_old_text_is_kept_nowhere(self, world: World) -> None:
        sent = world.ann.start("bob", "what nobody should know", key="k")
        assert "what nobody should know" in stored(world.harness)
        world.ann.edit(sent.conversation, sent.id, "the middle text")
        world.ann.edit(sent.conversation, sent.id, "the last text")
        kept = stored(world.harness)
        assert "the last text" in kept
        assert "what nobody should know" not in kept
        assert "the middle text" not in kept

    @pytest.mark.promise("LEAK-1", "MSG-5")
    def test_no_refusal_and_no_repr_shows_a_text(self, world: World) -> None:
        sent = world.ann.start("bob", "secret old")
        edited = world.ann.edit(sent.conversation, sent.id, "secret new")
        assert "secret" not in f"{edited!r} {edited} {world.bob.thread(sent.conversation)!r}"
        world.tick(seconds=3600)
        refusals: list[DmcoreError] = []
        for box in (world.ann, world.bob, world.eve):
            with pytest.raises(DmcoreError) as caught:
                box.edit(sent.conversation, sent.id, "secret attempt")
            refusals.append(caught.value)
        assert not any("secret" in all_of(error) for error in refusals)
