"""Other writers in the way: the use case is called again, with fresh facts and a fresh clock."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Event
from typing import Any, TypeVar

import attrs
import psycopg
import pytest
from sqlalchemy import event, make_url
from tests.faults.moments import once_at
from tests.support.stores import engine_of

from dmcore import DirectMessages, Message, Policy, RateLimit
from dmcore.adapters import sql
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.sql import IsolationLevel, _engine, _transactions
from dmcore.adapters.sql._row_security import Security
from dmcore.errors import LimitReached, RecipientUnavailable, StoreBusy
from dmcore.testing.world import text_of

UNLIMITED = Policy(messages=None, starts=None)
NOON_US = 1_893_499_200_000_000
LEVELS: tuple[IsolationLevel, ...] = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")

Result = TypeVar("Result")


@attrs.frozen(kw_only=True)
class Stage:
    """dmcore, and somebody else on the same database."""

    dm: DirectMessages
    other: psycopg.Connection[Any]
    clock: ManualClock
    url: str
    _threads: ThreadPoolExecutor

    def meanwhile(self, act: Callable[[], Result]) -> "Future[Result]":
        """Begin something in a thread, and wait until it waits for a lock."""
        begun = self._threads.submit(act)
        question = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        with psycopg.connect(self.url, autocommit=True) as watcher:
            while watcher.execute(question).fetchone() == (0,):
                assert not begun.done(), begun.result()
                Event().wait(0.005)
        return begun

    def until_it_waits_for(self, holder: psycopg.Connection[Any]) -> None:
        """Until something waits for what a transaction holds."""
        question = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
        with psycopg.connect(self.url, autocommit=True) as watcher:
            while watcher.execute(question, [holder.info.backend_pid]).fetchone() == (0,):
                Event().wait(0.005)

    def hold(self, user: str) -> None:
        """Somebody else begins a transaction that locks a mailbox."""
        self.other.execute("SELECT 1 FROM dm_mailbox WHERE user_id = %s FOR UPDATE", [user])

    def statements(self) -> list[str]:
        """The statements that dmcore sends from now on."""
        sent: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            sent.append(statement)

        event.listen(engine_of(self.dm), "before_cursor_execute", note)
        return sent


MakeStage = Callable[[IsolationLevel], Stage]


@pytest.fixture
def under_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where row-level security is on: what is read is held from then on."""
    monkeypatch.setattr(Security, "lets_guard", lambda _self, _dialect: False)


@pytest.fixture
def guarded() -> None:
    """As everywhere else (ADR 53)."""


@pytest.fixture
def make_stage(postgres_url: str) -> Iterator[MakeStage]:
    opened: list[Stage] = []

    def make(level: IsolationLevel = "READ COMMITTED") -> Stage:
        sql.initialise(postgres_url)
        clock = ManualClock(NOON_US)
        dm = sql.open_sync(postgres_url, policy=UNLIMITED, clock=clock, isolation_level=level)
        dm.operations("olga").set_mode("on")
        stage = Stage(
            dm=dm,
            # Where the two wait for each other, it is not the other one who gives up.
            other=psycopg.connect(postgres_url, options="-c deadlock_timeout=60s"),
            clock=clock,
            url=postgres_url,
            threads=ThreadPoolExecutor(4),
        )
        opened.append(stage)
        return stage

    yield make
    for stage in opened:
        stage.other.close()
        stage._threads.shutdown()
        stage.dm.close()


@pytest.mark.promise("MSG-4", "PAIR-2")
@pytest.mark.parametrize("level", LEVELS)
def test_a_row_that_came_meanwhile_leads_to_a_fresh_decision(
    make_stage: MakeStage, level: IsolationLevel
) -> None:
    """Bob's first row is written by somebody else; Ann's insert waits for it and conflicts."""
    stage = make_stage(level)
    stage.dm.mailbox("ann").start("cyd", "so that Ann has a row")
    stage.other.execute(
        "INSERT INTO dm_mailbox SELECT (jsonb_populate_record(of_ann,"
        """ '{"user_id": "bob", "position": 0, "unread": 0}')).*"""
        " FROM dm_mailbox AS of_ann WHERE user_id = 'ann'"
    )
    sending = stage.meanwhile(lambda: stage.dm.mailbox("ann").start("bob", "hello"))
    stage.clock.advance(seconds=5)
    stage.other.commit()
    message = sending.result()
    assert message.sent_at_us == NOON_US + 5_000_000
    assert stage.dm.mailbox("bob").unread() == 1
    assert stage.dm.operations("olga").verify() == ()


