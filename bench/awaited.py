"""Sends by many tasks of one event loop: through dmcore awaited, and through psycopg awaited."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

import attrs
import psycopg
from bench.floors_postgres import SEND, send_facts
from bench.scale import Place
from bench.stores import Store

from dmcore import AsyncDirectMessages
from dmcore.adapters import sql
from dmcore.adapters.ids import SystemEntropy

TASKS: Final = 32
# As many as dmcore opens by itself.
_CONNECTIONS: Final = 20
_MOST_ATTEMPTS: Final = 50

Send = Callable[[Place], Awaitable[object]]


@attrs.define
class Awaited:
    """Both, opened on a loop of their own when they are asked for first, and left open."""

    store: Store
    body: str
    _runner: asyncio.Runner = attrs.field(factory=asyncio.Runner)
    _dm: AsyncDirectMessages | None = None
    _free: asyncio.Queue[Any] | None = None

    def by_floor(self, places: Sequence[Place]) -> float:
        """Calls per second of the floor, all tasks together."""
        return self._runner.run(self._measured(self._send_by_floor, places))

    def by_dmcore(self, places: Sequence[Place]) -> float:
        """The same of dmcore."""
        return self._runner.run(self._measured(self._send_by_dmcore, places))

    async def _measured(self, send: Send, places: Sequence[Place]) -> float:
        await self._open()
        shares = [places[number::TASKS] for number in range(TASKS)]
        began = time.perf_counter()
        await asyncio.gather(*(self._all(send, share) for share in shares))
        return len(places) / (time.perf_counter() - began)

    async def _all(self, send: Send, places: Sequence[Place]) -> None:
        for place in places:
            await send(place)

    async def _open(self) -> None:
        if self._dm is not None:
            return
        url, clock = self.store.url, self.store.clock
        self._dm = await sql.open_async(url, clock=clock, entropy=SystemEntropy())
        self._free = asyncio.Queue()
        for _ in range(_CONNECTIONS):
            connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
            await connection.execute("SET plan_cache_mode = force_generic_plan")
            self._free.put_nowait(connection.cursor())

    async def _send_by_dmcore(self, place: Place) -> None:
        assert self._dm is not None
        await self._dm.mailbox(place.user).send(place.conversation, self.body)

    async def _send_by_floor(self, place: Place) -> None:
        assert self._free is not None
        cursor = await self._free.get()
        try:
            for _ in range(_MOST_ATTEMPTS):
                facts = send_facts(
                    place.user,
                    place.conversation,
                    self.body,
                    now_us=self.store.clock.now_us(),
                    entropy=SystemEntropy(),
                )
                try:
                    await cursor.execute(SEND, facts, prepare=True)
                    if await cursor.fetchall():
                        return
                except psycopg.errors.DivisionByZero:
                    continue
            raise AssertionError("the floor was refused")
        finally:
            self._free.put_nowait(cursor)


def sends_by_tasks(
    store: Store, body: str
) -> Callable[[int], tuple[list[Callable[[], object]], list[Callable[[], object]]]]:
    """How a round of such sends is prepared: one call for all of them, which says how fast."""
    rounds = itertools.count()
    awaited = Awaited(store, body)

    def pick(count: int) -> tuple[list[Callable[[], object]], list[Callable[[], object]]]:
        places = store.population.active(count, f"send in tasks {next(rounds)}")
        return [partial(awaited.by_floor, places)], [partial(awaited.by_dmcore, places)]

    return pick
