"""A task that is cancelled leaves nothing behind, neither rows nor a connection (EMB-2, MSG-4)."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, cast

import attrs
import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.util import await_only
from tests.contract.conftest import make_sql_harness
from tests.support.stores import SqlHarness

from dmcore import AsyncDirectMessages, Preferences
from dmcore.adapters import memory, sql
from dmcore.adapters.sql._async import (
    AsyncSqlTransactions,
    ThreadedSqlTransactions,
    open_in_threads,
)
from dmcore.adapters.sql._transactions import SqlTransactions
from dmcore.domain.mode import Mode
from dmcore.errors import NotInitialised, StoreUnavailable
from dmcore.ports.transactions import Call, Transaction, reading, writing
from dmcore.testing.world import UNLIMITED, World

pytestmark = pytest.mark.promise("EMB-2", "MSG-4")

PATIENCE_S: Final = 30


@attrs.frozen(kw_only=True)
class Scene:
    """A store looked at in blocking style, while tasks are cancelled on it."""

    world: World
    harness: SqlHarness

    @asynccontextmanager
    async def opened(self, *, pool_size: int = 1) -> AsyncIterator[AsyncDirectMessages]:
        """An awaiting handle that must not leave a connection in use."""
        dm = await sql.open_async(self.harness.url, policy=UNLIMITED, pool_size=pool_size)
        async with dm:
            yield dm
            assert engine_of(dm).pool.checkedout() == 0
        assert self.world.is_sound()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Somebody else writes, and does not come to an end while the block runs."""
        other = create_engine(self.harness.url)
        is_postgres = self.harness.kind == "postgres"
        with other.connect() as connection:
            if is_postgres:
                connection.exec_driver_sql("SELECT 1 FROM dm_mailbox FOR UPDATE")
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield
            connection.rollback()
        other.dispose()

    async def is_waited_for(self) -> None:
        """Return when somebody waits in PostgreSQL for what is held."""
        await asyncio.to_thread(self._watch)

    def _watch(self) -> None:
        patient_until_s = time.monotonic() + PATIENCE_S
        while not self.harness.rows(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            assert time.monotonic() < patient_until_s, "nobody waits"


def engine_of(dm: AsyncDirectMessages) -> Any:
    runner = dm._transactions
    if isinstance(runner, AsyncSqlTransactions):
        return runner._engine.sync_engine
    return cast("ThreadedSqlTransactions", runner)._blocking._engine


def scene_on(name: str, request: pytest.FixtureRequest) -> Iterator[Scene]:
    harness = make_sql_harness(name, request)
    world = World(harness)
    world.ann.start("bob", "before")
    yield Scene(world=world, harness=harness)
    harness.close()


@pytest.fixture(params=["sqlite", "postgres"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    yield from scene_on(request.param, request)


@pytest.fixture
def sqlite_scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Where threads wait."""
    yield from scene_on("sqlite", request)


@pytest.fixture
def postgres_scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Where the driver waits."""
    yield from scene_on("postgres", request)


async def cancelled(task: "asyncio.Task[Any]") -> None:
    """Cancel, and wait until the task has ended of it."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        async with asyncio.timeout(2 * PATIENCE_S):
            await story()

    asyncio.run(told())


def test_a_task_that_waits_in_postgres_is_cancelled_at_once(postgres_scene: Scene) -> None:
    """It does not wait for whoever holds the row, and the one connection can be used again."""
    scene = postgres_scene

    async def story() -> None:
        async with scene.opened() as dm:
            with scene.held():
                task = asyncio.create_task(dm.mailbox("ann").start("bob", "never"))
                await scene.is_waited_for()
                with scene.world.unchanged():
                    await cancelled(task)
                assert await dm.mailbox("bob").unread() == 1
            assert (await dm.mailbox("ann").start("bob", "after")).body is not None
            assert await dm.mailbox("bob").unread() == 2

    run(story)


def test_a_task_that_waits_for_sqlite_ends_with_its_thread(sqlite_scene: Scene) -> None:
    """When the cancellation arrives, nothing is under way any more and nothing is stored."""
    scene = sqlite_scene

    async def story() -> None:
        async with scene.opened() as dm:
            begins = threading.Event()

            def note(*arguments: Any) -> None:
                if arguments[2] == "BEGIN IMMEDIATE":
                    begins.set()

            event.listen(engine_of(dm), "before_cursor_execute", note)
            with scene.held():
                task = asyncio.create_task(dm.mailbox("ann").start("bob", "never"))
                await asyncio.to_thread(begins.wait, PATIENCE_S)
                task.cancel()
                # The loop goes on meanwhile, and so may whoever only reads.
                await asyncio.wait([task], timeout=0)
                assert not task.done()
                task.cancel()
            with scene.world.unchanged(), pytest.raises(asyncio.CancelledError):
                await task
            assert (await dm.mailbox("ann").start("bob", "after")).body is not None
            assert await dm.mailbox("bob").unread() == 2

    run(story)


def test_what_waits_for_a_thread_never_begins(sqlite_scene: Scene) -> None:
    scene = sqlite_scene

    async def story() -> None:
        async with scene.opened() as dm:
            go_on = threading.Event()
            all_begun = threading.Barrier(2)

            def occupy(_tx: Transaction) -> None:
                all_begun.wait(PATIENCE_S)
                go_on.wait(PATIENCE_S)

            begun: list[str] = []
            # With a pool of one there is one thread for those who write, and one for the others.
            occupying = asyncio.create_task(ask(dm, reading(occupy)))
            await asyncio.to_thread(all_begun.wait, PATIENCE_S)
            task = asyncio.create_task(ask(dm, reading(lambda _: begun.append("begun"))))
            await asyncio.sleep(0)
            await cancelled(task)
            go_on.set()
            await occupying
            assert begun == []

    run(story)


def test_writers_that_wait_keep_no_reader_waiting(sqlite_scene: Scene) -> None:
    """However many there are: somebody else holds the one lock that they all need."""
    scene = sqlite_scene

    async def story() -> None:
        async with scene.opened() as dm:
            with scene.held():
                writing_ = [asyncio.create_task(dm.mailbox("ann").block(f"{n}")) for n in range(9)]
                await asyncio.sleep(0)
                assert await dm.mailbox("ann").unread() == 0
                assert not any(task.done() for task in writing_)
            await asyncio.gather(*writing_)

    run(story)


def ask(dm: AsyncDirectMessages, call: Call[Any]) -> Any:
    """Run a call, as the facades do."""
    return dm._transactions.run(call)


def test_a_cancellation_before_commit_undoes_what_was_written(scene: Scene) -> None:
    """Everything has been sent, COMMIT has not: whoever was told nothing finds nothing."""

    async def story() -> None:
        async with scene.opened() as dm:
            loop = asyncio.get_running_loop()
            tasks: list[asyncio.Task[Any]] = []
            written = asyncio.Event()
            is_cancelled = threading.Event()

            def note(*arguments: Any) -> None:
                if str(arguments[2]).startswith(("WITH w0", "INSERT INTO dm_write")):
                    cancel()

            def cancel() -> None:
                if scene.harness.kind == "postgres":
                    # Here the statement ran on the loop itself.
                    tasks[0].cancel()
                else:
                    loop.call_soon_threadsafe(written.set)
                    assert is_cancelled.wait(PATIENCE_S)

            event.listen(engine_of(dm), "after_cursor_execute", note)
            with scene.world.unchanged():
                # A choice is stored under locks: of them PostgreSQL is sent a COMMIT of its own.
                call = dm.mailbox("ann").set_preferences(Preferences(typing=False))
                tasks.append(asyncio.create_task(call))
                if scene.harness.kind == "sqlite":
                    await written.wait()
                    tasks[0].cancel()
                    # Once the task has heard of it, its thread may go on.
                    loop.call_soon(is_cancelled.set)
                with pytest.raises(asyncio.CancelledError):
                    await tasks[0]
            event.remove(engine_of(dm), "after_cursor_execute", note)
            assert (await dm.mailbox("ann").start("bob", "after")).body is not None
            assert await dm.mailbox("bob").unread() == 2

    run(story)


def test_a_swallowed_cancellation_is_found_before_commit(postgres_scene: Scene) -> None:
    """Even where something between the task and the database preferred a result to it."""
    scene = postgres_scene

    async def story() -> None:
        async with scene.opened() as dm:

            async def interrupted() -> None:
                # As ``asyncio.wait_for`` may do on Python 3.11.
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)

            def swallow(tx: Transaction) -> None:
                tx.installation.set_mode(Mode.OFF)
                tasks[0].cancel()
                await_only(interrupted())

            tasks: list[asyncio.Task[Any]] = []
            with scene.world.unchanged():
                tasks.append(asyncio.create_task(ask(dm, writing(swallow))))
                with pytest.raises(asyncio.CancelledError):
                    await tasks[0]
            assert await dm.operations("olga").mode() is Mode.ON

    run(story)


def test_a_connection_cancelled_at_commit_is_not_used_again(postgres_scene: Scene) -> None:
    """Whether it was committed is not known; both are right, half of it is not."""
    scene = postgres_scene

    async def story() -> None:
        async with scene.opened() as dm:
            before = await server_process(dm)
            tasks: list[asyncio.Task[Any]] = []

            def cancel(_connection: object) -> None:
                tasks[0].cancel()

            event.listen(engine_of(dm), "commit", cancel)
            call = dm.mailbox("ann").set_preferences(Preferences(typing=False))
            tasks.append(asyncio.create_task(call))
            with pytest.raises(asyncio.CancelledError):
                await tasks[0]
            event.remove(engine_of(dm), "commit", cancel)
            assert await server_process(dm) != before
            chosen = await dm.mailbox("ann").preferences()
            assert chosen in (Preferences(), Preferences(typing=False))
            assert (await dm.mailbox("ann").start("bob", "after")).body is not None

    run(story)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_send_cancelled_around_what_it_writes_is_whole_or_nothing(
    postgres_scene: Scene, moment: str
) -> None:
    """What it writes is committed as it is written (ADR 53)."""
    scene = postgres_scene

    async def story() -> None:
        async with scene.opened() as dm:
            before = await server_process(dm)
            tasks: list[asyncio.Task[Any]] = []

            def cancel(*arguments: Any) -> None:
                if str(arguments[2]).startswith("WITH g0"):
                    tasks[0].cancel()

            event.listen(engine_of(dm), f"{moment}_cursor_execute", cancel)
            tasks.append(asyncio.create_task(dm.mailbox("ann").start("bob", "perhaps")))
            with pytest.raises(asyncio.CancelledError):
                await tasks[0]
            event.remove(engine_of(dm), f"{moment}_cursor_execute", cancel)
            unread = await dm.mailbox("bob").unread()
            if moment == "before":
                # In the middle of it: the connection is not used again.
                assert await server_process(dm) != before
                assert unread in (1, 2)
            else:
                assert unread == 2
            assert (await dm.mailbox("ann").start("bob", "after")).body is not None
            assert await dm.mailbox("bob").unread() == unread + 1
        assert scene.world.is_sound()

    run(story)


def test_a_send_cancelled_while_it_reads_writes_nothing(postgres_scene: Scene) -> None:
    scene = postgres_scene

    async def story() -> None:
        async with scene.opened() as dm:
            tasks: list[asyncio.Task[Any]] = []

            async def interrupted() -> None:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)

            def swallow(*arguments: Any) -> None:
                if "actor_box" in str(arguments[2]):
                    tasks[0].cancel()
                    await_only(interrupted())

            event.listen(engine_of(dm), "after_cursor_execute", swallow)
            with scene.world.unchanged():
                tasks.append(asyncio.create_task(dm.mailbox("ann").start("bob", "never")))
                with pytest.raises(asyncio.CancelledError):
                    await tasks[0]
            event.remove(engine_of(dm), "after_cursor_execute", swallow)
            assert (await dm.mailbox("ann").start("bob", "after")).body is not None

    run(story)


async def server_process(dm: AsyncDirectMessages) -> int:
    runner = cast("AsyncSqlTransactions", dm._transactions)
    async with runner._engine.connect() as connection:
        return int((await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one())


def test_many_cancelled_tasks_leave_the_pool_as_it_was(scene: Scene) -> None:
    """Each at another step of its way: before it runs, connecting, reading, writing, done."""

    async def story() -> None:
        async with scene.opened() as dm:
            for steps in range(40):
                task = asyncio.create_task(dm.mailbox("ann").start("bob", f"{steps}"))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
            sent = await dm.mailbox("ann").start("bob", "after")
            page = await dm.mailbox("bob").thread(sent.conversation, limit=100)
            assert await dm.mailbox("bob").unread() == len(page.items)

    run(story)


def test_a_timeout_of_the_host_is_a_cancellation(postgres_scene: Scene) -> None:
    scene = postgres_scene

    async def story() -> None:
        async with scene.opened() as dm:
            with scene.held(), scene.world.unchanged(), pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await dm.mailbox("ann").start("bob", "never")
            assert await dm.mailbox("bob").unread() == 1

    run(story)


def test_the_loop_is_free_while_a_thread_waits(sqlite_scene: Scene) -> None:
    """A writer waits for another process, and a reader on the same handle is answered."""
    scene = sqlite_scene

    async def story() -> None:
        async with scene.opened() as dm:
            with scene.held():
                task = asyncio.create_task(dm.mailbox("ann").start("bob", "later"))
                assert await dm.mailbox("bob").unread() == 1
                assert not task.done()
            assert (await task).body is not None

    run(story)


def test_opening_can_be_cancelled(scene: Scene) -> None:
    async def story() -> None:
        for steps in range(30):
            task = asyncio.create_task(sql.open_async(scene.harness.url))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                await (await task).close()

    run(story)


def test_what_was_opened_for_nobody_is_closed(sqlite_scene: Scene) -> None:
    scene = sqlite_scene

    async def story() -> None:
        begun, go_on = threading.Event(), threading.Event()
        opened = SqlTransactions(create_engine(scene.harness.url), b"")

        def open_slowly() -> SqlTransactions:
            begun.set()
            go_on.wait(PATIENCE_S)
            return opened

        task = asyncio.create_task(open_in_threads(open_slowly, 1))
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        task.cancel()
        await asyncio.wait([task], timeout=0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(StoreUnavailable):
            opened.run(reading(lambda tx: tx.namespace))

    run(story)


def test_opening_what_is_not_there_fails_as_the_blocking_colour_does(
    sqlite_url: str, postgres_url: str
) -> None:
    async def story() -> None:
        for url in (sqlite_url, postgres_url):
            with pytest.raises(NotInitialised) as caught:
                await sql.open_async(url)
            assert caught.value.__cause__ is caught.value.__context__ is None

    run(story)


def test_closing_waits_for_what_is_under_way(sqlite_scene: Scene) -> None:
    scene = sqlite_scene

    async def story() -> None:
        dm = await sql.open_async(scene.harness.url, policy=UNLIMITED)
        begun, go_on = threading.Event(), threading.Event()

        def slow(_tx: Transaction) -> str:
            begun.set()
            go_on.wait(PATIENCE_S)
            return "done"

        task = asyncio.create_task(ask(dm, writing(slow)))
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        closing = asyncio.create_task(dm.close())
        await asyncio.wait([closing], timeout=0)
        assert not closing.done()
        with pytest.raises(StoreUnavailable):
            await dm.mailbox("ann").unread()
        go_on.set()
        assert await task == "done"
        await closing

    run(story)


def test_both_colours_share_one_store_in_memory() -> None:
    async def story() -> None:
        store = memory.Store()
        with memory.open_sync(store=store, policy=UNLIMITED) as blocking:
            blocking.operations("olga").set_mode("on")
            async with await memory.open_async(store=store, policy=UNLIMITED) as awaiting:
                sent = await awaiting.mailbox("ann").start("bob", "hello")
                assert blocking.mailbox("bob").thread(sent.conversation).items == (sent,)

    run(story)
