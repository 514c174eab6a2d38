"""A history is cleared for oneself alone: nothing of it comes back, what follows does."""

from collections.abc import Callable
from functools import partial

import pytest

from dmcore import Action
from dmcore.errors import MessagingUnavailable
from dmcore.testing.conformance.sights import (
    NOWHERE,
    check_all_denied,
    check_counts,
    news,
    shown,
    written,
)
from dmcore.testing.world import ABSORBING, MakeWorld, World, inbox_of, texts, thread_of


class TestClearing:
    """A history is cleared for oneself alone: nothing of it comes back, what follows does."""

    @pytest.mark.promise("MSG-5", "CONV-1", "CONV-2", "READ-1")
    def test_what_is_hidden_or_cleared_is_not_there_for_any_act(self, world: World) -> None:
        a, b, _ = written(world, by_ann="ab", by_bob="c")
        foreign = world.bob.start("cyd", "foreign")
        elsewhere = world.ann.start("cyd", "elsewhere")
        cleared = world.ann.start("dan", "cleared")
        world.ann.hide(a.conversation, b.id)
        world.ann.clear(cleared.conversation)
        here = a.conversation
        places = (
            (here, b.id),
            (cleared.conversation, cleared.id),
            (here, foreign.id),
            (here, elsewhere.id),
            (foreign.conversation, foreign.id),
            (here, NOWHERE),
            (NOWHERE, a.id),
        )
        check_all_denied(
            world,
            [partial(world.ann.hide, *place) for place in places]
            + [partial(world.ann.mark_read, it, through=message) for it, message in places]
            + [partial(world.ann.send, it, "x", reply_to=message) for it, message in places]
            + [
                lambda: world.ann.clear(foreign.conversation),
                lambda: world.ann.clear(NOWHERE),
                lambda: world.eve.hide(here, a.id),
                lambda: world.eve.clear(here),
                lambda: world.dm.mailbox("ann", tenant="t").hide(here, a.id),
            ],
        )
        assert texts(world.bob.thread(here)) == ["a", "b", "c"]

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_clearing_leaves_nothing_for_one_and_everything_for_the_other(
        self, world: World
    ) -> None:
        a, *_ = written(world, by_ann="ab", by_bob="cd")
        before = world.bob.snapshot(), world.bob.thread(a.conversation)
        with news(world) as told:
            world.ann.clear(str(a.conversation))
        assert told == {"ann": [(Action.HISTORY_CLEARED, None)]}
        assert (world.bob.snapshot(), world.bob.thread(a.conversation)) == before
        assert thread_of(world.ann, a.conversation) == []
        assert (world.ann.inbox().items, world.ann.unread()) == ((), 0)
        assert world.ann.conversation(a.conversation).folder is None
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "PAGE-2", "READ-3")
    def test_a_later_message_brings_a_cleared_conversation_back_without_its_past(
        self, world: World
    ) -> None:
        a, *_ = written(world, by_ann="ab", by_bob="cd")
        world.ann.clear(a.conversation)
        e = world.bob.send(a.conversation, "e")
        (entry,) = inbox_of(world.ann)
        assert (entry.preview, entry.unread) == (e, 1)
        page = world.ann.thread(a.conversation, limit=1)
        assert (page.items, page.has_more, page.older) == ((e,), False, None)
        check_counts(world, "ann", "bob")
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "FEED-2")
    def test_there_is_nothing_to_clear_twice(self, world: World) -> None:
        a, b = written(world, by_ann="a", by_bob="b")
        world.ann.clear(a.conversation)
        with world.unchanged():
            world.ann.clear(a.conversation)
        for message in (a, b):
            world.bob.hide(a.conversation, message.id)
        with world.unchanged():
            world.bob.clear(a.conversation)

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_clearing_after_hiding_leaves_no_hidden_message_to_come_back(
        self, world: World
    ) -> None:
        a, _, _, d = written(world, by_ann="ab", by_bob="cd")
        world.ann.hide(a.conversation, d.id)
        world.ann.clear(a.conversation)
        e = world.bob.send(a.conversation, "e")
        assert thread_of(world.ann, a.conversation) == [e]
        world.ann.hide(a.conversation, e.id)
        assert thread_of(world.ann, a.conversation) == []
        assert (world.ann.inbox().items, world.ann.unread()) == ((), 0)
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "READ-1", "READ-3")
    def test_clearing_keeps_the_marker_where_it_is(self, world: World) -> None:
        a, b, _ = written(world, by_bob="abc")
        world.ann.mark_read(a.conversation, through=b.id)
        world.ann.clear(a.conversation)
        assert world.ann.thread(a.conversation).read == b.id
        d = world.bob.send(a.conversation, "d")
        assert world.ann.unread() == 1
        world.ann.mark_read(a.conversation, through=d.id)
        assert world.ann.unread() == 0

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_a_change_of_what_was_cleared_shows_nothing(self, world: World) -> None:
        a, b = written(world, by_ann="ab")
        world.bob.clear(a.conversation)
        before = world.bob.snapshot(), world.bob.thread(a.conversation)
        world.ann.edit(a.conversation, a.id, "changed")
        world.ann.delete(a.conversation, b.id)
        assert (world.bob.snapshot(), world.bob.thread(a.conversation)) == before
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "BLOCK-1", "READ-3")
    def test_clearing_while_blocking_takes_what_the_block_hides_too(self, world: World) -> None:
        a, *_ = written(world, by_ann="ab", by_bob="cd")
        world.ann.block("bob")
        world.ann.clear(a.conversation)
        assert world.is_sound()
        world.ann.unblock("bob")
        assert thread_of(world.ann, a.conversation) == []
        assert (world.ann.inbox().items, world.ann.unread()) == ((), 0)
        e = world.bob.send(a.conversation, "e")
        assert thread_of(world.ann, a.conversation) == [e]
        assert world.ann.unread() == 1
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "BLOCK-2", "READ-3")
    def test_absorbed_messages_can_be_hidden_and_cleared_by_who_has_them(
        self,
        make_world: MakeWorld,
    ) -> None:
        world = make_world(ABSORBING)
        a, b = written(world, by_ann="a", by_bob="b")
        world.ann.block("bob")
        absorbed = [world.bob.send(a.conversation, text) for text in ("1", "2", "3")]
        world.bob.hide(a.conversation, absorbed[2].id)
        assert inbox_of(world.bob)[0].preview == absorbed[1]
        world.ann.unblock("bob")
        assert inbox_of(world.ann)[0].preview == b
        world.ann.hide(a.conversation, b.id)
        assert inbox_of(world.ann)[0].preview == a
        world.bob.clear(a.conversation)
        world.ann.send(a.conversation, "c")
        assert shown(world.bob, a.conversation) == ["c"]
        assert shown(world.ann, a.conversation) == ["a", "c"]
        check_counts(world, "ann", "bob")
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "OPS-1")
    def test_hiding_and_clearing_need_a_switch_that_lets_read(self, world: World) -> None:
        a, b = written(world, by_ann="ab")
        world.olga.set_mode("off")
        acts: tuple[Callable[[], object], ...] = (
            lambda: world.ann.hide(a.conversation, a.id),
            lambda: world.ann.clear(a.conversation),
        )
        with world.unchanged():
            for act in acts:
                with pytest.raises(MessagingUnavailable):
                    act()
        world.olga.set_mode("read_only")
        world.ann.hide(a.conversation, a.id)
        assert thread_of(world.ann, a.conversation) == [b]
        world.ann.clear(a.conversation)
        assert thread_of(world.ann, a.conversation) == []
