"""Live updates driven directly, in each world: who is connected, what they get, when it ends.

Owns the threads and the loop that a host would have. Knows no framework and no HTTP.
"""

import asyncio
import json
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar, cast

import attrs

from dmcore.adapters import memory
from dmcore.adapters.web import Site, Viewer
from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Request, Response
from dmcore.adapters.web._worlds import BlockingWorld, LoopWorld, Poured, World, finished
from dmcore.adapters.web.live import Live, Rhythm
from dmcore.direct_messages import DirectMessages
from dmcore.domain.policy import Policy
from dmcore.testing.blocking import LoopThread

PATIENCE_S: Final = 30
KINDS: Final = ("threads", "loop", "loop over threads")
UNLIMITED: Final = Policy(messages=None, starts=None)
QUICK: Final = Site(
    look_every=timedelta(milliseconds=20),
    check_every=timedelta(milliseconds=20),
    most_streams=2,
)

Result = TypeVar("Result")


def comes_true(condition: Callable[[], object]) -> bool:
    """Whether something holds before patience ends."""
    until = time.monotonic() + PATIENCE_S
    turn = threading.Event()
    while time.monotonic() < until:
        if condition():
            return True
        turn.wait(0.005)
    return False


@attrs.frozen
class Event:
    """One event of a stream as a browser reads it; a heart-beat has no name."""

    name: str
    content: Any = None
    id: str | None = None


def parsed(chunk: bytes) -> Event:
    """The one event of a chunk."""
    assert chunk.endswith(b"\n\n")
    assert b"\n\n" not in chunk[:-2], "one event at a time"
    fields = dict(line.split(": ", 1) for line in chunk.decode().split("\n") if ": " in line)
    if "retry" in fields:
        return Event("retry", fields["retry"])
    if not fields:
        return Event("")
    return Event(fields["event"], json.loads(fields["data"]), fields.get("id"))


class Client:
    """Reads one stream until it ends or is closed, as a host would for somebody far away."""

    def __init__(self) -> None:
        self.raw = b""
        self.is_over = threading.Event()
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def take(self, chunk: bytes) -> None:
        self.raw += chunk
        self._chunks.put(chunk)

    def next(self, *names: str) -> Event:
        """The next event with one of these names; heart-beats and others are passed over."""
        until = time.monotonic() + PATIENCE_S
        while True:
            event = parsed(self._chunks.get(timeout=max(0.0, until - time.monotonic())))
            if event.name in names:
                return event

    def facts(self, count: int) -> tuple[list[dict[str, Any]], str]:
        """The next facts, at least so many, and the id of the event that held the last."""
        found: list[dict[str, Any]] = []
        event = Event("")
        while len(found) < count:
            event = self.next("changes")
            assert event.content["next"] == event.id
            found += event.content["items"]
        assert event.id is not None
        return found, event.id

    def rest(self) -> list[Event]:
        """What is left of a stream that is over."""
        assert self.is_over.wait(PATIENCE_S)
        events = []
        while not self._chunks.empty():
            events.append(parsed(self._chunks.get()))
        return events


class Stage:
    """One mount in one world."""

    def __init__(
        self,
        kind: str,
        dm: DirectMessages,
        *,
        store: memory.Store | None = None,
        rhythm: Rhythm | None = None,
        site: Site,
    ) -> None:
        self.kind = kind
        self._loop = None if kind == "threads" else LoopThread()
        self.world = self._world_of(kind, dm, store)
        self.site = site
        self.live = Live(self.world, site, rhythm=rhythm)
        self._threads: list[threading.Thread] = []

    def _world_of(self, kind: str, dm: DirectMessages, store: memory.Store | None) -> World:
        if self._loop is None:
            return BlockingWorld(dm)
        if kind == "loop over threads" or store is None:
            return LoopWorld(dm)
        return LoopWorld(self._loop.run(memory.open_async(store=store, policy=dm.policy)))

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What a handler comes to."""
        return finished(work) if self._loop is None else self._loop.run(work)

    def visit(self, user: str, *, tenant: str = "", session: str = "") -> Visit:
        return Visit(
            site=self.site,
            world=self.world,
            live=self.live,
            request=Request(method="GET", root="/dm", path="/stream"),
            viewer=Viewer(user=user, tenant=tenant, session=session),
            mailbox=self.world.dm.mailbox(user, tenant=tenant),
        )

    def opened(
        self,
        user: str,
        after: str | None = None,
        *,
        last_event: str | None = None,
        **viewer: str,
    ) -> Response:
        """A stream that nobody reads yet."""
        visit = self.visit(user, **viewer)
        return self.run(self.live.stream(visit, after, last_event=last_event))

    def closed(self, response: Response) -> None:
        """What a host does when the client is gone."""
        assert response.stream is not None
        self.run(cast("Any", response.stream).aclose())

    def connected(self, user: str, after: str | None = None, **viewer: str) -> Client:
        """A client whose stream is open, and that knows where it begins."""
        response = self.opened(user, after, **viewer)
        return self.read(response)

    def read(self, response: Response) -> Client:
        """Somebody who reads a stream from now on."""
        assert response.stream is not None
        client = Client()
        if self._loop is None:
            work: Callable[[], None] = lambda: _read_in_thread(client, response.stream)  # noqa: E731
        else:
            loop, stream = self._loop, response.stream
            work = lambda: loop.run(_read_on_loop(client, stream))  # noqa: E731
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)
        return client

    def is_watching(self) -> bool:
        """Whether anything runs besides what the clients do."""
        if isinstance(self.world, LoopWorld):
            return bool(self.world._working)
        return any(thread.name == "dmcore" for thread in threading.enumerate())

    def cancel_watcher(self) -> None:
        """What a loop does to whatever still runs when it ends."""
        assert isinstance(self.world, LoopWorld)
        assert self._loop is not None
        self._loop.run(_cancel(list(self.world._working)))

    def is_free(self, user: str) -> bool:
        """Whether nobody of this name is connected any more."""
        return not self.live._room.of(self.visit(user).mailbox.user)

    def end(self) -> None:
        """Close everything, and see that nothing is left."""
        self.live.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        assert comes_true(lambda: not self.is_watching())
        if self._loop is not None:
            self._loop.close()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _read_in_thread(client: Client, stream: AsyncIterator[bytes] | None) -> None:
    assert stream is not None
    for chunk in Poured(stream):
        client.take(chunk)
    client.is_over.set()


async def _read_on_loop(client: Client, stream: AsyncIterator[bytes]) -> None:
    # Longer than any test: LoopThread waits no longer than a minute.
    async with asyncio.timeout(2 * PATIENCE_S):
        async for chunk in stream:
            client.take(chunk)
    client.is_over.set()


def facts_shown(facts: Sequence[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    """What tells facts apart, in short."""
    return [(fact["action"], fact["actor"], fact["message"]) for fact in facts]
