"""The snapshot: one instant, and a place in the feed from which nothing is lost or repeated."""

from typing import Final

import pytest
from tests.support.stores import asked_through

from dmcore.domain.feed import Changes
from dmcore.testing.world import World, inbox_of

MANY: Final = 120


# What it costs ----------------------------------------------------------------------------------


@pytest.mark.promise("FEED-1", "PAGE-3")
@pytest.mark.parametrize("count", [0, 1, MANY])
def test_a_page_of_the_feed_takes_one_statement_and_a_snapshot_five(
    sql_world: World, count: int
) -> None:
    for number in range(count):
        sql_world.dm.mailbox(f"user {number}").start("ann", "x")
    place: str | None = None
    for limit in (1, 100):
        with asked_through(sql_world.dm) as asked:
            page = sql_world.ann.changes(after=place, limit=limit)
        assert len(asked) == 1, asked
        assert isinstance(page, Changes)
        place = page.next
        with asked_through(sql_world.dm) as asked:
            found = sql_world.ann.snapshot(limit=limit)
        reads = [statement for statement in asked if not statement.startswith("BEGIN")]
        assert 1 <= len(reads) <= 5, reads
        assert len(found.inbox.items) == min(limit, count)
    assert len(inbox_of(sql_world.ann)) == count
