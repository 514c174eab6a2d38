"""How many statements a call takes, whatever there is in the store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import attrs
import pytest
from tests.conftest import IS_NIGHTLY
from tests.support.stores import (
    WRITING,
    PostgresHarness,
    SqlHarness,
    SqliteHarness,
    asked_through,
    is_postgres,
    run_by_sqlite,
)

from dmcore import Policy
from dmcore.errors import LimitReached
from dmcore.testing.screening import Censor
from dmcore.testing.world import UNLIMITED, World

MANY = 500 if IS_NIGHTLY else 120


class Budget:
    """Counts what a call asks of the database, in two ways where there are two."""

    def __init__(self, world: World) -> None:
        self._world = world

    @contextmanager
    def of(self, most: int, *, commits: int = 0) -> Iterator[None]:
        dm = self._world.dm
        if isinstance(self._world.harness, SqliteHarness):
            with run_by_sqlite(dm) as ran:
                with asked_through(dm) as asked:
                    yield
                self._check(ran, most, commits)
        else:
            with asked_through(dm) as asked:
                yield
        self._check(asked, most, commits)

    def _check(self, statements: list[str], most: int, commits: int) -> None:
        assert statements, "nothing was counted"
        # On PostgreSQL what was read may be written about without a COMMIT of its own (ADR 53).
        least = 0 if is_postgres(self._world) else commits
        assert least <= statements.count("COMMIT") <= commits
        kept = [statement for statement in statements if statement != "COMMIT"]
        assert len(kept) <= most, kept


@pytest.fixture
def budget(sql_world: World) -> Budget:
    return Budget(sql_world)


@pytest.mark.promise("PAGE-3")
@pytest.mark.parametrize("count", [0, 1, MANY])
def test_an_inbox_page_takes_two_statements_and_unread_one(
    sql_world: World, budget: Budget, count: int
) -> None:
    for number in range(count):
        sql_world.dm.mailbox(f"user {number}").start("ann", "x")
    for limit in (1, 20, 100):
        with budget.of(1):
            page = sql_world.ann.inbox(limit=limit)
        assert len(page.items) == min(limit, count)
        if page.next is not None:
            with budget.of(1):
                sql_world.ann.inbox(limit=limit, cursor=page.next)
    with budget.of(1):
        assert sql_world.ann.unread() == count


@pytest.mark.promise("PAGE-3", "GDPR-2")
def test_what_is_expired_takes_no_more(sql_harness: SqlHarness) -> None:
    """Also where some of what is unread in a conversation is over and some is not."""
    world = World(sql_harness, policy=attrs.evolve(UNLIMITED, messages_kept=timedelta(hours=1)))
    budget = Budget(world)
    here = world.bob.start("ann", "x", key="k").conversation
    for number in range(5):
        world.dm.mailbox(f"user {number}").start("ann", "x")
    world.tick(seconds=3000)
    for sender in ("bob", "user 1", "eve"):
        world.dm.mailbox(sender).start("ann", "x")
    world.tick(seconds=600)
    with budget.of(2):
        assert [entry.unread for entry in world.ann.inbox().items] == [1, 1, 1]
    with budget.of(1):
        assert world.ann.unread() == 3
    with budget.of(2):
        assert len(world.ann.thread(here).items) == 1
    with budget.of(3, commits=1):
        world.ann.send(here, "y")


@pytest.mark.promise("PAGE-3")
@pytest.mark.parametrize("count", [1, MANY])
def test_a_thread_page_takes_two_statements_and_a_send_three(
    sql_world: World, budget: Budget, count: int
) -> None:
    first = sql_world.ann.start("bob", "x")
    for number in range(1, count):
        (sql_world.ann, sql_world.bob)[number % 2].send(first.conversation, "x")
    for limit in (1, 50, 100):
        with budget.of(2):
            page = sql_world.ann.thread(first.conversation, limit=limit)
        assert len(page.items) == min(limit, count)
        if page.older is not None:
            with budget.of(2):
                sql_world.ann.thread(first.conversation, limit=limit, before=page.older)
        with budget.of(2):
            sql_world.ann.thread(first.conversation, limit=limit, after=page.newer)
    writes: tuple[Callable[[], object], ...] = (
        lambda: sql_world.ann.send(first.conversation, "x"),
        lambda: sql_world.bob.send(first.conversation, "x", key="k"),
        lambda: sql_world.bob.send(first.conversation, "x", key="k"),
        lambda: sql_world.ann.start("bob", "x"),
    )
    for write in writes:
        with budget.of(3, commits=1):
            write()


@pytest.mark.promise("PAGE-3")
def test_who_writes_to_somebody_begins_no_transaction_on_postgresql(
    postgres_harness: PostgresHarness,
) -> None:
    """Two round trips, whether they have met or not: what is read, and what is written."""
    world = World(postgres_harness, policy=UNLIMITED)
    here = world.ann.start("bob", "x").conversation
    newest = world.ann.send(here, "x").id
    acts: tuple[Callable[[], object], ...] = (
        lambda: world.bob.mark_read(here, through=newest),
        lambda: world.ann.send(here, "x"),
        lambda: world.ann.start("cyd", "x"),
        lambda: world.dm.mailbox("dan").start("eve", "x"),
        lambda: world.bob.block("ann"),
    )
    for act in acts:
        with asked_through(world.dm) as asked:
            act()
        facts, write = asked
        assert "actor_box" in facts
        assert write.startswith(WRITING)


@pytest.mark.promise("PAGE-3")
def test_a_first_message_takes_no_more(sql_world: World, budget: Budget) -> None:
    """Whether both, one or none of the two have been here before."""
    for sender, other in (("a", "b"), ("a", "c"), ("d", "a"), ("b", "c")):
        box = sql_world.dm.mailbox(sender)
        with budget.of(3, commits=1):
            box.start(other, "x", key="k")


@pytest.mark.promise("PAGE-3")
def test_an_absorbed_message_takes_no_more_than_another(sql_harness: SqlHarness) -> None:
    world = World(sql_harness, policy=Policy(blocked="absorb"))
    budget = Budget(world)
    world.ann.block("bob")
    for _ in range(2):
        with budget.of(3, commits=1):
            world.bob.start("ann", "x")


@pytest.mark.promise("PAGE-3", "MOD-5")
def test_a_screened_send_is_asked_for_once_more_and_says_nothing_by_its_statements(
    sql_harness: SqlHarness,
) -> None:
    """A flagged one takes as many statements as another, a first time or again."""
    world = World(sql_harness, screeners=[Censor()])
    first = world.ann.start("bob", "x")
    taken: dict[str, list[int]] = {"send": [], "edit": []}
    for text in ("x", "flag", "flag more", "FLAG", "y"):
        with asked_through(world.dm) as asked:
            world.ann.send(first.conversation, text)
        taken["send"].append(len(asked))
        with asked_through(world.dm) as asked:
            world.ann.edit(first.conversation, first.id, f"{text}.")
        taken["edit"].append(len(asked))
    # What is asked before is what is asked again, and only then something is written.
    assert max(taken["send"]) <= 2 * 3 + 1
    assert {len(set(counts)) for counts in taken.values()} == {1}


@pytest.mark.promise("PAGE-3", "LIMIT-1")
def test_a_refused_send_takes_no_more(sql_harness: SqlHarness) -> None:
    world = World(sql_harness, policy=Policy())
    for number in range(20):
        world.ann.start("bob", str(number))
    with Budget(world).of(3), pytest.raises(LimitReached):
        world.ann.start("bob", "one too many")


@pytest.mark.promise("PAGE-3")
def test_reads_end_without_a_commit_and_leave_nothing_open(sql_world: World) -> None:
    sql_world.ann.start("bob", "x")
    conversation = sql_world.ann.inbox().items[0].conversation
    with asked_through(sql_world.dm) as asked:
        sql_world.ann.inbox()
        sql_world.ann.thread(conversation)
        sql_world.ann.unread()
        sql_world.ann.blocked()
        sql_world.ann.can_see_profile("bob")
        sql_world.ann.visible_profiles(["bob", "cyd"])
    assert "COMMIT" not in asked
    assert not any(
        word in statement for statement in asked for word in ("INSERT", "UPDATE", "DELETE")
    )


@pytest.mark.promise("PAGE-3")
def test_the_counting_counts(sql_world: World) -> None:
    """A budget that is too small is noticed, or the tests above would prove nothing."""
    budget = Budget(sql_world)
    with pytest.raises(AssertionError), budget.of(1, commits=1):
        sql_world.ann.start("bob", "x")
    with pytest.raises(AssertionError), budget.of(0):
        sql_world.ann.inbox()
    if not is_postgres(sql_world):
        with pytest.raises(AssertionError), budget.of(3):
            sql_world.ann.start("cyd", "x")
    assert sql_world.dm.policy == UNLIMITED
