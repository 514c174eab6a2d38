"""A reply names a message of its conversation; the replies to one message are a thread."""

from functools import partial

import pytest

from dmcore.errors import InvalidCursor, InvalidId
from dmcore.testing.conformance.sights import NOWHERE, chain_of, check_all_denied, links
from dmcore.testing.world import ABSORBING, MakeWorld, World, inbox_of, texts, thread_of


class TestReplies:
    """A reply names a message of its conversation; the replies to one message are a thread."""

    @pytest.mark.promise("MSG-6")
    def test_a_reply_names_its_message_and_the_first_of_the_chain(self, world: World) -> None:
        root = world.ann.start("bob", "root")
        assert links([root]) == [(None, None)]
        first = world.bob.send(str(root.conversation), "1", reply_to=str(root.id))
        second = world.ann.send(root.conversation, "2", reply_to=first.id)
        aside = world.ann.send(root.conversation, "aside")
        third = world.ann.send(root.conversation, "3", reply_to=second.id)
        branch = world.bob.send(root.conversation, "branch", reply_to=first.id)
        own = world.bob.send(root.conversation, "own", reply_to=branch.id)
        expected = [
            (None, None),
            (root.id, root.id),
            (first.id, root.id),
            (None, None),
            (second.id, root.id),
            (first.id, root.id),
            (branch.id, root.id),
        ]
        assert links([root, first, second, aside, third, branch, own]) == expected
        for box in (world.ann, world.bob):
            assert links(thread_of(box, root.conversation)) == expected
            preview = inbox_of(box)[0].preview
            assert preview is not None
            assert links([preview]) == [(branch.id, root.id)]
        assert world.is_sound()

    @pytest.mark.promise("MSG-6")
    def test_a_thread_is_its_root_and_the_whole_chain_of_replies(self, world: World) -> None:
        root = world.ann.start("bob", "root")
        other = world.bob.send(root.conversation, "other")
        newest = {root.id: root, other.id: other}
        for number in range(12):
            box = (world.ann, world.bob)[number % 2]
            start = (root, other)[number % 3 == 0]
            reply = box.send(root.conversation, str(number), reply_to=newest[start.id].id)
            newest[start.id] = reply
        for box in (world.ann, world.bob):
            whole = thread_of(box, root.conversation)
            for start in (root, other):
                chain = [it for it in whole if start.id in (it.id, it.thread_id)]
                for limit in (1, 2, 3, len(chain), 100):
                    assert chain_of(box, root.conversation, start.id, limit=limit) == chain
        assert len(chain_of(world.ann, root.conversation, other.id)) == 5

    @pytest.mark.promise("MSG-6")
    def test_a_message_without_replies_is_a_thread_of_one(self, world: World) -> None:
        root = world.ann.start("bob", "root")
        reply = world.bob.send(root.conversation, "reply", reply_to=root.id)
        alone = world.bob.send(root.conversation, "alone")
        assert world.ann.thread(root.conversation, root=alone.id).items == (alone,)
        # What is itself a reply begins no thread of its own: it is the last link of another.
        world.ann.send(root.conversation, "deeper", reply_to=reply.id)
        assert world.ann.thread(root.conversation, root=reply.id).items == (reply,)

    @pytest.mark.promise("MSG-6", "PAGE-1")
    def test_pages_of_a_thread_go_both_ways(self, world: World) -> None:
        root = world.ann.start("bob", "0")
        for number in range(1, 6):
            world.bob.send(root.conversation, "noise")
            world.ann.send(root.conversation, str(number), reply_to=root.id)
            world.bob.send(root.conversation, "more noise")
        newest = world.bob.thread(root.conversation, root=root.id, limit=4)
        assert (texts(newest), newest.has_more) == (["2", "3", "4", "5"], True)
        oldest = world.bob.thread(root.conversation, root=root.id, limit=4, before=newest.older)
        assert (texts(oldest), oldest.has_more, oldest.older) == (["0", "1"], False, None)
        forward = world.bob.thread(root.conversation, root=root.id, limit=3, after=oldest.newer)
        assert (texts(forward), forward.has_more) == (["2", "3", "4"], True)
        end = world.bob.thread(root.conversation, root=root.id, limit=3, after=newest.newer)
        assert (end.items, end.has_more) == ((), False)
        world.bob.send(root.conversation, "noise")
        world.ann.send(root.conversation, "6", reply_to=root.id)
        assert texts(world.bob.thread(root.conversation, root=root.id, after=end.newer)) == ["6"]

    @pytest.mark.promise("MSG-6", "PAGE-1")
    def test_a_cursor_of_one_thread_is_good_in_no_other(self, world: World) -> None:
        root = world.ann.start("bob", "0")
        other = world.ann.send(root.conversation, "1")
        for target in (root, other):
            for number in range(3):
                world.bob.send(root.conversation, str(number), reply_to=target.id)
        here = root.conversation
        of_thread = world.ann.thread(here, root=root.id, limit=1).older
        of_whole = world.ann.thread(here, limit=1).older
        assert of_thread is not None
        assert of_whole is not None
        for box, misplaced, where in (
            (world.ann, of_thread, other.id),
            (world.ann, of_thread, None),
            (world.ann, of_whole, root.id),
            (world.bob, of_thread, root.id),
        ):
            with pytest.raises(InvalidCursor):
                box.thread(here, root=where, before=misplaced)
            with pytest.raises(InvalidCursor):
                box.thread(here, root=where, after=misplaced)
        with pytest.raises(InvalidCursor):
            world.ann.thread(here, root=root.id, before=of_thread, after=of_thread)

    @pytest.mark.promise("CONV-1", "CONV-2", "MSG-6")
    def test_a_reply_answers_a_message_that_its_sender_sees_here(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(ABSORBING)
        root = world.ann.start("bob", "root")
        elsewhere = world.ann.start("cyd", "elsewhere")
        foreign = world.bob.start("cyd", "foreign")
        hidden = world.bob.send(root.conversation, "hidden")
        world.ann.hide(root.conversation, hidden.id)
        cleared = world.ann.start("dan", "cleared")
        world.ann.clear(cleared.conversation)
        world.ann.block("bob")
        absorbed = world.bob.send(root.conversation, "absorbed")
        world.ann.unblock("bob")
        targets = (
            (root.conversation, elsewhere.id),
            (root.conversation, foreign.id),
            (root.conversation, hidden.id),
            (root.conversation, absorbed.id),
            (root.conversation, NOWHERE),
            (cleared.conversation, cleared.id),
            (foreign.conversation, foreign.id),
        )
        check_all_denied(
            world,
            [
                partial(world.ann.send, conversation, "x", reply_to=target)
                for conversation, target in targets
            ],
        )
        with world.unchanged(), pytest.raises(InvalidId):
            world.ann.send(root.conversation, "x", reply_to="not an id")

    @pytest.mark.promise("CONV-2", "MSG-6")
    def test_a_thread_of_what_is_not_here_is_empty(self, world: World) -> None:
        root = world.ann.start("bob", "root")
        reply = world.bob.send(root.conversation, "reply", reply_to=root.id)
        elsewhere = world.ann.start("cyd", "elsewhere")
        for absent in (elsewhere.id, NOWHERE):
            page = world.ann.thread(root.conversation, root=absent)
            assert (page.items, page.has_more, page.older, page.newer) == ((), False, None, None)
        check_all_denied(
            world,
            [
                lambda: world.cyd.thread(root.conversation, root=root.id),
                lambda: world.ann.thread(NOWHERE, root=root.id),
            ],
        )
        with pytest.raises(InvalidId):
            world.ann.thread(root.conversation, root="x")
        assert chain_of(world.ann, root.conversation, root.id) == [root, reply]

    @pytest.mark.promise("MSG-3", "MSG-6")
    def test_a_retry_is_the_same_reply_whatever_became_of_its_target(self, world: World) -> None:
        root = world.ann.start("bob", "root")
        reply = world.bob.send(root.conversation, "reply", key="k", reply_to=root.id)
        world.ann.delete(root.conversation, root.id)
        world.bob.hide(root.conversation, root.id)
        with world.unchanged():
            for target in (root.id, None, NOWHERE):
                assert world.bob.send(root.conversation, "reply", key="k", reply_to=target) == reply

    @pytest.mark.promise("MSG-5", "MSG-6")
    def test_a_thread_goes_on_around_what_was_taken_back_or_hidden(self, world: World) -> None:
        root = world.ann.start("bob", "root")
        first = world.bob.send(root.conversation, "1", reply_to=root.id)
        second = world.ann.send(root.conversation, "2", reply_to=first.id)
        world.ann.delete(root.conversation, root.id)
        world.ann.hide(root.conversation, first.id)
        edited = world.ann.edit(root.conversation, second.id, "2a")
        third = world.bob.send(root.conversation, "3", reply_to=root.id)
        assert links([edited, third]) == [(first.id, root.id), (root.id, root.id)]
        mine = chain_of(world.ann, root.conversation, root.id, limit=1)
        theirs = chain_of(world.bob, root.conversation, root.id, limit=1)
        assert [message.id for message in mine] == [root.id, second.id, third.id]
        assert [message.id for message in theirs] == [root.id, first.id, second.id, third.id]
        assert mine[0].is_deleted
        world.bob.clear(root.conversation)
        fourth = world.ann.send(root.conversation, "4", reply_to=third.id)
        assert chain_of(world.bob, root.conversation, root.id) == [fourth]

    @pytest.mark.promise("MSG-6", "READ-1", "READ-3")
    def test_a_look_at_a_thread_marks_nothing_and_shows_the_marker(self, world: World) -> None:
        root = world.ann.start("bob", "root")
        world.ann.send(root.conversation, "reply", reply_to=root.id)
        world.bob.mark_read(root.conversation, through=root.id)
        with world.unchanged():
            assert world.bob.thread(root.conversation, root=root.id).read == root.id
        assert world.bob.unread() == 1
