"""The feed while others write, and when its beginning is no longer kept."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import attrs
import pytest

from dmcore import Fact
from dmcore.domain.feed import Changes
from dmcore.domain.ids import User
from dmcore.errors import CursorExpired
from dmcore.ports.transactions import Transaction, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import MakeWorld, World, busy, facts_of, feed_pages_of


def prune(world: World, user: User, *, through: int) -> None:
    """Forget the beginning of a journal."""

    def use_case(tx: Transaction) -> None:
        account = tx.mailboxes.hold(user)
        tx.mailboxes.save(attrs.evolve(account, pruned=through))
        tx.journal.prune(user, through=through)

    runner_of(world.dm).run(writing(use_case))


class TestFeedKept:
    """The feed while others write, and when its beginning is no longer kept."""

    @pytest.mark.promise("FEED-1")
    def test_who_polls_while_others_write_gets_each_event_once_in_order(self, world: World) -> None:
        senders, each = 3, 15
        begun = [world.dm.mailbox(f"s {number}").start("ann", "x") for number in range(senders)]
        start = world.ann.changes().next
        ended = Event()

        def write(number: int) -> None:
            dm = world.open()
            for _ in range(each):
                dm.mailbox(f"s {number}").send(begun[number].conversation, "x")

        def act() -> None:
            box = world.open().mailbox("ann")
            for number in range(each):
                (box.mute, box.unmute)[number % 2](begun[0].conversation)

        def poll(limit: int) -> list[Fact]:
            box = world.open().mailbox("ann")
            seen: list[Fact] = []
            place, is_last = start, False
            while True:
                page = box.changes(after=place, limit=limit)
                seen += page.items
                assert page.items or page.next == place
                place = page.next
                if is_last and not page.has_more:
                    return seen
                # One more round after the last writer: then nothing can come any more.
                is_last = ended.is_set()

        with ThreadPoolExecutor(8) as pool:
            polls = [pool.submit(poll, limit) for limit in (1, 7)]
            writers = [pool.submit(write, number) for number in range(senders)]
            writers.append(pool.submit(act))
            try:
                for writer in writers:
                    writer.result()
            finally:
                ended.set()
            seen = [it.result() for it in polls]
        whole = facts_of(world.ann, after=start)
        assert len(whole) == (senders + 1) * each
        assert seen == [whole] * 2
        for number in range(senders):
            ids = [fact.message for fact in whole if fact.actor == f"s {number}"]
            sent = world.dm.mailbox(f"s {number}").thread(begun[number].conversation).items
            assert ids == [message.id for message in sent[1:]]
        assert world.is_sound()

    @pytest.fixture
    def pruned(self, world: World) -> Iterator[World]:
        """A world in which Ann's first five facts are forgotten."""
        busy(world)
        yield world
        assert world.is_sound()

    @pytest.mark.promise("FEED-1")
    def test_what_is_not_kept_any_more_is_never_skipped_in_silence(self, pruned: World) -> None:
        ann = pruned.ann
        whole = list(ann.changes().items)
        cursors = [page.next for page in feed_pages_of(ann, limit=1)]
        others_feed = facts_of(pruned.bob)
        prune(pruned, ann.user, through=5)
        for cursor in (None, *cursors[:4]):
            with pytest.raises(CursorExpired) as caught:
                ann.changes(after=cursor)
            assert (caught.value.code, caught.value.http_status) == ("cursor_expired", 410)
        for number, cursor in enumerate(cursors[4:], 5):
            assert list(ann.changes(after=cursor).items) == whole[number:]
        assert facts_of(pruned.bob) == others_feed

    @pytest.mark.promise("FEED-1")
    def test_a_snapshot_leads_back_into_a_feed_that_expired(self, pruned: World) -> None:
        ann = pruned.ann
        count = len(ann.changes().items)
        prune(pruned, ann.user, through=count)
        with pytest.raises(CursorExpired):
            ann.changes()
        place = ann.snapshot().cursor
        assert ann.changes(after=place) == Changes(items=(), next=place, has_more=False)
        sent = pruned.bob.start("ann", "x")
        assert [fact.message for fact in ann.changes(after=place).items] == [sent.id]

    @pytest.mark.promise("FEED-1")
    def test_a_place_that_was_never_reached_is_expired(self, make_world: MakeWorld) -> None:
        """As after a store was restored to an earlier state: what was told since is not known
        there.
        """
        world = make_world()
        busy(world)
        cursors = [page.next for page in feed_pages_of(world.ann, limit=1)]
        world.harness.clear()
        restored = make_world()
        acts: tuple[Callable[[], object], ...] = (
            lambda: None,
            lambda: restored.ann.start("bob", "x"),
            lambda: restored.bob.start("ann", "x"),
        )
        for known, act in enumerate(acts):
            act()
            for cursor in cursors[known:]:
                with pytest.raises(CursorExpired):
                    restored.ann.changes(after=cursor)
            if known:
                place = restored.ann.changes(after=cursors[known - 1])
                assert (place.items, place.has_more) == ((), False)
