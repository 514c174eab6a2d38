"""Example sites under load: how long sends and reads take, how late one hears, what that costs."""

import asyncio
import json
import random
import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs
from bench.driving import Act, Timed, at_rate, at_share
from bench.listening import Listeners
from bench.sites import Shares, Site, sites, text_of

FEW: Final = 50
SLOWEST_S: Final = 0.5
"""The target for the 95th of a hundred sends and reads (WhiteBalloon)."""

LATEST_S: Final = 1.0
"""The target for the 95th of a hundred events, from the commit to the client."""

_WARM_S: Final = 3.0
_IDLE_S: Final = 6.0
_LAST_EVENTS_S: Final = 2.0


@attrs.frozen(kw_only=True)
class Load:
    """How many people do how much, for how long."""

    users: int = 500
    sends: float = 10.0
    reads: float = 40.0
    seconds: float = 20.0


@attrs.frozen(kw_only=True)
class Watching:
    """What so many open streams cost while nobody writes."""

    streams: int
    looks: float
    look_s: float
    shares: Shares


@attrs.frozen(kw_only=True)
class Heard:
    """How late everybody heard of what was written, and by whom it was."""

    written: str
    delays_s: tuple[float, ...]

    def at(self, share: float) -> float:
        """The delay, in seconds, that this share of the events had at most."""
        return at_share(self.delays_s, share)


@attrs.frozen(kw_only=True)
class Found:
    """What was measured of one site."""

    site: str
    timed: tuple[Timed, ...]
    shares: Shares
    watching: tuple[Watching, ...] = ()
    heard: tuple[Heard, ...] = ()


def measure_hosts(load: Load, folder: Path, tell: Callable[[str], None]) -> list[Found]:
    """Everything, one site after the other."""
    return asyncio.run(_measured(load, folder, tell))


async def _measured(load: Load, folder: Path, tell: Callable[[str], None]) -> list[Found]:
    found = []
    for opened in sites(load.users, folder):
        tell("starting a site, and people join")
        async with opened as site:
            tell(f"{site.name}: {load.sends:g} sends and {load.reads:g} reads a second")
            each = await _loaded(site, load)
            found.append(each if site.log is None else await _live(site, each, load, tell))
    return found


async def _loaded(site: Site, load: Load) -> Found:
    """Sends and reads side by side, each at its rate."""
    before = site.spent()
    timed = await asyncio.gather(
        at_rate("send", load.sends, load.seconds, site.send, warm_s=_WARM_S),
        at_rate("read", load.reads, load.seconds, site.read, warm_s=_WARM_S),
    )
    shares = site.spent().shares_since(before)
    return Found(site=site.name, timed=tuple(timed), shares=shares)


# Listening ----------------------------------------------------------------------------------------


async def _live(site: Site, found: Found, load: Load, tell: Callable[[str], None]) -> Found:
    tell(f"{site.name}: {FEW} and {load.users} listen")
    async with _listening(site, FEW):
        few = await _idle(site, FEW)
    async with _listening(site, load.users) as listeners:
        many = await _idle(site, load.users)
        tell(f"{site.name}: {load.users} hear what is written")
        heard = (
            await _heard(load, listeners, "by the site itself", site.send),
            await _heard_from_beside(site, load, listeners),
        )
    return attrs.evolve(found, watching=(few, many), heard=heard)


@asynccontextmanager
async def _listening(site: Site, streams: int) -> AsyncIterator[Listeners]:
    listeners = Listeners(site.wires, "/messages/api/stream")
    try:
        await listeners.connect(site.cookies[:streams])
        yield listeners
    finally:
        await listeners.close()


async def _idle(site: Site, streams: int) -> Watching:
    assert site.log is not None
    size, before = site.log.stat().st_size, site.spent()
    await asyncio.sleep(_IDLE_S)
    shares = site.spent().shares_since(before)
    with site.log.open("rb") as log:
        log.seek(size)
        records = [json.loads(line) for line in log.read().splitlines()]
    looks = [it["dmcore_duration_s"] for it in records if it.get("dmcore_call") == "heads"]
    return Watching(
        streams=streams,
        looks=len(looks) / _IDLE_S,
        look_s=statistics.median(looks),
        shares=shares,
    )


async def _heard(load: Load, listeners: Listeners, written: str, send: Act) -> Heard:
    listeners.delays_s.clear()
    await at_rate(written, load.sends, load.seconds / 2, send, warm_s=0.0)
    await asyncio.sleep(_LAST_EVENTS_S)
    return Heard(written=written, delays_s=tuple(sorted(listeners.delays_s)))


async def _heard_from_beside(site: Site, load: Load, listeners: Listeners) -> Heard:
    """The same of what another process writes, of which the site learns by looking."""
    assert site.beside is not None
    with site.beside() as dm:

        def sent(chance: random.Random) -> bool:
            person = chance.randrange(len(site.ids))
            conversation = site.threads[person // 2].rpartition("/")[2]
            dm.mailbox(site.ids[person]).send(conversation, text_of(chance))
            return True

        async def send(chance: random.Random) -> bool:
            return await asyncio.to_thread(sent, chance)

        return await _heard(load, listeners, "by another process", send)
