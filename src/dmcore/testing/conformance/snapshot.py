"""The snapshot: one instant, and a place in the feed from which nothing is lost or repeated."""

import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Final, Literal
from uuid import UUID

import pytest

from dmcore import Action, DmcoreError, InboxEntry, Mailbox, Policy
from dmcore.domain.feed import Snapshot
from dmcore.domain.preferences import DEFAULT_PREFERENCES, OpenTo, Preferences
from dmcore.errors import InvalidPageSize, MessagingUnavailable
from dmcore.testing.world import MakeWorld, World, facts_of

NAMES: Final = ("ann", "bob", "cyd", "dan")

RARELY: Final = 0.3
STEPS: Final = 240


# A walk through everything ----------------------------------------------------------------------


class Walk:
    """Random acts of four people; whatever one of them is refused changes nothing."""

    def __init__(self, world: World, seed: str) -> None:
        self._world = world
        self._random = random.Random(seed)
        self.done: set[str] = set()

    def step(self) -> None:
        self._world.tick()
        name, other = self._random.sample(NAMES, 2)
        box = self._world.dm.mailbox(name)
        acts = self._acts(box, other)
        chosen = self._random.choice(sorted(acts))
        try:
            acts[chosen]()
        except DmcoreError as refusal:
            status = refusal.http_status
        else:
            self.done.add(chosen)
            status = 200
        # Only the product may refuse this.
        assert status in (200, 403, 409)

    def _acts(self, box: Mailbox, other: str) -> Mapping[str, Callable[[], object]]:
        view = box.conversation_with(other)
        acts: dict[str, Callable[[], object]] = {
            "start": lambda: box.start(other, "x"),
            "unblock": lambda: box.unblock(other),
            "prefer": lambda: box.set_preferences(
                Preferences(open_to=self._random.choice((OpenTo.EVERYONE, OpenTo.NOBODY)))
            ),
        }
        if view is None:
            return acts
        it = view.conversation
        shown = box.thread(it).items
        acts |= {
            "send": lambda: box.send(it, "x"),
            "send more": lambda: box.send(it, "y"),
            "mute": lambda: box.mute(it),
            "unmute": lambda: box.unmute(it),
            "archive": lambda: box.archive(it),
            "unarchive": lambda: box.unarchive(it),
            "accept": lambda: box.accept(it),
            "decline": lambda: box.decline(it),
        }
        if self._random.random() < RARELY:
            acts |= {"clear": lambda: box.clear(it), "block": lambda: box.block(other)}
        if shown:
            message = self._random.choice((shown[-1], self._random.choice(shown)))
            acts |= {
                "mark read": lambda: box.mark_read(it, through=message.id),
                "hide": lambda: box.hide(it, message.id),
                "reply": lambda: box.send(it, "z", reply_to=message.id),
            }
        own = [message for message in shown if message.sender == box.user.id]
        if own:
            mine = self._random.choice((own[-1], self._random.choice(own)))
            acts |= {
                "edit": lambda: box.edit(it, mine.id, str(self._random.random())),
                "delete": lambda: box.delete(it, mine.id),
            }
        return acts


Lines = Mapping[UUID, InboxEntry]


def lines_of(snapshot: Snapshot) -> Lines:
    return {line.conversation: line for line in snapshot.inbox.items}


def differing(one: Lines, other: Lines) -> set[UUID]:
    """The conversations that are in one inbox only, or not the same in both."""
    return {it for it in {*one, *other} if one.get(it) != other.get(it)}


