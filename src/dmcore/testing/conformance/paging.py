"""Pages are full, bounded and continue where they ended."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from dmcore import Message
from dmcore.errors import InvalidPageSize
from dmcore.testing.world import (
    ABSORBING,
    MakeWorld,
    World,
    inbox_of,
    others,
    texts,
    thread_of,
    walked,
)

NO_SIZES = (0, -1, 101, 10**30, True, "5", 2.0, None)


class Still:
    """Entropy that never moves."""

    def draw(self) -> int:
        return 5


def conversation_of(world: World, count: int) -> list[Message]:
    """A conversation of Ann and Bob with that many messages, in turns."""
    sent = [world.ann.start("bob", "0")]
    for number in range(1, count):
        world.tick()
        box = (world.ann, world.bob)[number % 2]
        sent.append(box.send(sent[0].conversation, str(number)))
    return sent


class TestPaging:
    """Pages are full, bounded and continue where they ended."""

    @pytest.mark.promise("PAGE-1")
    @pytest.mark.parametrize("size", NO_SIZES, ids=repr)
    def test_a_page_has_1_to_100_items(self, world: World, size: object) -> None:
        sent = world.ann.start("bob", "x")
        reads: tuple[Callable[[], object], ...] = (
            lambda: world.ann.inbox(limit=size),  # type: ignore[arg-type]
            lambda: world.ann.thread(sent.conversation, limit=size),  # type: ignore[arg-type]
            lambda: world.ann.blocked(limit=size),  # type: ignore[arg-type]
            lambda: world.olga.audit("ann", limit=size),  # type: ignore[arg-type]
        )
        for read in reads:
            with pytest.raises(InvalidPageSize) as caught:
                read()
            assert caught.value.details == {"largest": 100}

    @pytest.mark.promise("PAGE-1")
    def test_the_default_is_50_messages_and_20_conversations(self, world: World) -> None:
        sent = conversation_of(world, 51)
        page = world.ann.thread(sent[0].conversation)
        assert (len(page.items), page.has_more) == (50, True)
        assert len(world.ann.thread(sent[0].conversation, limit=100).items) == 51

        for number in range(21):
            world.dm.mailbox(f"user {number}").start("cyd", "x")
        page_of_inbox = world.cyd.inbox()
        assert (len(page_of_inbox.items), page_of_inbox.has_more) == (20, True)
        assert len(world.cyd.inbox(limit=100).items) == 21

    # Threads --------------------------------------------------------------------------------------

    @pytest.mark.promise("PAGE-2")
    def test_a_thread_page_runs_from_oldest_to_newest(self, world: World) -> None:
        sent = conversation_of(world, 7)
        page = world.ann.thread(sent[0].conversation, limit=3)
        assert page.items == tuple(sent[-3:])
        assert page.other == "bob"
        assert page.older is not None
        before = world.ann.thread(sent[0].conversation, limit=3, before=page.older)
        assert before.items == tuple(sent[1:4])
        after = world.ann.thread(sent[0].conversation, limit=2, after=before.newer)
        assert after.items == tuple(sent[4:6])

    @pytest.mark.promise("PAGE-1")
    @pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 7, 100])
    def test_a_walk_sees_every_message_once_in_both_directions(
        self, world: World, size: int
    ) -> None:
        sent = conversation_of(world, 6)
        conversation = sent[0].conversation
        assert thread_of(world.bob, conversation, limit=size) == sent

        page = world.bob.thread(conversation, limit=1)
        while page.older is not None:
            page = world.bob.thread(conversation, limit=1, before=page.older)
        forward = list(page.items)
        while True:
            page = world.bob.thread(conversation, limit=size, after=page.newer)
            forward += page.items
            if not page.has_more:
                break
        assert forward == sent

    @pytest.mark.promise("PAGE-1")
    @pytest.mark.parametrize("size", [1, 3, 100])
    def test_has_more_is_exact_at_the_edge(self, world: World, size: int) -> None:
        for count in range(max(size - 1, 1), size + 2):
            north = World(world.harness)
            tenant = f"{size} {count}"
            ann = north.dm.mailbox("ann", tenant=tenant)
            first = ann.start("bob", "0")
            for number in range(1, count):
                ann.send(first.conversation, str(number))

            newest = ann.thread(first.conversation, limit=size)
            assert len(newest.items) == min(count, size)
            assert newest.has_more == (count > size)
            assert (newest.older is not None) == (count > size)

            oldest = newest
            while oldest.older is not None:
                oldest = ann.thread(first.conversation, limit=1, before=oldest.older)
            rest = count - 1
            if newest.has_more:
                after = ann.thread(first.conversation, limit=size, after=oldest.newer)
                assert len(after.items) == min(rest, size)
                assert after.has_more == (rest > size)

    @pytest.mark.promise("PAGE-1")
    def test_what_the_reader_must_not_see_is_left_out_before_a_page_is_cut(
        self,
        make_world: MakeWorld,
    ) -> None:
        """Pages of a thread stay full, whether rows are hidden by a block or for ever."""
        world = make_world(ABSORBING)
        first = world.ann.start("bob", "mine 0")
        for number in range(1, 6):
            world.bob.send(first.conversation, "theirs")
            world.ann.send(first.conversation, f"mine {number}")
            world.bob.send(first.conversation, "theirs")
            world.ann.block("bob")
            world.bob.send(first.conversation, "absorbed")
            world.ann.unblock("bob")

        world.ann.block("bob")
        mine = [f"mine {number}" for number in range(6)]
        for size in (1, 2, 5, 6, 7):
            page = world.ann.thread(first.conversation, limit=size)
            assert texts(page) == mine[-size:]
            assert page.has_more == (size < 6)
            assert texts(thread_of(world.ann, first.conversation, limit=size)) == mine

        world.ann.unblock("bob")
        for size in (1, 4, 15, 16, 17):
            page = world.ann.thread(first.conversation, limit=size)
            assert len(page.items) == min(size, 16)
            assert page.has_more == (size < 16)
        assert "absorbed" not in texts(thread_of(world.ann, first.conversation))
        assert len(thread_of(world.bob, first.conversation, limit=4)) == 21

    @pytest.mark.promise("PAGE-1")
    def test_a_cursor_of_a_thread_keeps_its_place_while_people_write(self, world: World) -> None:
        sent = conversation_of(world, 6)
        page = world.ann.thread(sent[0].conversation, limit=2)
        assert page.older is not None
        for number in range(5):
            world.bob.send(sent[0].conversation, f"new {number}")
        before = world.ann.thread(sent[0].conversation, limit=2, before=page.older)
        assert before.items == tuple(sent[2:4])
        after = world.ann.thread(sent[0].conversation, limit=100, after=page.newer)
        assert texts(after) == [f"new {number}" for number in range(5)]

    @pytest.mark.promise("PAGE-1")
    def test_a_poll_sees_what_is_new_and_keeps_its_place_when_nothing_is(
        self, world: World
    ) -> None:
        sent = conversation_of(world, 3)
        newer = world.ann.thread(sent[0].conversation).newer
        for _ in range(3):
            poll = world.ann.thread(sent[0].conversation, after=newer)
            assert (poll.items, poll.has_more) == ((), False)
            newer = poll.newer
        world.bob.send(sent[0].conversation, "new")
        poll = world.ann.thread(sent[0].conversation, after=newer)
        assert texts(poll) == ["new"]
        assert texts(world.ann.thread(sent[0].conversation, after=poll.newer)) == []

    @pytest.mark.promise("PAGE-1")
    def test_a_page_read_forwards_leads_back_to_what_lies_before_it(self, world: World) -> None:
        sent = conversation_of(world, 6)
        newest = world.ann.thread(sent[0].conversation, limit=3)
        world.bob.send(sent[0].conversation, "new")
        forward = world.ann.thread(sent[0].conversation, after=newest.newer)
        assert texts(forward) == ["new"]
        back = world.ann.thread(sent[0].conversation, limit=100, before=forward.older)
        assert back.items == tuple(sent)

    @pytest.mark.promise("PAGE-1")
    def test_an_empty_poll_leads_back_to_everything_before_it(self, world: World) -> None:
        """A host that keeps only its last cursor reloads: an empty page, and "older" from there."""
        sent = conversation_of(world, 3)
        poll = world.ann.thread(
            sent[0].conversation, after=world.ann.thread(sent[0].conversation).newer
        )
        assert poll.items == ()
        back = world.ann.thread(sent[0].conversation, before=poll.older)
        assert back.items == tuple(sent)

    @pytest.mark.promise("PAGE-1")
    def test_an_empty_page_at_the_beginning_leads_on_to_everything_after_it(
        self, world: World
    ) -> None:
        """``newer`` is None only while nothing at all can be seen; here a block emptied
        the page.
        """
        theirs = world.bob.start("ann", "theirs")
        mine = world.ann.send(theirs.conversation, "mine")
        older = world.ann.thread(theirs.conversation, limit=1).older
        world.ann.block("bob")
        page = world.ann.thread(theirs.conversation, before=older)
        assert (page.items, page.has_more, page.older) == ((), False, None)
        assert page.newer is not None
        assert world.ann.thread(theirs.conversation, after=page.newer).items == (mine,)

    @pytest.mark.promise("PAGE-1")
    def test_a_thread_of_which_nothing_can_be_seen_is_an_empty_page(self, world: World) -> None:
        sent = world.bob.start("ann", "x")
        world.ann.block("bob")
        page = world.ann.thread(sent.conversation)
        assert (page.items, page.older, page.newer, page.has_more) == ((), None, None, False)
        assert page.other == "bob"

    # The inbox ------------------------------------------------------------------------------------

    @pytest.mark.promise("PAGE-2")
    def test_an_inbox_entry_says_who_what_when_and_how_much_is_unread(self, world: World) -> None:
        world.ann.start("bob", "one")
        world.tick()
        two = world.bob.start("ann", "two")
        world.tick()
        three = world.bob.start("ann", "three")
        (entry,) = world.ann.inbox().items
        assert (entry.conversation, entry.other) == (two.conversation, "bob")
        assert entry.preview == three
        assert (entry.newest, entry.read, entry.unread) == (three.id, None, 2)
        world.ann.mark_read(two.conversation, through=two.id)
        (entry,) = world.ann.inbox().items
        assert (entry.newest, entry.read, entry.unread) == (three.id, two.id, 1)

        (entry,) = world.bob.inbox().items
        assert (entry.other, entry.preview, entry.unread) == ("ann", three, 1)

    @pytest.mark.promise("PAGE-1", "PAGE-2")
    @pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8])
    def test_a_walk_of_the_inbox_sees_every_conversation_once(
        self, world: World, size: int
    ) -> None:
        names = [f"user {number}" for number in range(7)]
        for name in names:
            world.tick()
            world.ann.start(name, "x")
        pages = walked(lambda cursor: world.ann.inbox(limit=size, cursor=cursor))
        assert [entry.other for page in pages for entry in page.items] == names[::-1]
        assert all(len(page.items) == size for page in pages[:-1])
        assert len(pages) == -(-7 // size)
        assert [page.has_more for page in pages] == [True] * (len(pages) - 1) + [False]

    @pytest.mark.promise("PAGE-1", "PAGE-2")
    def test_ties_in_the_inbox_have_an_order_and_a_walk_passes_each_once(
        self,
        make_world: MakeWorld,
    ) -> None:
        """Conversations whose newest messages have the very same id: the conversation's
        id decides.
        """
        world = make_world(entropy=Still())
        made = {world.ann.start(f"user {number}", "x").id for number in range(9)}
        assert len(made) == 1
        whole = inbox_of(world.ann)
        assert len(whole) == 9
        assert all(one.conversation > two.conversation for one, two in pairwise(whole))
        for size in (1, 2, 4):
            assert inbox_of(world.ann, limit=size) == whole

    @pytest.mark.promise("PAGE-1", "BLOCK-1")
    def test_blocked_partners_are_left_out_before_a_page_of_the_inbox_is_cut(
        self, world: World
    ) -> None:
        for number in range(12):
            world.tick()
            world.dm.mailbox(f"user {number}").start("ann", "x")
            if number % 3:
                world.ann.block(f"user {number}")
        left = [f"user {number}" for number in (9, 6, 3, 0)]
        for size in (1, 2, 3, 4, 5):
            page = world.ann.inbox(limit=size)
            assert others(page) == left[:size]
            assert page.has_more == (size < 4)
            assert others(inbox_of(world.ann, limit=size)) == left

    @pytest.mark.promise("PAGE-1")
    def test_a_cursor_of_the_inbox_keeps_its_place_while_people_write(self, world: World) -> None:
        for name in "abcdef":
            world.tick()
            world.ann.start(name, "x")
        page = world.ann.inbox(limit=3)
        assert others(page) == ["f", "e", "d"]
        world.tick()
        world.dm.mailbox("d").start("ann", "again")
        world.dm.mailbox("g").start("ann", "new")
        assert others(world.ann.inbox(limit=3, cursor=page.next)) == ["c", "b", "a"]
        world.ann.block("c")
        assert others(world.ann.inbox(limit=3, cursor=page.next)) == ["b", "a"]

    @pytest.mark.promise("PAGE-1")
    def test_an_empty_list_is_a_page_without_a_next(self, world: World) -> None:
        for page in (world.ann.inbox(), world.ann.blocked(), world.olga.audit("ann")):
            assert (page.items, page.next, page.has_more) == ((), None, False)

    # Block list and journal -----------------------------------------------------------------------

    @pytest.mark.promise("PAGE-1", "BLOCK-3")
    @pytest.mark.parametrize("size", [1, 2, 4, 5, 6])
    def test_a_walk_of_the_block_list_sees_every_line_once(self, world: World, size: int) -> None:
        for name in "abcde":
            world.ann.block(name)
        pages = walked(lambda cursor: world.ann.blocked(limit=size, cursor=cursor))
        assert [line.blocked for page in pages for line in page.items] == list("edcba")
        assert len(pages) == -(-5 // size)

    @pytest.mark.promise("PAGE-1", "AUD-1")
    @pytest.mark.parametrize("size", [1, 2, 4, 5, 6])
    def test_a_walk_of_the_journal_sees_every_entry_once(self, world: World, size: int) -> None:
        for name in "abcde":
            world.ann.block(name)
        pages = walked(lambda cursor: world.olga.audit("ann", limit=size, cursor=cursor))
        assert [entry.position for page in pages for entry in page.items] == [1, 2, 3, 4, 5]
        assert len(pages) == -(-5 // size)
