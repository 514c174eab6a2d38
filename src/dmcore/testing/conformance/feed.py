"""The feed: each event once, in order, to those whom it concerns, and never a text."""

import attrs
import pytest

from dmcore import Action, Fact, Mailbox
from dmcore.domain.feed import Changes
from dmcore.domain.preferences import Preferences
from dmcore.errors import InvalidCursor, InvalidPageSize, MessagingUnavailable
from dmcore.testing.world import ABSORBING, MakeWorld, World, busy, facts_of, feed_pages_of

A = Action


class TestFeed:
    """The feed: each event once, in order, to those whom it concerns, and never a text."""

    # Pages ----------------------------------------------------------------------------------------

    @pytest.mark.promise("FEED-1", "PAGE-1")
    def test_each_event_comes_once_whatever_the_size_of_a_page(self, world: World) -> None:
        busy(world)
        whole = world.ann.changes(limit=100)
        assert [entry.fact for entry in world.journal("ann")] == list(whole.items)
        assert len(whole.items) > 15
        assert not whole.has_more
        for limit in range(1, len(whole.items) + 2):
            pages = feed_pages_of(world.ann, limit=limit)
            assert [fact for page in pages for fact in page.items] == list(whole.items)
            assert all(len(page.items) == limit for page in pages[:-1])
            assert 1 <= len(pages[-1].items) <= limit
            assert pages[-1].next == whole.next

    @pytest.mark.promise("FEED-1")
    def test_any_cursor_goes_on_from_just_where_it_was_given(self, world: World) -> None:
        busy(world)
        whole = list(world.ann.changes().items)
        cursors = [page.next for page in feed_pages_of(world.ann, limit=1)]
        assert len(set(cursors)) == len(whole)
        for number, cursor in enumerate(cursors, 1):
            for limit in (1, 3, 100):
                page = world.ann.changes(after=cursor, limit=limit)
                assert list(page.items) == whole[number:][:limit]
                assert page.has_more is (len(whole) - number > limit)

    @pytest.mark.promise("FEED-1")
    def test_a_cursor_at_the_end_waits_there(self, world: World) -> None:
        """Also in a feed that never had anything, and on another handle."""
        for _ in range(2):
            end = world.ann.changes().next
            for _ in range(2):
                waiting = world.ann.changes(after=end)
                assert waiting == Changes(items=(), next=end, has_more=False)
            sent = world.bob.start("ann", "x")
            news = world.open().mailbox("ann").changes(after=end)
            assert [fact.message for fact in news.items] == [sent.id]
            assert not news.has_more

    @pytest.mark.promise("FEED-1", "PAGE-1", "TEN-1")
    def test_a_cursor_of_another_list_or_user_is_none_of_this_feed(self, world: World) -> None:
        for other in ("bob", "cyd", "dan"):
            world.ann.start(other, "x")
            world.ann.block(other)
            world.ann.unblock(other)
        for other in ("cyd", "dan"):
            world.ann.block(other)
        north = world.dm.mailbox("ann", tenant="north")
        north.start("bob", "x")
        thread = world.ann.thread(world.ann.inbox().items[0].conversation, limit=1)
        blocked = world.ann.blocked(limit=1)
        foreign = (
            world.bob.changes().next,
            north.changes().next,
            thread.newer,
            blocked.next,
            world.ann.changes().next[:-1],
            world.ann.changes().next + "A",
            "",
            "nonsense",
        )
        for cursor in foreign:
            assert cursor is not None
            with pytest.raises(InvalidCursor):
                world.ann.changes(after=cursor)
        end = world.ann.changes().next
        for read in (
            lambda: world.ann.inbox(cursor=end),
            lambda: world.ann.blocked(cursor=end),
            lambda: world.bob.changes(after=end),
            lambda: north.changes(after=end),
        ):
            with pytest.raises(InvalidCursor):
                read()

    @pytest.mark.promise("FEED-1", "PAGE-1")
    def test_a_page_has_a_bounded_size(self, world: World) -> None:
        for limit in (0, -1, 101):
            with pytest.raises(InvalidPageSize):
                world.ann.changes(limit=limit)

    @pytest.mark.promise("FEED-1")
    def test_polling_changes_nothing(self, world: World) -> None:
        busy(world)
        with world.unchanged():
            for box in (world.ann, world.bob, world.eve):
                facts_of(box, limit=2)

    @pytest.mark.promise("FEED-1", "OPS-1")
    def test_the_feed_is_read_while_reading_is_allowed(self, world: World) -> None:
        world.ann.start("bob", "x")
        world.olga.set_mode("read_only")
        assert len(world.bob.changes().items) == 1
        world.olga.set_mode("off")
        with pytest.raises(MessagingUnavailable):
            world.bob.changes()

    # What is told to whom -------------------------------------------------------------------------

    @pytest.mark.promise("FEED-1")
    def test_each_act_is_told_to_those_whom_it_concerns(self, make_world: MakeWorld) -> None:
        world = make_world(attrs.evolve(ABSORBING, requests="ask", request_messages=2))
        ann, bob = world.ann, world.bob
        places = {box.user.id: box.changes().next for box in (ann, bob)}

        def told(box: Mailbox) -> list[Action]:
            page = box.changes(after=places[box.user.id])
            places[box.user.id] = page.next
            for fact in page.items:
                assert {fact.actor, fact.other} <= {"ann", "bob", None}
            return [fact.action for fact in page.items]

        def news() -> tuple[list[Action], list[Action]]:
            world.tick()
            return told(ann), told(bob)

        first = ann.start("bob", "1")
        it = first.conversation
        assert news() == ([A.CONVERSATION_STARTED], [A.CONVERSATION_STARTED])
        bob.mark_read(it, through=first.id)
        assert news() == ([], [A.MARKED_READ])
        bob.decline(it)
        assert news() == ([], [A.REQUEST_DECLINED])
        second = ann.send(it, "2")
        assert news() == ([A.MESSAGE_SENT], [])
        bob.accept(it)
        assert news() == ([A.REQUEST_ACCEPTED], [A.REQUEST_ACCEPTED])
        bob.mark_read(it, through=second.id)
        assert news() == ([A.MESSAGES_SEEN], [A.MARKED_READ])
        ann.edit(it, second.id, "two")
        assert news() == ([A.MESSAGE_EDITED], [A.MESSAGE_EDITED])
        bob.hide(it, second.id)
        assert news() == ([], [A.MESSAGE_HIDDEN])
        ann.edit(it, second.id, "too")
        assert news() == ([A.MESSAGE_EDITED], [])
        ann.delete(it, first.id)
        assert news() == ([A.MESSAGE_DELETED], [A.MESSAGE_DELETED])
        bob.mute(it)
        bob.unmute(it)
        assert news() == ([], [A.CONVERSATION_MUTED, A.CONVERSATION_UNMUTED])
        bob.archive(it)
        bob.unarchive(it)
        assert news() == ([], [A.CONVERSATION_ARCHIVED, A.CONVERSATION_UNARCHIVED])
        bob.clear(it)
        assert news() == ([], [A.HISTORY_CLEARED])
        ann.delete(it, second.id)
        assert news() == ([A.MESSAGE_DELETED], [])
        bob.set_preferences(Preferences(presence=False))
        assert news() == ([], [A.PREFERENCES_CHANGED])
        bob.block("ann")
        assert news() == ([], [A.USER_BLOCKED])
        third = ann.send(it, "3")
        ann.edit(it, third.id, "three")
        assert news() == ([A.MESSAGE_SENT, A.MESSAGE_EDITED], [])
        ann.mark_read(it, through=third.id)
        assert news() == ([A.MARKED_READ], [])
        ann.delete(it, third.id)
        assert news() == ([A.MESSAGE_DELETED], [])
        bob.unblock("ann")
        assert news() == ([], [A.USER_UNBLOCKED])
        ann.send(it, "4")
        assert news() == ([A.MESSAGE_SENT], [A.MESSAGE_SENT])

    @pytest.mark.promise("FEED-1")
    def test_what_one_does_on_one_device_is_told_on_the_others(self, world: World) -> None:
        device = world.open().mailbox("ann")
        end = device.changes().next
        busy(world)
        own = [fact for fact in device.changes(after=end).items if fact.actor == "ann"]
        assert [fact.action for fact in own] == [
            *(A.CONVERSATION_STARTED, A.MARKED_READ, A.MESSAGE_DELETED),
            *(A.CONVERSATION_MUTED, A.CONVERSATION_ARCHIVED, A.CONVERSATION_UNARCHIVED),
            *(A.CONVERSATION_UNMUTED, A.MESSAGE_HIDDEN, A.HISTORY_CLEARED),
            *(A.USER_BLOCKED, A.USER_UNBLOCKED, A.PREFERENCES_CHANGED),
        ]

    @pytest.mark.promise("FEED-1", "LEAK-1")
    def test_a_fact_in_the_feed_has_no_text_and_no_key(self, world: World) -> None:
        busy(world)
        for box in (world.ann, world.bob):
            page = box.changes()
            shown = repr(page) + repr([attrs.asdict(fact) for fact in page.items])
            for secret in ("zebra", "okapi", "door", "sesame"):
                assert secret not in shown
            names = {field.name for field in attrs.fields(Fact)}
            assert names == {
                *("action", "actor", "at_us", "other", "conversation", "message", "mode"),
                "report",
            }

    @pytest.mark.promise("FEED-1", "CONV-2")
    def test_a_fact_names_nothing_that_its_reader_could_not_open(self, world: World) -> None:
        """Whatever is named was there for them when it was told."""
        busy(world)
        for box in (world.ann, world.bob, world.cyd):
            for fact in facts_of(box):
                if fact.conversation is not None:
                    assert box.user.id in (fact.actor, fact.other)
                    assert box.conversation(fact.conversation).conversation == fact.conversation
        assert facts_of(world.dan) == []

    @pytest.mark.promise("FEED-1", "BLOCK-2")
    def test_what_is_hidden_from_somebody_moves_no_cursor_of_theirs(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(ABSORBING)
        world.ann.start("bob", "x")
        world.bob.block("ann")
        end = world.bob.changes().next
        for number in range(3):
            world.ann.start("bob", str(number))
        assert world.bob.changes(after=end) == Changes(items=(), next=end, has_more=False)
