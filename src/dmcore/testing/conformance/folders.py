"""Each of the two sorts a conversation for themselves: muted, put away, taken out again."""

from collections.abc import Callable

import pytest

from dmcore import Action
from dmcore.errors import InvalidCursor, InvalidPageSize, MessagingUnavailable
from dmcore.testing.conformance.sights import check_counts, news, says
from dmcore.testing.world import ABSORBING, MakeWorld, World, inbox_of, others


class TestFolders:
    """Each of the two sorts a conversation for themselves: muted, put away, taken out again."""

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_the_archive_is_a_list_of_its_own_that_counts_nothing(self, world: World) -> None:
        put_away = world.bob.start("ann", "1")
        world.cyd.start("ann", "2")
        assert world.ann.unread() == 2
        before = world.bob.snapshot()
        world.ann.archive(str(put_away.conversation))
        assert others(inbox_of(world.ann)) == ["cyd"]
        (entry,) = world.ann.archived().items
        assert (entry.other, entry.newest, entry.unread) == ("bob", put_away.id, 1)
        assert entry.preview == put_away
        assert world.ann.unread() == 1
        assert world.bob.snapshot() == before
        assert world.is_sound()
        world.ann.unarchive(put_away.conversation)
        assert world.ann.archived().items == ()
        assert world.ann.unread() == 2
        assert world.is_sound()

    @pytest.mark.promise("MSG-5")
    def test_a_message_of_either_brings_a_conversation_back(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        for sender in (world.bob, world.ann):
            world.ann.archive(sent.conversation)
            newest = sender.send(sent.conversation, "x")
            assert world.ann.archived().items == ()
            assert [entry.preview for entry in inbox_of(world.ann)] == [newest]
            assert not world.ann.conversation(sent.conversation).is_archived
            check_counts(world, "ann", "bob")
        assert world.ann.unread() == 1
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_a_muted_conversation_stays_in_the_archive_until_one_writes(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.ann.mute(sent.conversation)
        world.ann.archive(sent.conversation)
        newest = world.bob.send(sent.conversation, "2")
        assert world.ann.inbox().items == ()
        (entry,) = world.ann.archived().items
        assert (entry.newest, entry.preview, entry.unread) == (newest.id, newest, 1)
        assert entry.is_muted
        assert world.ann.unread() == 0
        check_counts(world, "ann", "bob")
        world.ann.unmute(sent.conversation)
        assert len(world.ann.archived().items) == 1
        world.ann.mute(sent.conversation)
        world.ann.send(sent.conversation, "3")
        (entry,) = inbox_of(world.ann)
        assert entry.is_muted
        assert world.ann.unread() == 1
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_a_mute_is_a_flag_and_nothing_else(self, world: World) -> None:
        sent = world.bob.start("ann", "1")
        before = world.bob.snapshot()
        world.ann.mute(sent.conversation)
        (entry,) = inbox_of(world.ann)
        assert (entry.is_muted, entry.unread, world.ann.unread()) == (True, 1, 1)
        assert world.ann.conversation(sent.conversation).is_muted
        assert not world.bob.conversation(sent.conversation).is_muted
        assert world.bob.snapshot() == before
        world.bob.send(sent.conversation, "2")
        assert world.ann.unread() == 2
        world.ann.unmute(sent.conversation)
        assert not inbox_of(world.ann)[0].is_muted
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "FEED-1", "FEED-2")
    def test_a_flag_is_set_once_and_told_to_its_owner_alone(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        steps = (
            (world.ann.unmute, world.ann.mute, Action.CONVERSATION_MUTED),
            (world.ann.mute, world.ann.unmute, Action.CONVERSATION_UNMUTED),
            (world.ann.unarchive, world.ann.archive, Action.CONVERSATION_ARCHIVED),
            (world.ann.archive, world.ann.unarchive, Action.CONVERSATION_UNARCHIVED),
        )
        for is_so, change, action in steps:
            with world.unchanged():
                is_so(sent.conversation)
            with news(world) as told:
                change(sent.conversation)
            assert told == {"ann": [(action, None)]}
            assert world.journal("ann")[-1].fact.conversation == sent.conversation

    @pytest.mark.promise("MSG-5", "READ-1", "READ-3")
    def test_reading_in_the_archive_takes_nothing_off_the_inbox(self, world: World) -> None:
        put_away = world.bob.start("ann", "1")
        world.cyd.start("ann", "2")
        world.ann.archive(put_away.conversation)
        world.ann.mark_read(put_away.conversation, through=put_away.id)
        assert world.ann.archived().items[0].unread == 0
        assert world.ann.unread() == 1
        world.ann.unarchive(put_away.conversation)
        assert world.ann.unread() == 1
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "PAGE-2")
    def test_both_lists_are_in_order_of_what_is_newest_in_them(self, world: World) -> None:
        sent = {}
        for other in ("bob", "cyd", "dan", "eve"):
            sent[other] = world.dm.mailbox(other).start("ann", "x").conversation
            world.tick()
        for other in ("eve", "bob", "dan"):
            world.ann.mute(sent[other])
            world.ann.archive(sent[other])
        assert others(world.ann.archived()) == ["eve", "dan", "bob"]
        world.tick()
        world.bob.send(sent["bob"], "y")
        assert others(world.ann.archived()) == ["bob", "eve", "dan"]
        world.ann.unarchive(sent["dan"])
        assert others(world.ann.inbox()) == ["dan", "cyd"]
        check_counts(world, "ann")

    @pytest.mark.promise("PAGE-1", "MSG-5")
    def test_pages_of_a_folder_are_full_and_their_cursors_are_its_own(self, world: World) -> None:
        for number in range(7):
            sent = world.dm.mailbox(f"user {number}").start("ann", "x")
            world.tick()
            if number % 2 == 0:
                world.ann.archive(sent.conversation)
        first = world.ann.archived(limit=2)
        assert (others(first), first.has_more) == (["user 6", "user 4"], True)
        second = world.ann.archived(limit=2, cursor=first.next)
        assert (others(second), second.has_more) == (["user 2", "user 0"], False)
        inbox = world.ann.inbox(limit=2)
        assert (others(inbox), inbox.has_more) == (["user 5", "user 3"], True)
        attempts: tuple[Callable[[], object], ...] = (
            lambda: world.ann.inbox(cursor=first.next),
            lambda: world.ann.requests(cursor=first.next),
            lambda: world.ann.archived(cursor=inbox.next),
            lambda: world.bob.archived(cursor=first.next),
        )
        for misplaced in attempts:
            with pytest.raises(InvalidCursor):
                misplaced()
        for limit in (0, 101, -1):
            with pytest.raises(InvalidPageSize):
                world.ann.archived(limit=limit)

    @pytest.mark.promise("MSG-5", "BLOCK-1", "READ-3")
    def test_a_block_takes_a_conversation_out_of_its_list_and_gives_it_back_there(
        self,
        make_world: MakeWorld,
    ) -> None:
        world = make_world(ABSORBING)
        sent = world.bob.start("ann", "1")
        world.ann.archive(sent.conversation)
        world.ann.block("bob")
        world.bob.send(sent.conversation, "absorbed")
        assert (world.ann.archived().items, world.ann.inbox().items) == ((), ())
        world.ann.unblock("bob")
        assert [says(entry.preview) for entry in world.ann.archived().items] == ["1"]
        assert (world.ann.inbox().items, world.ann.unread()) == ((), 0)
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "BLOCK-2")
    def test_an_absorbed_message_brings_the_conversation_back_for_its_sender(
        self,
        make_world: MakeWorld,
    ) -> None:
        world = make_world(ABSORBING)
        sent = world.ann.start("bob", "1")
        world.bob.archive(sent.conversation)
        world.ann.archive(sent.conversation)
        world.ann.block("bob")
        world.bob.send(sent.conversation, "absorbed")
        assert others(inbox_of(world.bob)) == ["ann"]
        world.ann.unblock("bob")
        assert others(world.ann.archived()) == ["bob"]
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "READ-3")
    def test_clearing_keeps_the_flags(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        world.bob.mute(sent.conversation)
        world.bob.archive(sent.conversation)
        world.bob.clear(sent.conversation)
        assert world.bob.archived().items == ()
        view = world.bob.conversation(sent.conversation)
        assert (view.folder, view.is_muted, view.is_archived) == (None, True, True)
        world.ann.send(sent.conversation, "2")
        assert others(world.bob.archived()) == ["ann"]
        assert (world.bob.inbox().items, world.bob.unread()) == ((), 0)
        assert world.is_sound()

    @pytest.mark.promise("MSG-5", "OPS-1")
    def test_sorting_needs_a_switch_that_lets_read(self, world: World) -> None:
        sent = world.ann.start("bob", "1")
        acts: list[Callable[..., object]] = [
            world.ann.mute,
            world.ann.archive,
            world.ann.conversation,
            world.ann.unmute,
            world.ann.unarchive,
        ]
        world.olga.set_mode("off")
        with world.unchanged():
            for act in acts:
                with pytest.raises(MessagingUnavailable):
                    act(sent.conversation)
            for look in (world.ann.archived, lambda: world.ann.conversation_with("bob")):
                with pytest.raises(MessagingUnavailable):
                    look()
        world.olga.set_mode("read_only")
        for act in acts:
            act(sent.conversation)
        assert others(world.ann.archived()) == []
