"""The awaiting runners: on a driver that can await, or on threads of one's own.

Both run the blocking code as it is. What they own is cancelling: a cancelled call is undone before
it is being committed, and when ``CancelledError`` goes on nothing of it is still under way.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar, cast

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.util import await_only

from dmcore.adapters.sql._errors import judge
from dmcore.adapters.sql._row_security import OFF, Security
from dmcore.adapters.sql._transactions import (
    Attempts,
    GivenUp,
    Sealing,
    SqlTransactions,
    perform,
)
from dmcore.errors import AccountErased, InvalidSetting, StoreUnavailable
from dmcore.ports.keyring import Encryption
from dmcore.ports.transactions import AsyncTransactions, Call, Needs

if TYPE_CHECKING:
    # Needs greenlet, which threads do without.
    from sqlalchemy.ext.asyncio import AsyncEngine

Result = TypeVar("Result")

_THREAD_NAME: Final = "dmcore-sql"


def ask_in_thread(question: Callable[[], None]) -> None:
    """Ask the keyring, which blocks, while the event loop goes on with other tasks.

    To be called where SQLAlchemy runs blocking code for somebody who awaits.
    """
    await_only(asyncio.to_thread(question))


class AsyncSqlTransactions:
    """The ``AsyncTransactions`` port over an engine whose driver awaits."""

    def __init__(
        self,
        engine: "AsyncEngine",
        namespace: bytes,
        encryption: Encryption | None = None,
        security: Security = OFF,
    ) -> None:
        self._engine = engine
        self._namespace = namespace
        self._sealing = Sealing(encryption, ask_in_thread)
        self._security = security
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._running = 0
        self._is_idle = asyncio.Event()

    async def run(self, call: Call[Result], /) -> Result:
        if asyncio.get_running_loop() is not self._loop:
            raise InvalidSetting("loop", "must be the one in which the store was opened")
        if self._is_closed:
            raise StoreUnavailable("it was closed")
        self._running += 1
        try:
            return await self._run(call)
        finally:
            self._running -= 1
            if self._running == 0:
                self._is_idle.set()

    async def _run(self, call: Call[Result]) -> Result:
        attempts = Attempts(_cancelling())
        if call.forgotten is not None or self._sealing.wanting(call) is not None:
            await asyncio.to_thread(self._sealing.prepare, call)
        while True:
            try:
                attempts.begin()
                async with self._engine.connect() as connection:
                    return await connection.run_sync(
                        perform,
                        self._namespace,
                        self._sealing,
                        call,
                        attempts,
                        security=self._security,
                    )
            except SQLAlchemyError as error:
                verdict = judge(error)
            except AccountErased:
                await asyncio.to_thread(self._sealing.undo, call)
                raise
            except GivenUp:
                raise asyncio.CancelledError from None
            await asyncio.sleep(attempts.pause_after(verdict))

    async def close(self) -> None:
        """Let the calls that are under way end: a connection of theirs would belong to nobody."""
        self._is_closed = True
        while self._running:
            self._is_idle.clear()
            await self._is_idle.wait()
        await self._engine.dispose()
        await asyncio.to_thread(self._sealing.close)


class Threads:
    """The threads of one store: some for writers, who may have to wait for each other, and others.

    Together as many as the pool lends connections, so that nobody waits for one as well.
    """

    def __init__(self, pool_size: int) -> None:
        self._writers = ThreadPoolExecutor(pool_size, thread_name_prefix=_THREAD_NAME)
        self._others = ThreadPoolExecutor(pool_size, thread_name_prefix=_THREAD_NAME)

    def of(self, needs: Needs) -> Executor:
        """Where a call runs."""
        return self._writers if needs is Needs.WRITE else self._others

    def shutdown(self, *, wait: bool = True) -> None:
        """Take nothing more; return when everything that was taken is done."""
        self._writers.shutdown(wait=wait)
        self._others.shutdown(wait=wait)


class ThreadedSqlTransactions:
    """The ``AsyncTransactions`` port over a blocking runner, in threads that belong to it."""

    def __init__(self, blocking: SqlTransactions, threads: Threads) -> None:
        self._blocking = blocking
        self._threads = threads
        self._is_closed = False

    async def run(self, call: Call[Result], /) -> Result:
        if self._is_closed:
            raise StoreUnavailable("it was closed")
        return await in_thread(
            self._threads.of(call.needs),
            lambda is_given_up: self._blocking.run_in(Attempts(is_given_up), call),
        )

    async def close(self) -> None:
        """Let the calls that are under way end, then release everything."""
        self._is_closed = True
        try:
            await asyncio.to_thread(self._threads.shutdown)
        finally:
            self._blocking.close()


async def open_in_threads(
    open_blocking: Callable[[], SqlTransactions], pool_size: int
) -> ThreadedSqlTransactions:
    """A runner with as many threads as a pool of that size lends connections."""
    threads = Threads(pool_size)
    opened: list[SqlTransactions] = []
    try:
        await in_thread(threads.of(Needs.READ), lambda _: opened.append(open_blocking()))
    except BaseException:
        threads.shutdown(wait=False)
        # Whoever is cancelled after the thread was done has opened it all the same.
        for blocking in opened:
            blocking.close()
        raise
    return ThreadedSqlTransactions(opened[0], threads)


async def in_thread(threads: Executor, work: Callable[[Callable[[], bool]], Result]) -> Result:
    """Await what a thread does. ``work`` is told how to find out that it was given up.

    A cancelled task waits for its thread to end: whatever comes next finds nothing under way.
    """
    is_given_up = False
    submitted = threads.submit(work, lambda: is_given_up)
    done = asyncio.wrap_future(submitted)
    try:
        # Unlike awaiting the future itself, this does not cancel it.
        await asyncio.wait([done])
    except asyncio.CancelledError:
        is_given_up = True
        if not submitted.cancel():
            await _ended(done)
        raise
    try:
        return done.result()
    finally:
        # An error of the thread's would hold what holds it, and with that the text of a call.
        del done, submitted


async def _ended(done: asyncio.Future[Result]) -> None:
    while not done.done():
        # Being cancelled once more changes nothing.
        with suppress(asyncio.CancelledError):
            await asyncio.wait([done])
    # Asked for, or asyncio would complain that nobody did.
    done.exception()


def _cancelling() -> Callable[[], bool]:
    """Whether this task was cancelled since now, even if something on the way swallowed that.

    On Python 3.11 ``asyncio.wait_for``, which the driver uses, prefers a result to a cancellation.
    """
    # A coroutine is always run by a task.
    task = cast("asyncio.Task[object]", asyncio.current_task())
    before = task.cancelling()
    return lambda: task.cancelling() > before


if TYPE_CHECKING:

    def _conforms(engine: "AsyncEngine") -> AsyncTransactions:
        return AsyncSqlTransactions(engine, b"")

    def _conforms_in_threads(blocking: SqlTransactions, threads: Threads) -> AsyncTransactions:
        return ThreadedSqlTransactions(blocking, threads)
