"""The example sites that are loaded: each a process of its own, with people who know each other."""

import asyncio
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar
from urllib.parse import urlsplit

import attrs
from bench.driving import Answer, Wires

from dmcore import DirectMessages
from dmcore.adapters import sql
from dmcore.testing.postgres import Durability, PostgresServer

_ROOT: Final = Path(__file__).resolve().parents[1]
_AT_ONCE: Final = 8
_WORDS: Final = (
    *("soup", "bread", "ladder", "clinic", "bicycle", "lamp", "evening", "corner", "door", "key"),
    *("letter", "garden", "ramp", "wheel", "choir", "table", "rain", "window", "basket", "noon"),
)

Given = TypeVar("Given")
Result = TypeVar("Result")


@attrs.frozen
class Spent:
    """Seconds: of the clock, of a processor, and of waiting for one that others had."""

    clock_s: float
    running_s: float
    waiting_s: float

    def shares_since(self, before: "Spent") -> "Shares":
        """Of the time since then."""
        passed_s = self.clock_s - before.clock_s
        running, waiting = self.running_s - before.running_s, self.waiting_s - before.waiting_s
        return Shares(running / passed_s, waiting / passed_s)


@attrs.frozen
class Shares:
    """How much of the time a process ran, and could have run if others had not."""

    running: float
    waiting: float


