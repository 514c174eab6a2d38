"""No link of a chain shows that somebody blocked, or what was said meanwhile."""

import pytest

from dmcore.testing.conformance.sights import chain_of, links, seen_in, shown
from dmcore.testing.world import ABSORBING, MakeWorld, World, inbox_of, thread_of


class TestRepliesAndBlocks:
    """No link of a chain shows that somebody blocked, or what was said meanwhile."""

    @pytest.mark.promise("MSG-6", "BLOCK-1")
    def test_a_thread_shows_nothing_of_somebody_who_is_blocked(self, world: World) -> None:
        root = world.bob.start("ann", "root")
        reply = world.ann.send(root.conversation, "reply", reply_to=root.id)
        world.bob.send(root.conversation, "answer", reply_to=reply.id)
        world.ann.block("bob")
        assert chain_of(world.ann, root.conversation, root.id, limit=1) == [reply]
        world.ann.unblock("bob")
        assert len(chain_of(world.ann, root.conversation, root.id, limit=1)) == 3

    @pytest.mark.promise("BLOCK-2", "MSG-6")
    def test_what_answers_an_absorbed_message_is_a_plain_message_to_the_other(
        self,
        make_world: MakeWorld,
    ) -> None:
        world = make_world(ABSORBING)
        first = world.bob.start("ann", "1")
        world.ann.block("bob")
        absorbed = world.bob.send(first.conversation, "absorbed")
        world.ann.unblock("bob")
        reply = world.bob.send(first.conversation, "reply", reply_to=absorbed.id)
        here = first.conversation
        assert (
            links([reply, seen_in(world.bob, here, reply.id)]) == [(absorbed.id, absorbed.id)] * 2
        )
        assert links([seen_in(world.ann, here, reply.id)]) == [(None, None)]
        preview = inbox_of(world.ann)[0].preview
        assert preview is not None
        assert links([preview]) == [(None, None)]
        assert chain_of(world.bob, here, absorbed.id) == [
            seen_in(world.bob, here, absorbed.id),
            reply,
        ]
        assert world.ann.thread(here, root=absorbed.id).items == ()
        assert str(absorbed.id) not in str(world.ann.snapshot())

    @pytest.mark.promise("BLOCK-2", "MSG-6")
    @pytest.mark.parametrize("depth", [1, 2, 3])
    def test_no_link_of_a_chain_leads_the_other_to_an_absorbed_root(
        self, make_world: MakeWorld, depth: int
    ) -> None:
        """Neither does the root of a chain that goes on for long after the block."""
        world = make_world(ABSORBING)
        first = world.bob.start("ann", "first")
        here = first.conversation
        world.ann.block("bob")
        absorbed = world.bob.send(here, "absorbed")
        world.ann.unblock("bob")
        newest = absorbed
        for number in range(depth):
            newest = world.bob.send(here, str(number), reply_to=newest.id)
        last = world.ann.send(here, "answer", reply_to=newest.id)
        world.bob.send(here, "again", reply_to=last.id)
        visible = {message.id for message in thread_of(world.ann, here)}
        for target, thread in links(thread_of(world.ann, here)):
            assert target is None or target in visible
            assert thread is None or thread in visible
        assert world.ann.thread(here, root=absorbed.id).items == ()
        assert "absorbed" not in shown(world.ann, here)

    @pytest.mark.promise("BLOCK-2", "MSG-6")
    def test_each_thread_is_listed_whole_by_both_after_an_absorbed_root(
        self, make_world: MakeWorld
    ) -> None:
        """Each message of a chain is in the thread that its reader is shown for it."""
        world = make_world(ABSORBING)
        here = world.bob.start("ann", "first").conversation
        world.ann.block("bob")
        absorbed = world.bob.send(here, "absorbed")
        world.ann.unblock("bob")
        reply = world.bob.send(here, "reply", reply_to=absorbed.id)
        answer = world.ann.send(here, "answer", reply_to=reply.id)
        world.bob.send(here, "more", reply_to=answer.id)
        for box in (world.ann, world.bob):
            for message in thread_of(box, here):
                root = message.thread_id or message.id
                assert message in box.thread(here, root=root).items
        assert world.is_sound()
