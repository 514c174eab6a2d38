"""Asking a site over HTTP at a stated rate, as browsers do that do not wait for each other.

A small client of its own: a large one would take as much of the machine as the site does.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlencode

import attrs

_PATIENCE_S: Final = 30.0


@attrs.frozen
class Answer:
    """What came back; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@attrs.define
class Wires:
    """Connections to one site, each used by one request at a time and then by the next."""

    host: str
    port: int
    _free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = attrs.field(factory=list)

    async def ask(
        self, method: str, path: str, *, cookie: str = "", form: Mapping[str, str] | None = None
    ) -> Answer:
        """One request. A connection that fails, or that the site has closed, is not used again."""
        body = urlencode(form or {}).encode()
        while self._free and self._free[-1][0].at_eof():
            self._free.pop()[1].close()
        wire = self._free.pop() if self._free else await self.connect()
        reader, writer = wire
        async with asyncio.timeout(_PATIENCE_S):
            writer.write(self.request(method, path, cookie, body))
            answer = await _answer_from(reader)
        self._free.append(wire)
        return answer

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new connection."""
        return await asyncio.open_connection(self.host, self.port)

    def request(self, method: str, path: str, cookie: str, body: bytes = b"") -> bytes:
        """The bytes of a request, as a page of the site sends it."""
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            f"Cookie: {cookie}",
            "Sec-Fetch-Site: same-origin",
        ]
        if method == "POST":
            lines += ["Content-Type: application/x-www-form-urlencoded"]
            lines += [f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def close(self) -> None:
        """Give all of them up."""
        for _, writer in self._free:
            writer.close()


async def head_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """The status and the headers of an answer."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def _answer_from(reader: asyncio.StreamReader) -> Answer:
    status, headers = await head_of(reader)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(status, headers, body)


@attrs.define
class Timed:
    """How long each of many acts took, from when it was due, and how many failed."""

    name: str
    rate: float
    took_s: list[float] = attrs.field(factory=list)
    failed: int = 0

    def at(self, share: float) -> float:
        """The time, in seconds, that this share of them took at most."""
        return at_share(self.took_s, share)


def at_share(values: Sequence[float], share: float) -> float:
    """The value that this share of them is below; without any of them no value is."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else math.inf


Act = Callable[[random.Random], Awaitable[bool]]


async def at_rate(name: str, rate: float, seconds: float, act: Act, *, warm_s: float) -> Timed:
    """Do it so often a second, at moments drawn by lot, whether or not earlier ones are done.

    Each is timed from the moment it was due: where a site falls behind, that counts. What was due
    in the first ``warm_s`` seconds does not count.
    """
    chance = random.Random(name)
    timed = Timed(name, rate)
    began = time.perf_counter()
    due = began
    acts = []

    async def timed_act(due: float) -> None:
        is_done = False
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            is_done = await act(chance)
        if due < began + warm_s:
            return
        if is_done:
            timed.took_s.append(time.perf_counter() - due)
        else:
            timed.failed += 1

    while (due := due + chance.expovariate(rate)) < began + warm_s + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        acts.append(asyncio.create_task(timed_act(due)))
    await asyncio.gather(*acts)
    return timed