class TestSnapshot:
    """The snapshot: one instant, and a place in the feed from which nothing is lost or repeated."""

    @pytest.mark.promise("FEED-1")
    def test_a_snapshot_is_what_the_single_reads_say(self, world: World) -> None:
        for other in ("bob", "cyd", "dan"):
            world.dm.mailbox(other).start("ann", "x")
            world.tick()
        world.ann.set_preferences(Preferences(receipts=False))
        found = world.ann.snapshot(limit=2)
        assert found == Snapshot(
            cursor=world.ann.changes().next,
            unread=3,
            preferences=Preferences(receipts=False),
            inbox=world.ann.inbox(limit=2),
        )
        assert found.inbox.next is not None
        rest = world.ann.inbox(cursor=found.inbox.next)
        assert [entry.other for entry in (*found.inbox.items, *rest.items)] == ["dan", "cyd", "bob"]

    @pytest.mark.promise("FEED-1")
    def test_a_user_who_never_came_has_a_snapshot_to_begin_with(self, world: World) -> None:
        with world.unchanged():
            found = world.ann.snapshot()
        assert (found.unread, found.inbox.items) == (0, ())
        assert found.preferences == DEFAULT_PREFERENCES
        sent = world.bob.start("ann", "x")
        assert [fact.message for fact in facts_of(world.ann, after=found.cursor)] == [sent.id]

    @pytest.mark.promise("FEED-1", "PAGE-1", "OPS-1")
    def test_a_snapshot_is_refused_as_a_list_is(self, world: World) -> None:
        for limit in (0, 101):
            with pytest.raises(InvalidPageSize):
                world.ann.snapshot(limit=limit)
        world.olga.set_mode("off")
        with pytest.raises(MessagingUnavailable):
            world.ann.snapshot()

    @pytest.mark.promise("TEN-1")
    def test_a_snapshot_is_of_one_user_of_one_tenant(self, world: World) -> None:
        world.bob.start("ann", "x")
        north = world.dm.mailbox("ann", tenant="north").snapshot()
        assert (north.unread, north.inbox.items) == (0, ())

    # While others write ---------------------------------------------------------------------------

    @pytest.mark.promise("FEED-1")
    def test_all_of_a_snapshot_is_of_one_instant_while_others_write(self, world: World) -> None:
        """Each fact is a message that Ann has not read: the place says what the rest must say."""
        senders, each = 2, 15
        ended = Event()

        def write(number: int) -> None:
            box = world.open().mailbox(f"s {number}")
            for _ in range(each):
                box.start("ann", "x")

        def look() -> list[Snapshot]:
            box = world.open().mailbox("ann")
            found = []
            is_last = False
            while not is_last:
                is_last = ended.is_set()
                found.append(box.snapshot())
            return found

        with ThreadPoolExecutor(4) as pool:
            looking = pool.submit(look)
            writers = [pool.submit(write, number) for number in range(senders)]
            try:
                for writer in writers:
                    writer.result()
            finally:
                ended.set()
            snapshots = looking.result()
        whole = facts_of(world.ann)
        assert len(whole) == senders * each == snapshots[-1].unread
        for found in snapshots:
            rest = facts_of(world.ann, after=found.cursor)
            told = whole[: len(whole) - len(rest)]
            assert whole == told + rest
            assert found.unread == len(told) == sum(line.unread for line in found.inbox.items)
            newest = {fact.conversation: fact.message for fact in told}
            assert {line.conversation: line.newest for line in found.inbox.items} == newest

    @pytest.mark.promise("FEED-1", "READ-3")
    @pytest.mark.parametrize("requests", ["open", "ask"])
    @pytest.mark.parametrize("blocked", ["refuse", "absorb"])
    def test_whatever_changes_an_inbox_is_named_in_the_feed(
        self,
        make_world: MakeWorld,
        blocked: Literal["refuse", "absorb"],
        requests: Literal["open", "ask"],
    ) -> None:
        """A device that refreshes the conversations its feed names has the inbox as it is.

        Receipts stay on here: who switches them off is not told of to others.
        """
        policy = Policy(
            messages=None,
            starts=None,
            blocked=blocked,
            requests=requests,
            request_messages=2,
            edit_window=None,
        )
        world = make_world(policy)
        walk = Walk(world, f"{blocked} {requests}")
        boxes = {name: world.dm.mailbox(name) for name in NAMES}
        earlier = {name: box.snapshot() for name, box in boxes.items()}
        for number in range(STEPS):
            walk.step()
            if number % 4:
                continue
            for name, box in boxes.items():
                later = box.snapshot()
                facts = facts_of(box, after=earlier[name].cursor)
                named = {fact.conversation for fact in facts}
                assert differing(lines_of(earlier[name]), lines_of(later)) <= named
                assert (later.cursor == earlier[name].cursor) is (not facts)
                if not facts:
                    assert later == earlier[name]
                if later.preferences != earlier[name].preferences:
                    assert Action.PREFERENCES_CHANGED in {fact.action for fact in facts}
                assert sum(line.unread for line in later.inbox.items) == later.unread
                earlier[name] = later
        assert world.is_sound()
        expected = {"start", "block", "unblock", "send", "mark read", "edit", "delete", "hide"}
        assert walk.done >= expected | {"archive", "mute", "accept"}

    @pytest.mark.promise("FEED-1")
    def test_a_receipt_that_shows_in_a_preview_is_named_in_the_feed(self, world: World) -> None:
        begun = world.ann.start("bob", "x")
        before = world.ann.snapshot()
        world.tick()
        world.bob.mark_read(begun.conversation, through=begun.id)
        after = world.ann.snapshot()
        preview = after.inbox.items[0].preview
        told = facts_of(world.ann, after=before.cursor)
        assert [(fact.action, fact.message) for fact in told] == [(Action.MESSAGES_SEEN, begun.id)]
        assert preview is not None
        assert preview.seen_at_us == world.clock.now_us()
        assert (preview,) == world.ann.thread(begun.conversation).items