@attrs.frozen(kw_only=True)
class Site:
    """A site that runs: where it is, as which process, and with whom.

    The first person knows the second, the third the fourth, and so on: ``threads`` are the paths of
    their conversations. ``beside`` opens its messages in this process; ``log`` is where it writes
    a line for each call.
    """

    name: str
    wires: Wires
    process: subprocess.Popen[str]
    ids: Sequence[str]
    cookies: Sequence[str]
    threads: Sequence[str] = ()
    beside: Callable[[], DirectMessages] | None = None
    log: Path | None = None

    def spent(self) -> Spent:
        """What the process has had of a processor so far, and waited for one."""
        files = Path("/proc", str(self.process.pid), "task").glob("*/schedstat")
        each = [file.read_text(encoding="utf-8").split() for file in files]
        running_s, waiting_s = (sum(int(it[place]) for it in each) / 1e9 for place in (0, 1))
        return Spent(time.perf_counter(), running_s, waiting_s)

    async def send(self, chance: random.Random) -> bool:
        """Somebody writes to whom they know, by the form of the page."""
        person = chance.randrange(len(self.cookies))
        form = {"body": text_of(chance), "key": f"{chance.getrandbits(64)}"}
        path, cookie = self.threads[person // 2], self.cookies[person]
        return (await self.wires.ask("POST", path, cookie=cookie, form=form)).status == 303

    async def read(self, chance: random.Random) -> bool:
        """Somebody opens their inbox or their conversation."""
        person = chance.randrange(len(self.cookies))
        path = self.threads[person // 2] if chance.random() < 0.5 else "/messages/"
        answer = await self.wires.ask("GET", path, cookie=self.cookies[person])
        return answer.status == 200 and b"dm-frame" in answer.body


def text_of(chance: random.Random) -> str:
    """Something that nobody wrote before: the same words again would be screened."""
    return " ".join(chance.choices(_WORDS, k=9))


def sites(users: int, folder: Path) -> Iterator[AbstractAsyncContextManager[Site]]:
    """Those that are there, not started yet."""
    yield _care(users, folder)
    if find_spec("examples.whiteballoon") is not None:
        yield _whiteballoon(users, folder)


@asynccontextmanager
async def _care(users: int, folder: Path) -> AsyncIterator[Site]:
    from examples.care.messaging import POLICY, Places

    with (
        PostgresServer(durability=Durability.DURABLE, below=folder) as server,
        TemporaryDirectory(dir=folder) as kept,
        _started("care", kept, "--url", server.url("bench")) as (process, wires),
    ):

        async def join(number: int) -> tuple[str, str]:
            joined = await wires.ask("POST", "/join", form={"name": f"Person {number}"})
            cookie = _cookie(joined)
            page = (await wires.ask("GET", "/", cookie=cookie)).body.decode()
            own = re.search(r'class="me".*?/people/([\w-]+)"', page, re.DOTALL)
            return (own[1] if own else ""), cookie

        places = Places(
            site_url=server.url("bench"),
            messages_url=server.url("bench_messages"),
            folder=Path(kept),
        )

        def beside() -> DirectMessages:
            encryption = places.encryption()
            return sql.open_sync(places.messages_url, policy=POLICY, encryption=encryption)

        joined = await _each(join, range(users))
        site = Site(
            name="Care Collective: Litestar, PostgreSQL, encrypted and screened",
            wires=wires,
            process=process,
            ids=[member for member, _ in joined],
            cookies=[cookie for _, cookie in joined],
            beside=beside,
            log=Path(kept) / "care.log",
        )
        yield attrs.evolve(site, threads=await _befriended(site))


@asynccontextmanager
async def _whiteballoon(users: int, folder: Path) -> AsyncIterator[Site]:
    people = import_module("examples.whiteballoon.people")
    ids = [f"person-{number}" for number in range(users)]
    with TemporaryDirectory(dir=folder) as kept:
        people.People(Path(kept) / "host.db")
        with closing(sqlite3.connect(Path(kept) / "host.db")) as database, database:
            rows = [(person, person.title(), "", False) for person in ids]
            database.executemany("INSERT INTO person VALUES (?, ?, ?, ?)", rows)
        with _started("whiteballoon", kept) as (process, wires):

            async def enter(person: str) -> str:
                return _cookie(await wires.ask("POST", "/sign-in", form={"person": person}))

            switched = {"messaging": "on"}
            await wires.ask("POST", "/admin/messaging", cookie=await enter("rosa"), form=switched)
            site = Site(
                name="WhiteBalloon: Starlette, SQLite",
                wires=wires,
                process=process,
                ids=ids,
                cookies=await _each(enter, ids),
            )
            yield attrs.evolve(site, threads=await _befriended(site))


@contextmanager
def _started(
    name: str, folder: str, *options: str
) -> Iterator[tuple[subprocess.Popen[str], Wires]]:
    """The site as its own command starts it, until the block ends."""
    command = [sys.executable, "-m", f"examples.{name}", "--port", "0", "--folder", folder]
    with subprocess.Popen(
        [*command, *options], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            said = re.search(r"http://\S+", process.stdout.readline())
            if said is None:
                raise RuntimeError(f"{name} did not start")
            address = urlsplit(said[0])
            wires = Wires(str(address.hostname), address.port or 80)
            try:
                yield process, wires
            finally:
                wires.close()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


async def _befriended(site: Site) -> list[str]:
    async def pair(number: int) -> str:
        one, other = site.cookies[2 * number], site.cookies[2 * number + 1]
        text = text_of(random.Random(number))
        form = {"user": site.ids[2 * number + 1], "body": text, "key": "first"}
        begun = await site.wires.ask("POST", "/messages/start", cookie=one, form=form)
        if begun.status != 303:
            raise RuntimeError(f"a first message was answered with {begun.status}: {begun.body!r}")
        place = urlsplit(begun.headers["location"]).path
        # Where nobody has to be asked there is no request, and nothing is changed by this.
        await site.wires.ask("POST", f"{place}/accept", cookie=other)
        return place

    return await _each(pair, range(len(site.ids) // 2))


async def _each(act: Callable[[Given], Awaitable[Result]], given: Iterable[Given]) -> list[Result]:
    """What comes of doing it with each, a few at a time, in their order."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def gated(it: Given) -> Result:
        async with gate:
            return await act(it)

    return await asyncio.gather(*map(gated, given))


def _cookie(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]
