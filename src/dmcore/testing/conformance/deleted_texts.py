"""What was taken back is gone from wherever its text could still be found."""

import pytest

from dmcore.errors import KeyConflict
from dmcore.testing.conformance.sights import all_of, seen_in, shown, stored
from dmcore.testing.world import ABSORBING, MakeWorld, World, thread_of

SECRET = "what nobody should know any more"


class TestDeletedTexts:
    """What was taken back is gone from wherever its text could still be found."""

    @pytest.mark.promise("MSG-5", "BLOCK-2")
    def test_a_message_with_an_absorbed_edit_is_gone_for_both(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        sent = world.bob.start("ann", SECRET, key="k")
        world.ann.block("bob")
        world.bob.edit(sent.conversation, sent.id, f"changed, {SECRET}")
        world.bob.delete(sent.conversation, sent.id)
        world.ann.unblock("bob")
        for box in (world.ann, world.bob):
            assert shown(box, sent.conversation) == [None]
            assert seen_in(box, sent.conversation, sent.id).edited_at is None
        assert SECRET not in stored(world.harness)
        assert world.is_sound()

    @pytest.mark.promise("MSG-3", "MSG-5")
    def test_a_retry_finds_the_gap_and_another_text_is_still_another(self, world: World) -> None:
        sent = world.ann.start("bob", SECRET, key="k")
        edited = world.ann.send(sent.conversation, "first", key="edited")
        world.ann.edit(sent.conversation, edited.id, "second")
        for message in (sent, edited):
            world.ann.delete(sent.conversation, message.id)
        gaps = thread_of(world.ann, sent.conversation)
        with world.unchanged():
            assert world.ann.start("bob", SECRET, key="k") == gaps[0]
            assert world.ann.send(sent.conversation, SECRET, key="k") == gaps[0]
            assert world.ann.send(sent.conversation, "first", key="edited") == gaps[1]
            for key, text in (("k", "other"), ("edited", "second"), ("edited", SECRET)):
                with pytest.raises(KeyConflict) as caught:
                    world.ann.send(sent.conversation, text, key=key)
                assert SECRET not in all_of(caught.value)

    @pytest.mark.promise("MSG-3", "MSG-5")
    def test_one_text_under_two_keys_is_remembered_apart(self, world: World) -> None:
        """What stands for a text that is gone cannot be used to look for it elsewhere."""
        first = world.ann.start("bob", SECRET, key="1")
        second = world.ann.send(first.conversation, SECRET, key="2")
        world.ann.delete(first.conversation, first.id)
        assert world.ann.send(first.conversation, SECRET, key="2") == second
        with pytest.raises(KeyConflict):
            world.ann.send(first.conversation, "other", key="1")

    @pytest.mark.promise("MSG-5", "LEAK-1")
    def test_the_text_is_in_no_row(self, world: World) -> None:
        sent = world.ann.start("bob", SECRET, key="k")
        without_key = world.ann.send(sent.conversation, SECRET)
        world.ann.edit(sent.conversation, sent.id, f"changed, {SECRET}")
        assert stored(world.harness).count(SECRET) == 2
        for message in (sent, without_key):
            world.ann.delete(sent.conversation, message.id)
        assert SECRET not in stored(world.harness)
