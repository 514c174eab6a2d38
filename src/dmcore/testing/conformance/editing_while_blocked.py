"""What is written into an old message while a block stands stays with who wrote it."""

from collections.abc import Callable

import pytest

from dmcore import Action
from dmcore.errors import KeyConflict, RecipientUnavailable, YouBlockedThem
from dmcore.testing.conformance.sights import news, says, stored
from dmcore.testing.world import ABSORBING, MakeWorld, World, anatomy, inbox_of, texts, thread_of


class TestEditingWhileBlocked:
    """What is written into an old message while a block stands stays with who wrote it."""

    @pytest.mark.promise("MSG-5", "BLOCK-1", "BLOCK-2")
    def test_what_may_not_be_written_may_not_be_edited_into_an_old_message(
        self, world: World
    ) -> None:
        """The refusals are those of a new message, so an edit finds out no more than a send."""
        mine = world.ann.start("bob", "mine")
        theirs = world.bob.send(mine.conversation, "theirs")
        world.ann.block("bob")
        with world.unchanged(), pytest.raises(YouBlockedThem):
            world.ann.edit(mine.conversation, mine.id, "x")
        attempts: tuple[Callable[[], object], ...] = (
            lambda: world.bob.edit(mine.conversation, theirs.id, "x"),
            lambda: world.bob.send(mine.conversation, "x"),
        )
        answers = []
        with world.unchanged():
            for attempt in attempts:
                with pytest.raises(RecipientUnavailable) as caught:
                    attempt()
                answers.append(anatomy(caught.value))
        assert answers[0] == answers[1]
        world.ann.unblock("bob")
        assert texts(thread_of(world.ann, mine.conversation)) == ["mine", "theirs"]

    @pytest.mark.promise("MSG-5", "BLOCK-2", "FEED-2")
    def test_an_edit_while_blocked_is_absorbed_for_good(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        sent = world.bob.start("ann", "before")
        world.ann.block("bob")
        world.tick()
        with news(world) as told:
            edited = world.bob.edit(sent.conversation, sent.id, "absorbed")
        assert told == {"bob": [(Action.MESSAGE_EDITED, sent.id)]}
        assert (says(edited), edited.edited_at_us) == ("absorbed", world.clock.now_us())
        world.ann.unblock("bob")
        assert thread_of(world.ann, sent.conversation) == [sent]
        assert inbox_of(world.ann)[0].preview == sent
        assert thread_of(world.bob, sent.conversation) == [edited]
        assert inbox_of(world.bob)[0].preview == edited
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "BLOCK-2")
    def test_the_next_edit_after_the_unblock_reaches_both(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        sent = world.bob.start("ann", "before", key="k")
        world.ann.block("bob")
        world.bob.edit(sent.conversation, sent.id, "absorbed")
        world.bob.edit(sent.conversation, sent.id, "absorbed again")
        world.ann.unblock("bob")
        with news(world) as told:
            edited = world.bob.edit(sent.conversation, sent.id, "after")
        assert set(told) == {"ann", "bob"}
        for box in (world.ann, world.bob):
            assert thread_of(box, sent.conversation) == [edited]
        assert "absorbed" not in stored(world.harness)
        with world.unchanged():
            assert world.bob.send(sent.conversation, "before", key="k") == edited

    @pytest.mark.promise("MSG-5", "BLOCK-2")
    def test_the_text_that_is_there_anyway_tells_of_no_edit(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        sent = world.bob.start("ann", "before")
        world.ann.block("bob")
        world.bob.edit(sent.conversation, sent.id, "absorbed")
        world.ann.unblock("bob")
        with news(world) as told:
            world.bob.edit(sent.conversation, sent.id, "before")
        assert told == {"bob": [(Action.MESSAGE_EDITED, sent.id)]}
        assert thread_of(world.ann, sent.conversation) == [sent]
        assert "absorbed" not in stored(world.harness)
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "BLOCK-2")
    def test_an_edit_of_an_absorbed_message_delivers_nothing(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        first = world.bob.start("ann", "before")
        world.ann.block("bob")
        absorbed = world.bob.send(first.conversation, "absorbed")
        world.bob.edit(first.conversation, absorbed.id, "while blocked")
        world.ann.unblock("bob")
        before = world.ann.snapshot(), world.ann.thread(first.conversation)
        with news(world) as told:
            world.bob.edit(first.conversation, absorbed.id, "after the unblock")
        assert told == {"bob": [(Action.MESSAGE_EDITED, absorbed.id)]}
        assert (world.ann.snapshot(), world.ann.thread(first.conversation)) == before
        assert texts(thread_of(world.bob, first.conversation)) == ["before", "after the unblock"]

    @pytest.mark.promise("MSG-3", "MSG-5", "BLOCK-2")
    def test_a_retry_after_an_absorbed_edit_is_no_other(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        sent = world.bob.start("ann", "first", key="k")
        world.ann.block("bob")
        edited = world.bob.edit(sent.conversation, sent.id, "second")
        with world.unchanged():
            assert world.bob.send(sent.conversation, "first", key="k") == edited
            with pytest.raises(KeyConflict):
                world.bob.send(sent.conversation, "second", key="k")
