"""Two operators who remove the same at once."""

from datetime import timedelta

import attrs
import pytest
from tests.support.stores import SqlHarness

from dmcore.domain.ids import TenantId, User, UserId, neighbour_of
from dmcore.domain.retention import Pruned
from dmcore.operations import _pruning
from dmcore.operations._pruning import remove_from, shorten
from dmcore.ports.transactions import writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import UNLIMITED, World


def test_who_comes_second_with_less_changes_nothing(world: World) -> None:
    """Two operators at once: the one who found less to forget is late."""
    for number in range(3):
        world.ann.mute(world.ann.start("bob", str(number)).conversation)
        world.ann.unmute(world.ann.inbox().items[0].conversation)
    first, *_, last = world.journal("ann")
    runner = runner_of(world.dm)
    runner.run(writing(shorten, owner=last.owner, through=last.position))
    with world.unchanged():
        runner.run(writing(shorten, owner=first.owner, through=first.position))
    assert world.journal("ann") == []
    assert world.is_sound()


@pytest.mark.promise("GDPR-2")
def test_what_another_removed_meanwhile_or_who_has_another_name_is_left_to_the_next_step(
    world: World,
) -> None:
    first = world.ann.start("bob", "x")
    last = world.bob.send(first.conversation, "y")
    runner = runner_of(world.dm)
    ann, gone = (User(TenantId(""), UserId(it)) for it in ("ann", "anna"))
    below = neighbour_of(first.id, 1)
    with world.unchanged():
        step = writing(remove_from, first.conversation, gone, below=below, most=5)
        assert runner.run(step) == Pruned()
    step = writing(remove_from, first.conversation, ann, below=below, most=5)
    assert runner.run(step) == Pruned(messages=1)
    with world.unchanged():
        assert runner.run(step) == Pruned()
    assert [it.id for it in world.ann.thread(first.conversation).items] == [last.id]
    assert world.is_sound()


@pytest.mark.promise("GDPR-2", "FEED-1")
def test_a_long_journal_is_shortened_in_parts(
    sql_world: World, sql_harness: SqlHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is forgotten at once is bounded, also where one user has very much."""
    world, harness = sql_world, sql_harness
    monkeypatch.setattr(_pruning, "_ENTRIES_AT_ONCE", 100)
    world.ann.start("bob", "x")
    harness.execute(
        "WITH RECURSIVE more(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM more WHERE n < 103)"
        " INSERT INTO dm_journal (tenant, user_id, position, at_us, action, actor)"
        " SELECT '', 'ann', n, 1, 'history_cleared', 'ann' FROM more"
    )
    harness.execute("UPDATE dm_mailbox SET position = 103 WHERE user_id = 'ann'")
    old = attrs.evolve(UNLIMITED, journal_kept=timedelta(seconds=1))
    world.tick(seconds=2)
    olga = world.open(old).operations("olga")
    done = olga.prune()
    assert (done.journals, done.is_complete) == (3, False)
    assert [entry.position for entry in world.journal("ann")] == [101, 102, 103]
    assert olga.prune().is_complete
    assert world.journal("ann") == []
    assert world.is_sound()


@pytest.mark.promise("GDPR-2", "OPS-5")
def test_pruning_passes_over_what_somebody_took_out_of_the_database(
    sql_world: World, sql_harness: SqlHarness
) -> None:
    """It comes to an end, and what was lost is named as before."""
    world = sql_world
    world.ann.start("bob", "x")
    world.cyd.start("dan", "y")
    sql_harness.execute("DELETE FROM dm_message WHERE sender = 'ann'")
    world.tick(seconds=2 * 86_400)
    old = attrs.evolve(UNLIMITED, messages_kept=timedelta(days=1))
    found = world.olga.verify()
    assert found
    done = world.open(old).operations("olga").prune()
    assert (done.messages, done.is_complete) == (1, True)
    assert 0 < len(world.olga.verify()) < len(found)
