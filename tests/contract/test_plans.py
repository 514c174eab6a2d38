"""What PostgreSQL does for a page or a write is bounded, however much there is (SCALE-1, PAGE-3).

Looked up in its plans, run for real: how many rows each step touched. Nothing is timed.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import Connection, event
from tests.contract.conftest import make_sql_harness
from tests.support.stores import PostgresHarness, engine_of

from dmcore import Message
from dmcore.testing.world import UNLIMITED, World

CROWD: Final = 3_000
LONG: Final = 30_000
# A page of 50 and one to spare is looked up in two indexes at most; so much may any step touch.
MOST_ROWS: Final = 3 * 51

_ANN_WRITES_TO_A_CROWD: Final = (
    """INSERT INTO dm_mailbox SELECT (jsonb_populate_record(m, jsonb_build_object(
           'user_id', 'user ' || n, 'position', 1))).*
       FROM dm_mailbox m, generate_series(1, :crowd) n WHERE user_id = 'ann'""",
    """INSERT INTO dm_conversation SELECT (jsonb_populate_record(c, jsonb_build_object(
           'id', md5('talk ' || n)::uuid, 'low', 'ann', 'high', 'user ' || n))).*
       FROM dm_conversation c, generate_series(1, :crowd) n""",
    """INSERT INTO dm_side SELECT (jsonb_populate_record(s, jsonb_build_object(
           'conversation_id', md5('talk ' || n)::uuid, 'other', 'user ' || n))).*
       FROM dm_side s, generate_series(1, :crowd) n WHERE user_id = 'ann'""",
    """INSERT INTO dm_message SELECT (jsonb_populate_record(m, jsonb_build_object(
           'conversation_id', md5('talk ' || n)::uuid))).*
       FROM dm_message m, generate_series(1, :crowd) n""",
    """INSERT INTO dm_message SELECT (jsonb_populate_record(m, jsonb_build_object(
           'id', ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid))).*
       FROM dm_message m, generate_series(1, :long) n
       WHERE conversation_id = :conversation""",
    """INSERT INTO dm_journal SELECT (jsonb_populate_record(j, jsonb_build_object(
           'position', n + 9))).*
       FROM dm_journal j, generate_series(1, :long) n WHERE user_id = 'ann' AND position = 1""",
    """INSERT INTO dm_block SELECT '', 'user ' || n, 'user ' || n + 1, 1, 1
       FROM generate_series(1, :crowd) n""",
    "ANALYZE",
)


class Large:
    """A store in which ann has talked to a crowd, and to bob for very long."""

    def __init__(self, harness: PostgresHarness) -> None:
        self.world = World(harness, policy=UNLIMITED)
        self.sent: Message = self.world.ann.start("bob", "x")
        for statement in _ANN_WRITES_TO_A_CROWD:
            named = {"crowd": CROWD, "long": LONG, "conversation": self.sent.conversation}
            values = {name: value for name, value in named.items() if f":{name}" in statement}
            harness.execute(statement, **values)

    def steps_of(self, call: Callable[[], object]) -> list[Mapping[str, Any]]:
        """Every step of every statement of a call, run once for this and undone before it runs."""
        steps: list[Mapping[str, Any]] = []

        def note(
            connection: Connection, _cursor: object, statement: str, values: Any, *_rest: object
        ) -> None:
            driver: Any = connection.connection.dbapi_connection
            if statement.startswith(("SELECT", "WITH")):
                with driver.transaction(force_rollback=True):
                    # Named parameters are SQLAlchemy's, numbered ones those of ``_statements``.
                    is_named = isinstance(values, Mapping)
                    cursor: Any = driver.cursor() if is_named else psycopg.RawCursor(driver)
                    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
                    steps.extend(_steps(cursor.fetchone()[0]))

        engine = engine_of(self.world.dm)
        event.listen(engine, "before_cursor_execute", note)
        try:
            call()
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return steps


def _steps(plan: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(plan, list):
        for each in plan:
            yield from _steps(each)
    elif isinstance(plan, dict):
        if "Node Type" in plan:
            yield plan
        for part in ("Plan", "Plans"):
            yield from _steps(plan.get(part))


def _touched(step: Mapping[str, Any]) -> int:
    removed = sum(value for name, value in step.items() if name.startswith("Rows Removed"))
    return int((step["Actual Rows"] + removed) * step["Actual Loops"])


@pytest.fixture
def large(request: pytest.FixtureRequest) -> Iterator[Large]:
    harness = make_sql_harness("postgres", request)
    assert isinstance(harness, PostgresHarness)
    yield Large(harness)
    harness.close()


def test_no_page_and_no_write_touches_more_rows_where_there_are_more(large: Large) -> None:
    world, sent = large.world, large.sent
    place = sent.conversation
    ann, bob = world.ann, world.bob
    page = ann.inbox(limit=20)
    thread = ann.thread(place, limit=50)
    calls: dict[str, Callable[[], object]] = {
        "inbox": lambda: ann.inbox(limit=20),
        "inbox, next": lambda: ann.inbox(limit=20, cursor=page.next),
        "thread": lambda: ann.thread(place, limit=50),
        "thread, older": lambda: ann.thread(place, limit=50, before=thread.older),
        "thread, newer": lambda: ann.thread(place, limit=50, after=thread.newer),
        "unread": ann.unread,
        "profile": lambda: ann.can_see_profile("bob"),
        "profiles": lambda: ann.visible_profiles(["bob", "cyd", "mallory"]),
        "conversation": lambda: ann.conversation(place),
        "changes": lambda: ann.changes(limit=50),
        "can message": lambda: ann.can_message("bob"),
        "send": lambda: ann.send(place, "z"),
        "send under a key": lambda: ann.send(place, "z", key="k"),
        "start": lambda: ann.start("eve", "z"),
        "mark read": lambda: bob.mark_read(place, through=ann.send(place, "z").id),
        "block": lambda: ann.block("mallory"),
    }
    for name, call in calls.items():
        steps = large.steps_of(call)
        assert steps, name
        most = max(steps, key=_touched)
        assert _touched(most) <= MOST_ROWS, (name, most)
