"""How many statements an export takes, and that none of them reads more than it needs."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite
from tests.conftest import IS_NIGHTLY
from tests.support.stores import asked_through

from dmcore import ConversationView, Exported, Message, Page
from dmcore.adapters.sql import metadata
from dmcore.adapters.sql._conversations import _HAD
from dmcore.testing.world import World

MANY = 60


@contextmanager
def budget_of(world: World, most: int) -> Iterator[None]:
    """At most so many statements, all of one state, and nothing written."""
    with asked_through(world.dm) as asked:
        yield
    assert asked[0].startswith("BEGIN")
    selects = [statement for statement in asked[1:] if statement != "ROLLBACK"]
    assert 0 < len(selects) <= most, selects
    assert all(statement.startswith("SELECT") for statement in selects)


def conversations_on(page: Page[Exported]) -> int:
    """Of how many conversations something stands on a page."""
    views = {it.conversation for it in page.items if isinstance(it, ConversationView)}
    return len(views | {it.conversation for it in page.items if isinstance(it, Message)})


@pytest.mark.promise("GDPR-1", "PAGE-3")
@pytest.mark.parametrize("limit", [1, 7, 100])
def test_a_page_takes_five_statements_and_one_for_each_conversation_on_it(
    sql_world: World, limit: int
) -> None:
    for number in range(MANY):
        sql_world.ann.block(f"blocked {number}")
        if number < 9:
            sql_world.ann.report(f"blocked {number}", reason="spam")
        sent = sql_world.dm.mailbox(f"user {number}").start("ann", "x")
        sql_world.ann.send(sent.conversation, "y")
    page = sql_world.ann.export(limit=limit)
    with budget_of(sql_world, 5 + conversations_on(page)):
        sql_world.ann.export(limit=limit)
    most = conversations_on(page)
    while page.next is not None:
        following = sql_world.ann.export(limit=limit, cursor=page.next)
        with budget_of(sql_world, 5 + conversations_on(following)):
            sql_world.ann.export(limit=limit, cursor=page.next)
        most = max(most, conversations_on(following))
        page = following
    assert most == {1: 1, 7: 3, 100: 34}[limit]


@pytest.mark.promise("GDPR-1", "PAGE-3")
@pytest.mark.parametrize("count", [0, 1, 500 if IS_NIGHTLY else 120])
def test_a_page_of_one_long_conversation_takes_six(sql_world: World, count: int) -> None:
    sent = sql_world.ann.start("bob", "x")
    for _ in range(count):
        sql_world.ann.send(sent.conversation, "x")
    cursor = None
    for _ in range(1 + count // 100):
        with budget_of(sql_world, 6):
            page = sql_world.ann.export(cursor=cursor)
        cursor = page.next


@pytest.mark.promise("PAGE-3")
def test_whose_conversations_they_are_is_found_by_an_index_on_either_side() -> None:
    """Strictly after a place, in its order: nothing is read that is not returned."""
    engine = create_engine("sqlite://")
    statement = _HAD.compile(dialect=sqlite.dialect())
    facts = {"tenant": "", "owner": "ann", "after": bytes(16), "limit": 1, "param_1": 1}
    with engine.begin() as connection:
        metadata.create_all(connection)
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {statement}",
            tuple(facts.get(name, True) for name in statement.positiontup or ()),
        )
        steps = " / ".join(str(row.detail) for row in plan)
    engine.dispose()
    assert "ix_dm_conversation_high (tenant=? AND high=? AND id>?)" in steps
    assert "ix_dm_conversation_low (tenant=? AND low=? AND id>?)" in steps
    assert "SCAN dm_conversation" not in steps
