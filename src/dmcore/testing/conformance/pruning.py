"""Shortening journals: what is old goes, what is kept is whole, and feeds expire at the cut."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dmcore import Action
from dmcore.domain.instants import to_datetime
from dmcore.errors import CursorExpired, InvalidSetting
from dmcore.testing.world import World


def now(world: World) -> datetime:
    return to_datetime(world.clock.now_us())


@pytest.mark.promise("FEED-1", "AUD-1")
class TestPruning:
    """Shortening journals."""

    def test_what_is_older_goes_and_the_rest_keeps_its_places(self, world: World) -> None:
        first = world.ann.start("bob", "1")
        old = world.bob.changes()
        world.tick(seconds=60)
        before = now(world)
        second = world.ann.send(first.conversation, "2")
        kept = [entry for entry in world.journal("bob") if entry.fact.message == second.id]

        assert world.olga.prune_journals(before=before) == 3
        assert world.journal("bob") == kept
        assert [fact.message for fact in world.bob.changes(after=old.next).items] == [second.id]
        with pytest.raises(CursorExpired):
            world.bob.changes()
        assert world.bob.thread(first.conversation).items == (first, second)
        assert world.is_sound()

    def test_it_is_written_down_before_anything_is_gone(self, world: World) -> None:
        world.ann.start("bob", "1")
        world.tick(seconds=60)
        world.olga.prune_journals(before=now(world))
        assert [entry.fact.action for entry in world.journal("olga")] == [Action.JOURNALS_PRUNED]

    def test_a_few_at_a_time_come_to_an_end(self, world: World) -> None:
        """Also where everything up to now is to go, which each call adds to."""
        for number in range(5):
            world.dm.mailbox(f"user {number}").start("ann", "x")
        world.tick()
        before = now(world)
        counts = [world.olga.prune_journals(before=before, most=2) for _ in range(5)]
        assert counts == [2, 2, 2, 1, 0]
        with world.unchanged():
            assert world.olga.prune_journals(before=before) == 0
        assert world.is_sound()

    def test_nothing_from_now_on_is_old(self, world: World) -> None:
        world.ann.start("bob", "1")
        world.olga.prune_journals(before=now(world) + timedelta(days=1))
        assert world.olga.prune_journals(before=now(world) + timedelta(days=1)) == 0
        assert [entry.fact.action for entry in world.journal("bob")] == [
            Action.CONVERSATION_STARTED
        ]

    def test_an_entry_behind_a_younger_one_stays(self, world: World) -> None:
        """The clock went back between the two: only the beginning of a journal can go."""
        world.ann.start("bob", "1")
        world.tick(seconds=-3600)
        world.ann.block("cyd")
        world.tick(seconds=3000)
        with world.unchanged():
            assert world.olga.prune_journals(before=now(world)) in {0, 1}
        assert len(world.journal("ann")) == 2

    def test_a_snapshot_leads_on_from_a_feed_that_expired(self, world: World) -> None:
        world.ann.start("bob", "1")
        world.tick(seconds=60)
        world.olga.prune_journals(before=datetime(2200, 1, 1, tzinfo=UTC))
        assert world.journal("bob") == []
        state = world.bob.snapshot()
        assert world.bob.changes(after=state.cursor).items == ()
        world.ann.start("bob", "2")
        assert len(world.bob.changes(after=state.cursor).items) == 1

    @pytest.mark.parametrize("before", [datetime(2026, 1, 1), "2026-01-01", 5, None])  # noqa: DTZ001
    def test_an_instant_has_a_time_zone(self, world: World, before: Any) -> None:
        with world.unchanged(), pytest.raises(InvalidSetting) as caught:
            world.olga.prune_journals(before=before)
        assert caught.value.details["setting"] == "before"

    @pytest.mark.parametrize("most", [0, -1, 10_001, 1.5, "9", True, None])
    def test_how_many_is_a_whole_number(self, world: World, most: Any) -> None:
        with world.unchanged(), pytest.raises(InvalidSetting) as caught:
            world.olga.prune_journals(before=now(world), most=most)
        assert caught.value.details["setting"] == "most"
