"""Expired messages are nowhere, at once, for both; whatever is still stored (GDPR-2)."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import attrs
import pytest

from dmcore import Action, InboxEntry, Mailbox, Message, Page, Policy
from dmcore.domain.instants import LONGEST
from dmcore.errors import AccessDenied, KeyConflict
from dmcore.testing.conformance.sights import NOWHERE
from dmcore.testing.world import (
    SECOND_US,
    MakeWorld,
    World,
    anatomy,
    export_of,
    facts_of,
    inbox_of,
    others,
    requests_of,
    texts,
    thread_of,
    walked,
)

KEPT = timedelta(hours=1)
HOUR = Policy(messages=None, starts=None, messages_kept=KEPT, evidence="reporter_selected")


def recounted(box: Mailbox) -> int:
    """The unread total, brute force: every line, and every message behind its marker."""
    total = 0
    for entry in inbox_of(box):
        seen = thread_of(box, entry.conversation)
        waiting = [
            it
            for it in seen
            if it.sender != box.user.id
            and not it.is_deleted
            and (entry.read is None or it.id > entry.read)
        ]
        assert entry.unread == len(waiting)
        assert box.conversation(entry.conversation).unread == len(waiting)
        assert entry.preview == seen[-1]
        total += len(waiting)
    return total


def denied(act: Callable[[], object]) -> tuple[object, ...]:
    """How an act is refused."""
    with pytest.raises(AccessDenied) as caught:
        act()
    return anatomy(caught.value)


def aged(world: World) -> tuple[Message, Message, Message]:
    """One message of each, of which both expire in a minute, and one of ann's that does not."""
    old = world.ann.start("bob", "the door code is zebra", key="k")
    theirs = world.bob.send(old.conversation, "zebra it is", reply_to=old.id)
    world.tick(seconds=3540)
    young = world.ann.send(old.conversation, "and the gate is open", reply_to=theirs.id)
    return old, theirs, young


def _lists(box: Mailbox, limit: int) -> list[Page[InboxEntry]]:
    """The inbox in pages of one size."""
    return walked(lambda cursor: box.inbox(limit=limit, cursor=cursor))


