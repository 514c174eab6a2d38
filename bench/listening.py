"""People with an open stream each, and how long after it was written each hears of a message."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import attrs
from bench.driving import Wires, head_of

_AT_ONCE: Final = 20


@attrs.define
class Listeners:
    """Everybody who is connected, and what they heard.

    A delay is measured from the instant that the message bears, which was taken before its commit,
    to the moment in which the client has the event.
    """

    wires: Wires
    path: str
    delays_s: list[float] = attrs.field(factory=list)
    _listening: list[asyncio.Task[None]] = attrs.field(factory=list)

    async def connect(self, cookies: Sequence[str]) -> None:
        """Open a stream for each of these sign-ins, and wait until all of them say hello."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(cookie: str) -> None:
            async with gate:
                reader, writer = await self.wires.connect()
                writer.write(self.wires.request("GET", self.path, cookie))
                status, _ = await head_of(reader)
                if status != 200:
                    raise RuntimeError(f"a stream was answered with {status}")
                while b"event: hello" not in await reader.readline():
                    pass
            self._listening.append(asyncio.create_task(self._listen(reader, writer)))

        await asyncio.gather(*(one(cookie) for cookie in cookies))

    async def close(self) -> None:
        """Leave, all of them."""
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                if line.startswith(b'data: {"items"'):
                    self._heard(json.loads(line.removeprefix(b"data: ")))
        finally:
            with suppress(OSError):
                writer.close()

    def _heard(self, changes: dict[str, list[dict[str, str]]]) -> None:
        now = time.time()
        for fact in changes["items"]:
            if fact["action"] == "message_sent":
                self.delays_s.append(now - datetime.fromisoformat(fact["at"]).timestamp())
