"""How many statements it takes to ask for many, and for what two may know of each other."""

from pathlib import Path

import pytest
from tests.support.stores import asked_through, engine_of

from dmcore import User
from dmcore.adapters import sql
from dmcore.domain.ids import TenantId, UserId
from dmcore.testing.world import World


def crowd(count: int) -> list[User]:
    return [User(TenantId(""), UserId(f"user {number}")) for number in range(count)]


@pytest.mark.promise("SCALE-1", "FEED-1")
@pytest.mark.parametrize(("count", "most"), [(0, 1), (1, 1), (500, 1), (501, 2), (1500, 3)])
def test_the_heads_of_five_hundred_users_are_one_statement(
    sql_world: World, count: int, most: int
) -> None:
    people = crowd(count)
    with asked_through(sql_world.dm) as asked:
        heads = sql_world.dm.heads(people)
    assert heads.positions == dict.fromkeys(people, 0)
    assert len(asked) == most
    assert all("dm_journal" not in statement for statement in asked)


@pytest.mark.promise("PREF-1")
def test_what_two_may_know_of_each_other_takes_two_statements(sql_world: World) -> None:
    sent = sql_world.ann.start("bob", "x")
    with asked_through(sql_world.dm) as asked:
        sql_world.ann.audience(sent.conversation)
    assert len(asked) <= 2


def test_sqlite_finds_each_head_by_its_key(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'dm.db'}"
    sql.initialise(url)
    with sql.open_sync(url) as dm:
        with asked_through(dm) as asked:
            dm.heads(crowd(3))
        with engine_of(dm).connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0]}", (0, "[]")).all()
    steps = [step[-1] for step in plan]
    assert any(step.startswith("SEARCH dm_mailbox USING") for step in steps), steps
    assert not any(step.startswith("SCAN dm_mailbox") for step in steps), steps
