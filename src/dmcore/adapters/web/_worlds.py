"""Where handlers run: on an event loop, or straight through in a thread that blocks.

Every handler is written once, as a coroutine. In the blocking world nothing that it awaits ever
suspends, so it runs to its end when it is started; that is what ``finished`` does. Owns how to
wait, how to wake, and how to ask the host; refuses to know HTTP.
"""

import asyncio
import inspect
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, ParamSpec, Protocol, Self, TypeVar, cast

from dmcore.direct_messages import AsyncDirectMessages, DirectMessages
from dmcore.errors import InvalidSetting

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Bell(Protocol):
    """Wakes whoever waits for it. A ring before the wait counts, and is used up by it."""

    def ring(self) -> None:
        """Wake the one who waits; from any thread."""
        ...

    async def wait(self, seconds: float) -> bool:
        """Whether it rang within so many seconds."""
        ...


class World(Protocol):
    """A kind of place to run handlers in."""

    @property
    def dm(self) -> AsyncDirectMessages:
        """Messaging, for code that awaits."""
        ...

    def bell(self) -> Bell:
        """A new bell for one who waits."""
        ...

    async def ask(
        self,
        function: Callable[Given, Result | Awaitable[Result]],
        /,
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        """The answer of a host's function, blocking or not."""
        ...

    async def block(
        self, function: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        """What a function returns that may block for a while."""
        ...

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this beside everything else, until it ends by itself."""
        ...


class LoopWorld:
    """On the event loop of the host. What can only block runs in threads."""

    def __init__(self, dm: DirectMessages | AsyncDirectMessages) -> None:
        self.dm = dm.awaited(asyncio.to_thread) if isinstance(dm, DirectMessages) else dm
        self._working: set[asyncio.Task[None]] = set()

    def bell(self) -> Bell:
        return _LoopBell(asyncio.get_running_loop())

    async def ask(
        self,
        function: Callable[Given, Result | Awaitable[Result]],
        /,
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        # A plain function of the host may ask its database: not on the loop's own thread.
        if inspect.iscoroutinefunction(function):
            answer: Result | Awaitable[Result] = function(*args, **kwargs)
        else:
            answer = await asyncio.to_thread(function, *args, **kwargs)
        if inspect.isawaitable(answer):
            return cast("Result", await answer)
        return answer

    async def block(
        self, function: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        return await asyncio.to_thread(function, *args, **kwargs)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)


class BlockingWorld:
    """In whichever thread asks. Nothing that is awaited here suspends."""

    def __init__(self, dm: DirectMessages) -> None:
        if not isinstance(dm, DirectMessages):
            raise InvalidSetting("dm", "a blocking framework needs what open_sync returns")
        self.dm = dm.awaited(_at_once)

    def bell(self) -> Bell:
        return _ThreadBell()

    async def ask(
        self,
        function: Callable[Given, Result | Awaitable[Result]],
        /,
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        return cast("Result", function(*args, **kwargs))

    async def block(
        self, function: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        return function(*args, **kwargs)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        threading.Thread(target=finished, args=(work,), name="dmcore", daemon=True).start()


def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine returns that never suspends."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast("Result", end.value)
    work.close()
    raise RuntimeError("a handler tried to suspend where nothing can wait for it")


class Poured:
    """A stream for a framework that iterates in a thread, and closes what it was given.

    It may be closed before it was begun: a generator alone would then never learn of it.
    """

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = cast("AsyncGenerator[bytes, None]", stream)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            return finished(self._stream.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        finished(self._stream.aclose())


async def _at_once(
    function: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs
) -> Result:
    return function(*args, **kwargs)


class _LoopBell:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    def ring(self) -> None:
        # On a loop that was closed there is nobody left who waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class _ThreadBell:
    def __init__(self) -> None:
        self._event = threading.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        has_rung = self._event.wait(seconds)
        self._event.clear()
        return has_rung
