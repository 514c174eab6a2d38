"""An awaiting handle asked in blocking style, so that one suite holds for both colours.

Owns an event loop in a thread of its own for each handle. Knows no method by name: what can be
awaited is awaited there, what is handed out is wrapped likewise, everything else comes as it is.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from dmcore.direct_messages import AsyncDirectMessages, DirectMessages
from dmcore.domain.gates import Introduction
from dmcore.domain.ids import User
from dmcore.mailbox import AsyncDeviceList, AsyncMailbox
from dmcore.moderation import AsyncModerationDesk
from dmcore.operations import AsyncOperations, AsyncRelaying
from dmcore.ports.directory import AsyncDirectory, Directory
from dmcore.ports.transactions import Transactions

Result = TypeVar("Result")

_PATIENCE_S: Final = 60
_FACADES: Final = (
    *(AsyncDirectMessages, AsyncMailbox, AsyncModerationDesk, AsyncOperations),
    *(AsyncDeviceList, AsyncRelaying),
)


class LoopThread:
    """An event loop that runs in the background until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What ``work`` comes to. Nobody may ask from the loop itself: it could not answer."""
        assert threading.current_thread() is not self._thread, "the loop would wait for itself"
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    def close(self) -> None:
        """Let the loop's threads end, then the loop."""
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Blocking:
    """Looks like the blocking twin of what it wraps."""

    def __init__(self, awaiting: object, loop: LoopThread) -> None:
        self._awaiting = awaiting
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._awaiting, name)
        if inspect.iscoroutinefunction(found):
            return self._awaited(found)
        if inspect.ismethod(found):
            return self._wrapped(found)
        return self._seen(found)

    def __enter__(self) -> "Blocking":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _awaited(self, method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        def call(*args: object, **kwargs: object) -> Any:
            return self._loop.run(method(*args, **kwargs))

        return call

    def _wrapped(self, method: Callable[..., object]) -> Callable[..., Any]:
        def call(*args: object, **kwargs: object) -> Any:
            return self._seen(method(*args, **kwargs))

        return call

    def _seen(self, made: object) -> Any:
        return Blocking(made, self._loop) if isinstance(made, _FACADES) else made


class Loops:
    """The event loops of what one harness opened, one for each handle as each belongs to one."""

    def __init__(self) -> None:
        self._loops: list[LoopThread] = []

    def blocking(self, opening: Coroutine[Any, Any, AsyncDirectMessages]) -> DirectMessages:
        """What ``opening`` comes to, on a loop of its own, as if it were the blocking type."""
        loop = LoopThread()
        self._loops.append(loop)
        return cast("DirectMessages", Blocking(loop.run(opening), loop))

    def close(self) -> None:
        """End the loops; nothing that was opened can be asked any more."""
        for loop in self._loops:
            loop.close()
        self._loops.clear()


class AwaitedDirectory:
    """A blocking directory for handles that await: each question is asked on a thread."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def introduce(self, sender: User, recipient: User) -> Introduction:
        """As the port has it; the loop goes on meanwhile."""
        return await asyncio.to_thread(self._directory.introduce, sender, recipient)


def runner_of(dm: DirectMessages) -> Transactions:
    """The runner behind a handle of either colour, in blocking style: the door to the ports."""
    if isinstance(dm, Blocking):
        return cast("Transactions", Blocking(dm._transactions, dm._loop))
    return dm._transactions


if TYPE_CHECKING:

    def _conforms(directory: Directory) -> AsyncDirectory:
        return AwaitedDirectory(directory)