@pytest.mark.promise("GDPR-2")
class TestRetention:
    """Expired messages are nowhere, at once, for both; whatever is still stored."""

    def test_it_is_there_up_to_the_last_microsecond_and_not_after(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(HOUR)
        old, theirs, young = aged(world)
        here = old.conversation
        world.tick(seconds=60, us=-1)
        for box in (world.ann, world.bob):
            assert [it.id for it in thread_of(box, here)] == [old.id, theirs.id, young.id]
        assert (world.ann.unread(), world.bob.unread()) == (1, 2)
        world.tick(seconds=0, us=1)
        for box in (world.ann, world.bob):
            assert [it.id for it in thread_of(box, here)] == [young.id]
            assert [it.id for it in export_of(box) if isinstance(it, Message)] == [young.id]
            assert [fact.message for fact in facts_of(box)] == [young.id]
            assert inbox_of(box)[0].preview == thread_of(box, here)[0]
            assert box.snapshot().inbox.items == tuple(inbox_of(box))
        assert (world.ann.unread(), world.bob.unread()) == (0, 1)
        assert (recounted(world.ann), recounted(world.bob)) == (0, 1)
        # What is left goes on naming what it answered, as where that was hidden.
        assert (young.reply_to, young.thread_id) == (theirs.id, old.id)
        assert world.bob.thread(here, root=old.id).items == (thread_of(world.bob, here)[0],)
        assert world.is_sound()

    @pytest.mark.promise("PAGE-1", "READ-3")
    def test_a_conversation_of_which_all_is_expired_is_in_no_list_and_still_theirs(
        self, make_world: MakeWorld
    ) -> None:
        """As one that somebody cleared: it can be opened, and the next message brings it back."""
        world = make_world(HOUR)
        asked = attrs.evolve(HOUR, requests="ask")
        here = world.ann.start("bob", "x").conversation
        world.open(asked).mailbox("cyd").start("bob", "may I?")
        world.ann.archive(here)
        assert [others(requests_of(world.bob)), others(inbox_of(world.bob))] == [["cyd"], ["ann"]]
        world.tick(seconds=3600)
        assert requests_of(world.bob) == inbox_of(world.bob) == inbox_of(world.ann) == []
        assert world.ann.archived().items == ()
        assert (world.bob.unread(), world.bob.snapshot().unread) == (0, 0)
        for box in (world.ann, world.bob):
            view = box.conversation(here)
            assert (view.folder, view.newest, view.unread) == (None, None, 0)
            page = box.thread(here)
            assert (page.items, page.older, page.newer, page.has_more) == ((), None, None, False)
            with world.unchanged():
                box.clear(here)
        world.bob.send(here, "again")
        assert [entry.unread for entry in inbox_of(world.ann)] == [1]
        assert world.is_sound()

    @pytest.mark.promise("CONV-2", "MOD-1")
    def test_nothing_can_be_done_to_it_any_more(self, make_world: MakeWorld) -> None:
        world = make_world(HOUR)
        old, theirs, young = aged(world)
        here = old.conversation
        world.tick(seconds=60)
        ann = world.ann

        def acts(id_: UUID, reply: UUID) -> tuple[Callable[[], object], ...]:
            return (
                lambda: ann.edit(here, id_, "y"),
                lambda: ann.delete(here, id_),
                lambda: ann.hide(here, id_),
                lambda: ann.hide(here, reply),
                lambda: ann.mark_read(here, through=reply),
                lambda: ann.send(here, "y", reply_to=reply),
                lambda: ann.report(conversation=here, messages=[young.id, reply], reason="spam"),
            )

        with world.unchanged():
            nowhere = [denied(act) for act in acts(NOWHERE, NOWHERE)]
            assert [denied(act) for act in acts(old.id, theirs.id)] == nowhere

    @pytest.mark.promise("READ-1", "READ-2")
    def test_nobody_is_told_that_it_was_seen(self, make_world: MakeWorld) -> None:
        """Who reads on sees what is there; a receipt would name what is not."""
        world = make_world(HOUR)
        old, _, young = aged(world)
        here = old.conversation
        again = world.ann.send(here, "y")
        world.tick(seconds=60)
        before = len(world.journal("bob"))
        for own in (young, again):
            world.ann.mark_read(here, through=own.id)
            assert world.ann.conversation(here).read == own.id
        assert len(world.journal("bob")) == before
        assert Action.MESSAGES_SEEN not in [it.fact.action for it in world.journal("bob")]
        world.bob.mark_read(here, through=young.id)
        assert [it.seen_at_us for it in thread_of(world.ann, here)] == [
            world.clock.now_us(),
            None,
        ]
        assert world.is_sound()

    @pytest.mark.promise("MSG-3")
    def test_a_late_retry_sends_nothing_a_second_time(self, make_world: MakeWorld) -> None:
        world = make_world(HOUR)
        old, _, young = aged(world)
        here = old.conversation
        assert world.ann.send(here, "the door code is zebra", key="k").id == old.id
        world.tick(seconds=60)
        with world.unchanged():
            for text in ("the door code is zebra", "another"):
                with pytest.raises(KeyConflict):
                    world.ann.send(here, text, key="k")
        assert [it.id for it in thread_of(world.bob, here)] == [young.id]

    @pytest.mark.promise("PAGE-1", "PAGE-2")
    def test_pages_are_full_and_end_where_what_is_kept_ends(self, make_world: MakeWorld) -> None:
        world = make_world(HOUR)
        first = world.ann.start("bob", "0")
        here = first.conversation
        from_the_start = world.ann.thread(here, limit=1)
        for number in range(1, 4):
            world.dm.mailbox(f"user {number}").start("ann", "x")
            world.bob.send(here, str(number))
        world.tick(seconds=3000)
        for number in range(4, 8):
            world.dm.mailbox(f"user {number}").start("ann", "x")
            world.bob.send(here, str(number))
        world.tick(seconds=600)
        kept = ["4", "5", "6", "7"]
        for limit in range(1, 6):
            page = world.ann.thread(here, limit=limit)
            assert texts(page) == kept[-limit:]
            assert (page.has_more, page.older is not None) == 2 * (limit < len(kept),)
            found = _lists(world.ann, limit)
            assert {len(it.items) for it in found[:-1]} <= {limit}
            assert found[-1].items
            assert sorted(others([it for part in found for it in part.items])) == [
                "bob",
                *(f"user {number}" for number in range(4, 8)),
            ]
            assert len(world.ann.changes(limit=limit).items) == limit
        forward = world.ann.thread(here, limit=3, after=from_the_start.newer)
        assert (texts(forward), forward.has_more) == (["4", "5", "6"], True)
        assert recounted(world.ann) == world.ann.unread() == 4 + 4

    @pytest.mark.promise("MSG-2")
    def test_a_clock_that_goes_back_shows_again_what_was_not_removed(
        self, make_world: MakeWorld
    ) -> None:
        """What is expired depends on what the clock shows, and on nothing that is stored."""
        world = make_world(HOUR)
        old, theirs, young = aged(world)
        world.tick(seconds=60)
        world.clock.advance(seconds=-30)
        assert [it.id for it in thread_of(world.bob, old.conversation)] == [
            old.id,
            theirs.id,
            young.id,
        ]
        world.tick(us=-30 * SECOND_US)
        assert recounted(world.bob) == world.bob.unread() == 2
        assert world.is_sound()

    @pytest.mark.promise("READ-3", "BLOCK-1")
    def test_what_is_unread_follows_whatever_else_happens(self, make_world: MakeWorld) -> None:
        world = make_world(HOUR)
        ann, bob = world.ann, world.bob
        here = bob.start("ann", "0").conversation
        old = [bob.send(here, str(number)) for number in range(1, 6)]
        bob.delete(here, old[0].id)
        ann.hide(here, old[1].id)
        world.tick(seconds=1800)
        young = [bob.send(here, str(number)) for number in range(3)]
        world.tick(seconds=1800)
        assert recounted(ann) == ann.unread() == 3
        acts: tuple[tuple[Callable[[], object], int], ...] = (
            (lambda: ann.block("bob"), 0),
            (lambda: ann.unblock("bob"), 3),
            (lambda: ann.archive(here), 0),
            (lambda: ann.unarchive(here), 3),
            (lambda: bob.delete(here, young[0].id), 2),
            (lambda: ann.hide(here, young[1].id), 1),
            (lambda: bob.send(here, "more"), 2),
            (lambda: ann.mark_read(here, through=young[2].id), 1),
            (lambda: ann.clear(here), 0),
        )
        for act, left in acts:
            act()
            assert recounted(ann) == ann.unread() == left
            assert world.is_sound()

    @pytest.mark.parametrize("kept", [LONGEST, None])
    def test_what_is_kept_for_ever_is(self, make_world: MakeWorld, kept: timedelta | None) -> None:
        world = make_world(attrs.evolve(HOUR, messages_kept=kept, evidence_kept=LONGEST))
        old = world.ann.start("bob", "x")
        world.tick(seconds=10 * 365 * 86_400)
        assert texts(world.bob.thread(old.conversation)) == ["x"]
        with world.unchanged():
            assert world.olga.prune().messages == 0