@pytest.mark.promise("BLOCK-2", "LIMIT-1")
@pytest.mark.parametrize("level", LEVELS)
def test_what_changed_while_waiting_for_the_lock_is_seen(
    make_stage: MakeStage, level: IsolationLevel
) -> None:
    """Bob blocks Ann while she waits: her message is decided on by what holds afterwards."""
    stage = make_stage(level)
    conversation = stage.dm.mailbox("ann").start("bob", "hello").conversation
    stage.hold("bob")
    stage.hold("ann")
    sending = stage.meanwhile(lambda: stage.dm.mailbox("ann").send(conversation, "too late"))
    stage.other.execute(
        "INSERT INTO dm_block (tenant, blocker, blocked, since_us, position)"
        " VALUES ('', 'bob', 'ann', 1, 2)"
    )
    stage.other.execute("UPDATE dm_conversation SET high_blocks = true")
    stage.other.execute("UPDATE dm_mailbox SET position = 2, unread = 0 WHERE user_id = 'bob'")
    stage.other.commit()
    with pytest.raises(RecipientUnavailable):
        sending.result()
    assert len(stage.dm.mailbox("ann").thread(conversation).items) == 1


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("level", LEVELS)
def test_a_deadlock_is_started_over(make_stage: MakeStage, level: IsolationLevel) -> None:
    """Somebody who knows nothing of our order locks the two in the other one."""
    stage = make_stage(level)
    conversation = stage.dm.mailbox("ann").start("bob", "hello").conversation
    statements = stage.statements()
    stage.hold("bob")
    sending = stage.meanwhile(lambda: stage.dm.mailbox("ann").send(conversation, "second"))
    # Before it is told to start over, for it may do so at once.
    stage.clock.advance(seconds=7)
    stage.hold("ann")
    stage.other.commit()
    message = sending.result()
    assert message.sent_at_us == NOON_US + 7_000_000
    assert sum("FOR NO KEY UPDATE" in it for it in statements) > 1
    assert stage.dm.mailbox("bob").unread() == 2
    assert stage.dm.operations("olga").verify() == ()


@pytest.mark.promise("PAIR-2", "MSG-4")
def test_a_mailbox_that_came_while_waiting_is_not_waited_for_out_of_order(
    make_stage: MakeStage,
) -> None:
    """Bob has no mailbox yet when he waits for Cyd's, and has one when he gets that.

    Whoever holds Bob's by then may want Cyd's: waiting for each other, they would be locked out.
    """
    stage = make_stage("READ COMMITTED")
    stage.dm.mailbox("ann").start("cyd", "so that Cyd has a mailbox")
    stage.hold("cyd")
    sending = stage.meanwhile(lambda: stage.dm.mailbox("bob").start("cyd", "hello"))
    stage.dm.mailbox("bob").start("ann", "so that Bob has one, too")
    with psycopg.connect(stage.url) as third:
        third.execute("SELECT 1 FROM dm_mailbox WHERE user_id = 'bob' FOR UPDATE")
        stage.other.execute("UPDATE dm_mailbox SET removals = removals + 1 WHERE user_id = 'cyd'")
        stage.other.commit()
        stage.until_it_waits_for(third)
        is_free = can_be_locked(stage.url, "cyd")
    assert is_free
    assert text_of(sending.result()) == "hello"
    assert stage.dm.operations("olga").verify() == ()


@pytest.mark.usefixtures("under_locks")
@pytest.mark.promise("LIMIT-1", "PAIR-2")
@pytest.mark.parametrize("level", LEVELS)
def test_nobody_changes_a_mailbox_that_they_do_not_hold(
    make_stage: MakeStage, level: IsolationLevel
) -> None:
    """Both mailboxes come into being between the lock, which finds nothing, and the facts.

    A decision on rows that are not held could be out of date before it is stored, and writers that
    hold nothing lock each other out (ADR 13).
    """
    stage = make_stage(level)
    engine = engine_of(stage.dm)
    is_free: list[bool] = []

    def write_first(_cursor: object) -> None:
        with sql.open_sync(stage.url, policy=UNLIMITED) as another:
            another.mailbox("bob").start("ann", "hello")

    met = once_at(engine, "after_cursor_execute", "FOR NO KEY UPDATE", write_first)
    once_at(
        engine,
        "before_cursor_execute",
        "UPDATE dm_mailbox",
        lambda _: is_free.append(can_be_locked(stage.url, "bob")),
    )
    stage.dm.mailbox("ann").start("bob", "hello")
    assert len(met) == 1
    assert is_free == [False]
    assert stage.dm.mailbox("bob").unread() == 1
    assert stage.dm.operations("olga").verify() == ()


