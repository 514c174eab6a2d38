"""Anyone may hide a message or clear the history: for themselves alone, and for good."""

import pytest

from dmcore import Action
from dmcore.testing.conformance.sights import (
    check_all_denied,
    check_counts,
    news,
    says,
    shown,
    written,
)
from dmcore.testing.world import World, inbox_of, others, texts, thread_of


class TestHiding:
    """Anyone may hide a message or clear the history: for themselves alone, and for good."""

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_a_hidden_message_is_gone_for_one_and_stays_for_the_other(self, world: World) -> None:
        a, b, _, d = written(world, by_ann="ab", by_bob="cd")
        world.ann.hide(str(b.conversation), str(b.id))
        world.bob.hide(a.conversation, a.id)
        world.bob.hide(a.conversation, d.id)
        assert shown(world.ann, a.conversation) == ["a", "c", "d"]
        assert shown(world.bob, a.conversation) == ["b", "c"]
        assert (world.ann.unread(), world.bob.unread()) == (2, 1)
        check_counts(world, "ann", "bob")
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "PAGE-2")
    def test_the_inbox_falls_back_to_the_newest_message_that_is_left(self, world: World) -> None:
        a, _, c = written(world, by_ann="ab", by_bob="c")
        world.cyd.start("ann", "between", key="k")
        world.tick()
        d = world.bob.send(a.conversation, "d")
        assert others(inbox_of(world.ann)) == ["bob", "cyd"]
        world.ann.hide(a.conversation, d.id)
        entries = inbox_of(world.ann)
        assert others(entries) == ["cyd", "bob"]
        assert (entries[1].newest, entries[1].preview) == (c.id, c)
        assert inbox_of(world.bob)[0].preview == d
        world.ann.hide(a.conversation, c.id)
        assert says(inbox_of(world.ann)[1].preview) == "b"
        world.bob.send(a.conversation, "e")
        assert others(inbox_of(world.ann)) == ["bob", "cyd"]
        check_counts(world, "ann", "bob", "cyd")
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "PAGE-1")
    def test_pages_are_full_and_end_where_they_end_around_hidden_messages(
        self, world: World
    ) -> None:
        messages = written(world, by_ann="abcde", by_bob="fghij")
        for message in (*messages[:2], *messages[4:7], messages[9]):
            world.ann.hide(message.conversation, message.id)
        page = world.ann.thread(messages[0].conversation, limit=2)
        assert (texts(page), page.has_more) == (["h", "i"], True)
        page = world.ann.thread(messages[0].conversation, limit=2, before=page.older)
        assert (texts(page), page.has_more, page.older) == (["c", "d"], False, None)
        page = world.ann.thread(messages[0].conversation, limit=2, after=page.newer)
        assert (texts(page), page.has_more) == (["h", "i"], False)

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_hiding_counts_off_what_was_unread_and_nothing_else(self, world: World) -> None:
        _, b, c, d, e = written(world, by_ann="ab", by_bob="cde")
        world.ann.mark_read(b.conversation, through=c.id)
        for message, unread in ((b, 2), (c, 2), (e, 1), (d, 0)):
            world.ann.hide(message.conversation, message.id)
            assert world.ann.unread() == unread
            check_counts(world, "ann", "bob")
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "READ-1", "READ-3")
    def test_the_marker_stays_on_a_message_that_is_hidden(self, world: World) -> None:
        a, b, c = written(world, by_bob="abc")
        world.ann.mark_read(a.conversation, through=b.id)
        world.ann.hide(a.conversation, b.id)
        assert world.ann.thread(a.conversation).read == b.id
        assert world.ann.unread() == 1
        with world.unchanged():
            world.ann.mark_read(a.conversation, through=a.id)
        world.ann.mark_read(a.conversation, through=c.id)
        assert world.ann.unread() == 0

    @pytest.mark.promise("MSG-5", "READ-1", "READ-3")
    def test_a_marker_counts_nothing_hidden_behind_it(self, world: World) -> None:
        a, b, c, d = written(world, by_bob="abcd")
        world.ann.hide(a.conversation, c.id)
        world.ann.mark_read(a.conversation, through=a.id)
        assert world.ann.unread() == 2
        world.ann.mark_read(a.conversation, through=b.id)
        assert world.ann.unread() == 1
        world.ann.mark_read(a.conversation, through=d.id)
        assert world.ann.unread() == 0
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "PAGE-2")
    def test_a_conversation_with_nothing_left_is_in_no_list_and_still_there(
        self, world: World
    ) -> None:
        a, b = written(world, by_ann="a", by_bob="b")
        world.ann.hide(a.conversation, b.id)
        world.ann.hide(a.conversation, a.id)
        assert (world.ann.inbox().items, world.ann.archived().items) == ((), ())
        assert world.ann.unread() == 0
        page = world.ann.thread(a.conversation)
        assert (page.items, page.other, page.has_more) == ((), "bob", False)
        view = world.ann.conversation(a.conversation)
        assert (view.folder, view.newest, view.unread) == (None, None, 0)
        assert world.is_sound()
        c = world.ann.send(a.conversation, "c")
        assert [entry.preview for entry in inbox_of(world.ann)] == [c]
        assert shown(world.bob, a.conversation) == ["a", "b", "c"]
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "FEED-1")
    def test_hiding_is_told_to_nobody_else(self, world: World) -> None:
        a, b = written(world, by_ann="a", by_bob="b")
        before = world.bob.snapshot(), world.bob.thread(a.conversation)
        with news(world) as told:
            world.ann.hide(a.conversation, b.id)
            world.ann.hide(a.conversation, a.id)
        assert told == {"ann": [(Action.MESSAGE_HIDDEN, b.id), (Action.MESSAGE_HIDDEN, a.id)]}
        assert (world.bob.snapshot(), world.bob.thread(a.conversation)) == before

    @pytest.mark.promise("MSG-5")
    def test_both_may_hide_the_same_message(self, world: World) -> None:
        a, b = written(world, by_ann="ab")
        for box in (world.ann, world.bob):
            box.hide(a.conversation, a.id)
            assert thread_of(box, a.conversation) == [b]
        assert world.is_sound()

    @pytest.mark.promise("MSG-3", "MSG-5")
    def test_a_retry_of_a_hidden_message_brings_nothing_back(self, world: World) -> None:
        sent = world.ann.start("bob", "1", key="k")
        world.ann.hide(sent.conversation, sent.id)
        with world.unchanged():
            assert world.ann.start("bob", "1", key="k").id == sent.id
        assert thread_of(world.ann, sent.conversation) == []
        assert world.ann.inbox().items == ()

    @pytest.mark.promise("MSG-5", "BLOCK-1", "CONV-1")
    def test_what_a_block_hides_cannot_be_hidden(self, world: World) -> None:
        a, b, c = written(world, by_ann="ab", by_bob="c")
        world.ann.block("bob")
        check_all_denied(world, [lambda: world.ann.hide(a.conversation, c.id)])
        world.ann.hide(a.conversation, b.id)
        assert shown(world.ann, a.conversation) == ["a"]
        world.ann.unblock("bob")
        assert shown(world.ann, a.conversation) == ["a", "c"]
        check_counts(world, "ann", "bob")
        assert world.is_sound()
