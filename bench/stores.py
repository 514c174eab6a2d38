"""Databases with a population in them: set up by dmcore, filled directly, opened both ways."""

import itertools
import os
import socket
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import attrs
import psycopg
from bench.floors import Floor
from bench.floors_postgres import PostgresFloor
from bench.floors_sqlite import SqliteFloor
from bench.population import NAMESPACE, STEP_US, Population, Row
from bench.scale import UNREAD_WAITING, Waiting
from bench.windows import window_bytes
from psycopg import sql as psql
from sqlalchemy import make_url

from dmcore import DirectMessages
from dmcore.adapters import sql
from dmcore.adapters.ids import SystemEntropy
from dmcore.domain.limits import Window
from dmcore.domain.mode import Mode
from dmcore.ports.clock import Clock
from dmcore.ports.ids import Entropy
from dmcore.testing.postgres import URL_VARIABLE, Durability, PostgresServer

_HOUR_US: Final = 3_600_000_000
# Checkpoints are made between the rounds; in a short run none should come by itself.
_SETTINGS: Final = {
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
}
# A loopback address of its own, for port 5432 of the usual one may be somebody's server.
_ADDRESS: Final = "127.0.0.77"
_PORT: Final = 5432

Execute = Callable[[str, Iterable[Mapping[str, Any]]], object]


class SteppingClock:
    """Each reading is ``step_us`` after the one before, whoever reads: no limit is ever met."""

    def __init__(self, began_us: int, step_us: int) -> None:
        # A count hands out its next number without being interrupted by other threads.
        self._instants = itertools.count(began_us, step_us)

    def now_us(self) -> int:
        return next(self._instants)


@attrs.frozen(kw_only=True)
class Store:
    """One database, opened by dmcore and by its floor on the same clock.

    ``facts`` says in a few words what it is, ``server`` names the processes behind it, if there are
    any here. ``open_both`` opens both once more, on another clock and another entropy.
    """

    name: str
    url: str
    population: Population
    clock: Clock
    dm: DirectMessages
    floor: Floor
    facts: Mapping[str, str]
    checkpoint: Callable[[], None]
    server: Callable[[], list[int]]
    open_both: Callable[[Clock, Entropy], tuple[DirectMessages, Floor]]
    _execute: Execute

    def rewind(self, read: Iterable[Waiting]) -> None:
        """Make what was marked as read unread again; the entries in the journal stay."""
        rows = [attrs.asdict(it) for it in read]
        for statement in _REWIND:
            self._execute(statement, rows)


_REWIND: Final = (
    f"""UPDATE dm_conversation SET low_read = :read, low_told = NULL,
            low_unread = {UNREAD_WAITING}
        WHERE id = :conversation""",
    f"""UPDATE dm_side SET read = :read, unread = {UNREAD_WAITING}
        WHERE tenant = '' AND user_id = :user AND conversation_id = :conversation""",
    f"""UPDATE dm_mailbox SET unread = unread + {UNREAD_WAITING}
        WHERE tenant = '' AND user_id = :user""",
    "DELETE FROM dm_receipt WHERE conversation_id = :conversation AND reader = :user",
)


def _tables(population: Population) -> Iterator[tuple[str, Iterator[Row]]]:
    yield "dm_conversation", population.conversation_rows()
    yield "dm_side", population.side_rows()
    yield "dm_mailbox", population.mailbox_rows()
    yield "dm_block", population.block_rows()
    yield "dm_message", population.message_rows()
    yield "dm_journal", population.journal_rows()


def _packed(value: object) -> object:
    return window_bytes(value) if isinstance(value, Window) else value


@contextmanager
def postgres_store(population: Population, folder: Path) -> Iterator[Store]:
    """A PostgreSQL database whose commits survive a power cut."""
    is_own = URL_VARIABLE not in os.environ
    # Over TCP, as between two machines: a Unix socket would make a round trip look cheap.
    has_tcp = is_own and _can_listen()
    settings = {**_SETTINGS, "listen_addresses": _ADDRESS} if has_tcp else _SETTINGS
    with PostgresServer(durability=Durability.DURABLE, settings=settings, below=folder) as server:
        url = make_url(server.create_database()).set(drivername="postgresql")
        if has_tcp:
            url = url.set(host=_ADDRESS, port=_PORT, query={})
        address = url.render_as_string(hide_password=False)
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                sql.initialise(address)
                _fill_postgres(connection, population)
                yield from _opened(
                    name="PostgreSQL",
                    url=address,
                    population=population,
                    facts=_postgres_facts(connection),
                    checkpoint=lambda: _checkpoint_postgres(connection),
                    server=lambda: _server(connection) if is_own else [],
                    make_floor=PostgresFloor,
                    execute=lambda text, rows: _execute_postgres(connection, text, rows),
                )
        finally:
            server.drop_database(address)