def can_be_locked(url: str, user: str) -> bool:
    """Whether a mailbox is there that nobody holds."""
    question = "SELECT 1 FROM dm_mailbox WHERE user_id = %s FOR UPDATE NOWAIT"
    with psycopg.connect(url) as other:
        try:
            return other.execute(question, [user]).fetchone() is not None
        except psycopg.errors.LockNotAvailable:
            return False


@pytest.mark.parametrize("way", ["under_locks", "guarded"])
@pytest.mark.promise("LIMIT-1", "LIMIT-2")
def test_a_refusal_that_corrects_the_windows_undoes_nobody_elses_work(
    make_stage: MakeStage, way: str, request: pytest.FixtureRequest
) -> None:
    """Bob's clock jumped back, so his refusal stores his windows anew; what it knows must be fresh.

    His first message, which is under way at the same time, gave him his row. Before the refusal is
    stored, a process with the right time lets him write once more, which counts.
    """
    request.getfixturevalue(way)
    stage = make_stage("READ COMMITTED")
    strict = Policy(messages=RateLimit(1, timedelta(seconds=60)), starts=None)
    late = ManualClock(NOON_US + 90_000_000)
    with (
        sql.open_sync(stage.url, policy=strict, clock=stage.clock) as dm,
        sql.open_sync(stage.url, policy=strict, clock=late) as another,
    ):
        accepted: list[str] = []

        def write_first(_cursor: object) -> None:
            another.mailbox("bob").start("ann", "first")
            late.advance(seconds=60)

        def try_to_write(other: str) -> None:
            with suppress(LimitReached):
                another.mailbox("bob").start(other, "second")
                accepted.append(other)

        def write_between(_cursor: object) -> None:
            if can_be_locked(stage.url, "bob"):
                try_to_write("cyd")

        engine = engine_of(dm)
        once_at(engine, "after_cursor_execute", "actor_box", write_first)
        once_at(engine, "before_cursor_execute", "UPDATE dm_mailbox", write_between)
        with pytest.raises(LimitReached):
            dm.mailbox("bob").start("ann", "with the clock behind")
        try_to_write("dan")
        try_to_write("eve")
        assert len(accepted) == 1


# Patience ---------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transactions, "_PATIENCE_S", 0.02)


def set_for_everybody(stage: Stage, setting: str) -> DirectMessages:
    """Dmcore opened anew under a setting of the database."""
    with psycopg.connect(stage.url, autocommit=True) as owner:
        name = make_url(stage.url).database
        if setting:
            owner.execute(f'ALTER DATABASE "{name}" SET {setting}'.encode())
    return sql.open_sync(stage.url, policy=UNLIMITED, pool_size=1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("setting", ["", "statement_timeout = 500"], ids=["ours", "the server's"])
def test_a_lock_that_is_never_given_is_busy_in_the_end(
    make_stage: MakeStage, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not setting:
        monkeypatch.setattr(_engine, "_LOCK_TIMEOUT", "5ms")
    stage = make_stage("READ COMMITTED")
    conversation = stage.dm.mailbox("ann").start("bob", "hello").conversation
    stage.hold("ann")
    with set_for_everybody(stage, setting) as hasty:
        with pytest.raises(StoreBusy) as caught:
            hasty.mailbox("ann").send(conversation, "second", key="key")
        assert caught.value.__cause__ is caught.value.__context__ is None
    assert stage.dm.mailbox("bob").unread() == 1
    stage.other.rollback()
    stage.dm.mailbox("ann").send(conversation, "second", key="key")
    assert stage.dm.mailbox("bob").unread() == 2
    assert stage.dm.operations("olga").verify() == ()


def test_a_pool_that_has_nothing_left_is_busy(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = make_stage("READ COMMITTED")
    with sql.open_sync(stage.url, policy=UNLIMITED, pool_size=1) as small:
        engine = engine_of(small)
        monkeypatch.setattr(engine.pool, "_timeout", 0.01)
        with engine.connect(), engine.connect(), pytest.raises(StoreBusy):
            small.mailbox("ann").unread()
        assert small.mailbox("ann").unread() == 0


def test_after_a_look_at_everything_the_same_connection_writes_again(
    make_stage: MakeStage,
) -> None:
    """Recounting reads in a transaction of its own kind; the connection goes back as it was."""
    stage = make_stage("SERIALIZABLE")
    with sql.open_sync(stage.url, policy=UNLIMITED, pool_size=1) as small:
        for number in range(3):
            assert small.operations("olga").verify() == ()
            assert small.mailbox("bob").unread() == number
            message: Message = small.mailbox("ann").start("bob", f"number {number}")
            assert text_of(message) == f"number {number}"
