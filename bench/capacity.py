"""What one PostgreSQL holds and bears: bytes, log, processor time and rates, for a page."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier
from typing import Final
from uuid import UUID

import attrs
import psycopg
from bench.measure import calibrate
from bench.operations import BODY
from bench.population import STEP_US, Population
from bench.report import noise
from bench.scale import Place, Scale
from bench.stores import SteppingClock, Store, postgres_store
from psycopg import sql as psql

from dmcore import DirectMessages, Policy
from dmcore.adapters import sql

CREWS: Final = (1, 2, 4, 8)
_SENDS: Final = 2_000
_WARM_UP: Final = 200
_CALIBRATIONS: Final = 5
_DAY_US: Final = 86_400_000_000
_BETWEEN: Final = {"dm_message": "message", "dm_journal": "message", "dm_receipt": "message"} | {
    "dm_conversation": "conversation",
    "dm_side": "conversation",
    "dm_mailbox": "user",
}
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@attrs.frozen(kw_only=True)
class Table:
    """What a table takes on the disk."""

    name: str
    rows: int
    heap_bytes: int
    index_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.heap_bytes + self.index_bytes


@attrs.frozen(kw_only=True)
class Log:
    """What a send adds to the write-ahead log, in bytes."""

    after_checkpoint: float
    """With whole pages, each of which is logged when it is changed first after a checkpoint."""
    alone: float
    """Without them, which is what is left where checkpoints are far apart."""


@attrs.frozen(kw_only=True)
class Work:
    """What one send takes with nobody beside it, in milliseconds."""

    wall_ms: float
    unflushed_ms: float
    """The same where the commit is not waited for (``synchronous_commit=off``)."""
    client_ms: float
    server_ms: float


@attrs.frozen(kw_only=True)
class Copy:
    """A backup, and its way back."""

    size: int
    made_s: float
    restored_s: float


@attrs.frozen(kw_only=True)
class Capacity:
    """All that was found."""

    scale: Scale
    body_bytes: float
    tables: Sequence[Table]
    log: Log
    work: Work
    rates: dict[int, float]
    one_conversation: float
    in_place: dict[str, float]
    """For each table that is updated, the share of updates that touched no index."""
    copy: Copy
    facts: dict[str, str]

    def bytes_per(self, thing: str) -> float:
        """What the tables that grow with it take for one message, conversation or user."""
        count = {
            "message": self.scale.messages,
            "conversation": self.scale.conversations,
            "user": self.scale.users,
        }[thing]
        grown = [it.total_bytes for it in self.tables if _BETWEEN.get(it.name) == thing]
        return sum(grown) / count


def find_capacity(scale: Scale, folder: Path) -> Capacity:
    """Fill a database and measure. Needs a server of its own, and a machine of its own."""
    population = Population(scale)
    with (
        postgres_store(population, folder) as store,
        psycopg.connect(store.url, autocommit=True) as connection,
    ):
        tables = _tables(connection)
        calibrations = [calibrate(store, store.server, folder) for _ in range(_CALIBRATIONS)]
        # Whatever is measured next adds to the tables, so they come first.
        copy = _copied(connection, store, folder)
        work = _work(store)
        log = _logged(connection, store)
        rates = {crew: _rate(store, crew, day) for day, crew in enumerate(CREWS, start=4)}
        return Capacity(
            scale=scale,
            body_bytes=_one_number(connection, "SELECT avg(octet_length(body)) FROM dm_message"),
            tables=tables,
            copy=copy,
            work=work,
            log=log,
            rates=rates,
            one_conversation=_rate(store, CREWS[-1], 4 + len(CREWS), in_one=True),
            in_place=_in_place(connection),
            facts={**store.facts, "Calibration before the sends": noise(calibrations)},
        )


# What lies there ----------------------------------------------------------------------------------


def _tables(connection: psycopg.Connection) -> list[Table]:
    names = sorted(name for name in sql.metadata.tables)
    return [
        Table(
            name=name,
            rows=round(_one_number(connection, f"SELECT count(*) FROM {name}")),
            heap_bytes=round(_one_number(connection, f"SELECT pg_table_size('{name}')")),
            index_bytes=round(_one_number(connection, f"SELECT pg_indexes_size('{name}')")),
        )
        for name in names
    ]


def _in_place(connection: psycopg.Connection) -> dict[str, float]:
    found = connection.execute(
        "SELECT relname, n_tup_hot_upd::float / n_tup_upd FROM pg_stat_user_tables"
        " WHERE n_tup_upd > 100 ORDER BY relname"
    ).fetchall()
    return dict(found)


def _one_number(connection: psycopg.Connection, question: str) -> float:
    found = connection.execute(question.encode()).fetchone()
    if found is None:
        raise AssertionError(question)
    return float(found[0])


def _copied(connection: psycopg.Connection, store: Store, folder: Path) -> Copy:
    name = "dm_capacity_copy"
    with tempfile.TemporaryDirectory(dir=folder) as place:
        began_s = time.monotonic()
        manifest = sql.back_up(store.url, Path(place) / "copy")
        made_s = time.monotonic() - began_s
        connection.execute(psql.SQL("CREATE DATABASE {}").format(psql.Identifier(name)))
        try:
            there = store.url.rpartition("/")[0] + f"/{name}"
            began_s = time.monotonic()
            restored = sql.restore(there, Path(place) / "copy")
            restored_s = time.monotonic() - began_s
        finally:
            drop = psql.SQL("DROP DATABASE {} WITH (FORCE)").format(psql.Identifier(name))
            connection.execute(drop)
    if restored.findings:
        raise AssertionError(f"the copy is not sound: {restored.findings}")
    return Copy(size=manifest.size, made_s=made_s, restored_s=restored_s)


# What a send takes --------------------------------------------------------------------------------


def _send(dm: DirectMessages, places: Sequence[Place], word: str) -> None:
    """One message in each place, with a key, as every page sends it."""
    for number, place in enumerate(places):
        dm.mailbox(place.user).send(place.conversation, BODY, key=f"{word}-{number}")


def _clock(store: Store, day: int) -> SteppingClock:
    """One that no limit is met by, and that none of the days before comes near to."""
    return SteppingClock(store.population.ended_us + day * _DAY_US, STEP_US)


def _work(store: Store) -> Work:
    places = store.population.active(_WARM_UP + _SENDS, "work")
    with sql.open_sync(store.url, clock=_clock(store, 1)) as dm:
        _send(dm, places[:_WARM_UP], "warm-up")
        store.checkpoint()
        server_s, client_s, wall_s = _server_s(store), time.process_time(), time.monotonic()
        _send(dm, places[_WARM_UP:], "work")
        wall_s, client_s = time.monotonic() - wall_s, time.process_time() - client_s
        server_s = _server_s(store) - server_s
    places = store.population.active(_SENDS, "unflushed")
    hurried = _with_option(store.url, "synchronous_commit=off")
    with sql.open_sync(hurried, clock=_clock(store, 2)) as dm:
        store.checkpoint()
        began_s = time.monotonic()
        _send(dm, places, "unflushed")
        unflushed_s = time.monotonic() - began_s
    each_ms = 1000 / _SENDS
    return Work(
        wall_ms=wall_s * each_ms,
        unflushed_ms=unflushed_s * each_ms,
        client_ms=client_s * each_ms,
        server_ms=server_s * each_ms,
    )


def _server_s(store: Store) -> float:
    """The processor time that all processes of the server have had until now."""
    ticks = 0
    for pid in store.server():
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def _logged(connection: psycopg.Connection, store: Store) -> Log:
    with sql.open_sync(store.url, clock=_clock(store, 3)) as dm:

        def logged(word: str) -> float:
            places = store.population.active(_SENDS, word)
            store.checkpoint()
            began = _one_number(connection, "SELECT pg_current_wal_lsn() - '0/0'")
            _send(dm, places, word)
            ended = _one_number(connection, "SELECT pg_current_wal_lsn() - '0/0'")
            return (ended - began) / _SENDS

        after_checkpoint = logged("after a checkpoint")
        with _without_full_pages(connection):
            return Log(after_checkpoint=after_checkpoint, alone=logged("alone"))


@contextmanager
def _without_full_pages(connection: psycopg.Connection) -> Iterator[None]:
    connection.execute("ALTER SYSTEM SET full_page_writes = off")
    connection.execute("SELECT pg_reload_conf()")
    try:
        while connection.execute("SHOW full_page_writes").fetchone() != ("off",):
            pass
        yield
    finally:
        connection.execute("ALTER SYSTEM RESET full_page_writes")
        connection.execute("SELECT pg_reload_conf()")


# How many a second --------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class _Share:
    """What one process of a crew does."""

    url: str
    places: Sequence[tuple[str, UUID]]
    began_us: int
    word: str
    is_limited: bool

    def do(self, barrier: Barrier) -> None:
        """Open the store, wait for the others, send, wait for the others."""
        policy = Policy() if self.is_limited else Policy(messages=None, starts=None)
        places = [Place(user, conversation) for user, conversation in self.places]
        try:
            clock = SteppingClock(self.began_us, STEP_US)
            with sql.open_sync(self.url, policy=policy, clock=clock) as dm:
                dm.mailbox(places[0].user).unread()
                barrier.wait()
                _send(dm, places, self.word)
                barrier.wait()
        except BaseException:
            barrier.abort()
            raise


def _rate(store: Store, crew: int, day: int, *, in_one: bool = False) -> float:
    """Sends per second of so many processes, each with senders of its own unless all are in one."""
    context = get_context("spawn")
    barrier = context.Barrier(crew + 1)
    drawn = store.population.active(_SENDS * 4, f"rate {crew}")
    shares: list[list[Place]] = [[] for _ in range(crew)]
    for place in drawn:
        shares[sum(place.user.encode()) % crew].append(place)
    if in_one:
        shares = [drawn[:1] * _SENDS for _ in range(crew)]
    count = min(_SENDS // 2, *map(len, shares))
    processes = [
        context.Process(
            target=_Share(
                url=store.url,
                places=[(it.user, it.conversation) for it in share[:count]],
                began_us=store.population.ended_us + day * _DAY_US,
                word=f"{day} {number}",
                is_limited=not in_one,
            ).do,
            args=(barrier,),
        )
        for number, share in enumerate(shares)
    ]
    for process in processes:
        process.start()
    barrier.wait()
    began_s = time.monotonic()
    barrier.wait()
    rate = crew * count / (time.monotonic() - began_s)
    for process in processes:
        process.join()
    return rate


def _with_option(url: str, option: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}options=-c%20{option.replace('=', '%3D')}"