def _can_listen() -> bool:
    """Whether the address exists here and nobody else uses it."""
    with socket.socket() as attempt:
        # Connections of the run before may linger; the server does not mind either.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((_ADDRESS, _PORT))
        except OSError:
            return False
    return True


def _fill_postgres(connection: psycopg.Connection, population: Population) -> None:
    connection.execute("UPDATE dm_installation SET namespace = %s", (NAMESPACE,))
    with connection.transaction(), connection.cursor() as cursor:
        for table, rows in _tables(population):
            target = psql.SQL("COPY {} FROM STDIN").format(psql.Identifier(table))
            with cursor.copy(target) as copy:
                for row in rows:
                    copy.write_row([_packed(value) for value in row])
    connection.execute("VACUUM (ANALYZE)")


def _postgres_facts(connection: psycopg.Connection) -> Mapping[str, str]:
    def show(name: str) -> str:
        found = connection.execute(psql.SQL("SHOW {}").format(psql.Identifier(name))).fetchone()
        return str(found[0]) if found else ""

    version = show("server_version").partition(" ")[0]
    settings = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
    said = ", ".join(f"{name} = {show(name)}" for name in settings)
    way = "a Unix socket" if connection.info.host.startswith("/") else "TCP"
    return {"PostgreSQL": f"{version}, {said}, reached through {way}"}


def _server(connection: psycopg.Connection) -> list[int]:
    return [pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity").fetchall()]


def _checkpoint_postgres(connection: psycopg.Connection) -> None:
    try:
        connection.execute("CHECKPOINT")
    except psycopg.errors.InsufficientPrivilege:
        # A server that was given to us may not let us; its owner's checkpoints are then its own.
        return


def _execute_postgres(
    connection: psycopg.Connection, text: str, rows: Iterable[Mapping[str, Any]]
) -> None:
    names = ("conversation", "read", "user")
    for name in names:
        text = text.replace(f":{name}", f"%({name})s")
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(text.encode(), list(rows))


@contextmanager
def sqlite_store(population: Population, folder: Path) -> Iterator[Store]:
    """A SQLite file with a write-ahead log and ``synchronous=FULL``."""
    with tempfile.TemporaryDirectory(prefix="dmsq-", dir=folder) as place:
        file = Path(place) / "bench.db"
        url = f"sqlite:///{file}"
        sql.initialise(url)
        with closing(
            sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        ) as connection:
            _fill_sqlite(connection, population)
            yield from _opened(
                name="SQLite",
                url=url,
                population=population,
                facts={"SQLite": f"{sqlite3.sqlite_version}, WAL, synchronous = FULL"},
                checkpoint=lambda: _checkpoint_sqlite(connection),
                server=list,
                make_floor=SqliteFloor,
                execute=lambda text, rows: _execute_sqlite(connection, text, rows),
            )


def _fill_sqlite(connection: sqlite3.Connection, population: Population) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -262144")
    connection.execute("BEGIN")
    connection.execute("UPDATE dm_installation SET namespace = ?", (NAMESPACE,))
    for table, rows in _tables(population):
        width = len(connection.execute(f"PRAGMA table_info({table})").fetchall())
        statement = f"INSERT INTO {table} VALUES ({', '.join('?' * width)})"
        connection.executemany(statement, ([_raw(value) for value in row] for row in rows))
    connection.execute("COMMIT")
    _checkpoint_sqlite(connection)


def _raw(value: object) -> object:
    return value.bytes if isinstance(value, UUID) else _packed(value)


def _checkpoint_sqlite(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _execute_sqlite(
    connection: sqlite3.Connection, text: str, rows: Iterable[Mapping[str, Any]]
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        text, [{name: _raw(value) for name, value in row.items()} for row in rows]
    )
    connection.execute("COMMIT")


def _opened(
    *,
    name: str,
    url: str,
    population: Population,
    facts: Mapping[str, str],
    checkpoint: Callable[[], None],
    server: Callable[[], list[int]],
    make_floor: Callable[[str, Clock, Entropy], Floor],
    execute: Execute,
) -> Iterator[Store]:
    def open_both(clock: Clock, entropy: Entropy) -> tuple[DirectMessages, Floor]:
        return sql.open_sync(url, clock=clock, entropy=entropy), make_floor(url, clock, entropy)

    clock = SteppingClock(population.ended_us + _HOUR_US, STEP_US)
    dm, floor = open_both(clock, SystemEntropy())
    dm.operations("operator").set_mode(Mode.ON)
    checkpoint()
    try:
        yield Store(
            name=name,
            url=url,
            population=population,
            clock=clock,
            dm=dm,
            floor=floor,
            facts=facts,
            checkpoint=checkpoint,
            server=server,
            open_both=open_both,
            execute=execute,
        )
    finally:
        floor.close()
        dm.close()
