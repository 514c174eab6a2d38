"""The stores that the contract runs on: each is opened any number of times and looked into.

Owns what differs between stores for a test: where one lives, what lies in it, what it was asked.
Refuses to know any rule of the product.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any, ClassVar, Final

from sqlalchemy import Engine, create_engine, event, select, text

from dmcore import DirectMessages, Policy
from dmcore.adapters import memory, sql
from dmcore.adapters.memory import Store
from dmcore.adapters.sql import IsolationLevel, metadata
from dmcore.adapters.sql._async import AsyncSqlTransactions, ThreadedSqlTransactions
from dmcore.ports.clock import Clock
from dmcore.ports.directory import Directory
from dmcore.ports.ids import Entropy
from dmcore.ports.keyring import Encryption
from dmcore.ports.screening import Screener, WhenBroken
from dmcore.testing.blocking import AwaitedDirectory, Blocking, Loops, runner_of
from dmcore.testing.harness import Contents
from dmcore.testing.harness import Harness as ContractHarness
from dmcore.testing.world import World


class Colour(Enum):
    """How a handle is asked: directly, or awaited on an event loop of its own."""

    SYNC = auto()
    ASYNC = auto()


class Harness(ContractHarness):
    """One store of one test, opened in one colour."""

    kind: ClassVar[str]

    def __init__(self, colour: Colour = Colour.SYNC) -> None:
        self.colour = colour
        self._loops = Loops()

    @property
    def name(self) -> str:
        """As a test names it."""
        return self.kind if self.colour is Colour.SYNC else f"{self.kind}-async"


def _awaited(directory: Directory | None) -> AwaitedDirectory | None:
    return None if directory is None else AwaitedDirectory(directory)


class MemoryHarness(Harness):
    """The store in memory."""

    kind = "memory"

    def __init__(self, colour: Colour = Colour.SYNC) -> None:
        super().__init__(colour)
        self.store = Store()

    def open(
        self,
        *,
        policy: Policy,
        clock: Clock,
        entropy: Entropy,
        directory: Directory | None = None,
        screeners: Sequence[Screener] = (),
        when_screener_breaks: WhenBroken = "refuse",
    ) -> DirectMessages:
        rules: dict[str, Any] = {
            "policy": policy,
            "clock": clock,
            "entropy": entropy,
            "screeners": screeners,
            "when_screener_breaks": when_screener_breaks,
        }
        if self.colour is Colour.ASYNC:
            opening = memory.open_async(directory=_awaited(directory), store=self.store, **rules)
            return self._loops.blocking(opening)
        return memory.open_sync(directory=directory, store=self.store, **rules)

    def contents(self) -> Contents:
        store = self.store
        return {
            "mode": store.mode,
            "accounts": dict(store.accounts),
            "conversations": dict(store.conversations),
            "keys": dict(store.keys),
            "postings": {key: tuple(rows) for key, rows in store.postings.items()},
            # An empty list and no list are the same to every reader.
            "listed": {key: tuple(places) for key, places in store.listed.items() if places},
            "receipts": {key: tuple(rows) for key, rows in store.receipts.items() if rows},
            "blocks": {user: dict(lines) for user, lines in store.blocks.items() if lines},
            "journal": {user: tuple(rows) for user, rows in store.journal.items() if rows},
            "reports": dict(store.reports),
            "chosen": dict(store.chosen),
            "evidence": dict(store.evidence),
            "moves": {key: tuple(rows) for key, rows in store.moves.items() if rows},
            "restrictions": {
                user: tuple(rows) for user, rows in store.restrictions.items() if rows
            },
            "erasures": dict(store.erasures),
            "leases": dict(store.leases),
            "marks": dict(store.marks),
            "aside": dict(store.aside),
            "devices": {user: dict(lines) for user, lines in store.devices.items() if lines},
            "one_time_keys": dict(store.one_time_keys),
        }

    def clear(self) -> None:
        namespace = self.store.namespace
        self.store = Store()
        self.store.namespace = namespace

    def close(self) -> None:
        self._loops.close()
        assert self.store.lock.acquire(blocking=False), "a transaction is still open"


class SqlHarness(Harness):
    """A database that ``initialise`` has set up."""

    encryption: Encryption | None = None

    def __init__(self, url: str, colour: Colour = Colour.SYNC) -> None:
        super().__init__(colour)
        self.url = url
        self._raw = create_engine(url)
        self._opened: list[DirectMessages] = []

    def open(
        self,
        *,
        policy: Policy,
        clock: Clock,
        entropy: Entropy,
        directory: Directory | None = None,
        screeners: Sequence[Screener] = (),
        when_screener_breaks: WhenBroken = "refuse",
        isolation_level: IsolationLevel | None = None,
    ) -> DirectMessages:
        settings: dict[str, Any] = {
            "policy": policy,
            "clock": clock,
            "entropy": entropy,
            "screeners": screeners,
            "when_screener_breaks": when_screener_breaks,
            "isolation_level": isolation_level,
            "synchronous": "NORMAL",
            "encryption": self.encryption,
        }
        if self.colour is Colour.ASYNC:
            opening = sql.open_async(self.url, directory=_awaited(directory), **settings)
            dm = self._loops.blocking(opening)
        else:
            dm = sql.open_sync(self.url, directory=directory, **settings)
        self._opened.append(dm)
        return dm

    def contents(self) -> Contents:
        with self._raw.connect() as connection:
            return {
                table.name: [
                    tuple(row)
                    for row in connection.execute(select(table).order_by(*table.primary_key))
                ]
                for table in metadata.sorted_tables
            }

    def execute(self, statement: str, **values: object) -> int:
        """Change rows behind the back of dmcore; returns how many were changed."""
        with self._raw.begin() as connection:
            return connection.execute(text(statement), values).rowcount

    def rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        with self._raw.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def close(self) -> None:
        pools: list[Any] = [engine_of(dm).pool for dm in self._opened]
        in_use = sum(pool.checkedout() for pool in pools)
        for dm in self._opened:
            dm.close()
        self._opened.clear()
        self._loops.close()
        if in_use:
            self._expel()
        self._raw.dispose()
        assert in_use == 0, "a connection was not given back"

    def _expel(self) -> None:
        """End what a connection that was not given back may still hold."""


class SqliteHarness(SqlHarness):
    """A SQLite file."""

    kind = "sqlite"

    def clear(self) -> None:
        with self._raw.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name != "dm_installation":
                    connection.execute(table.delete())
            connection.exec_driver_sql("UPDATE dm_installation SET mode = 'off'")


class PostgresHarness(SqlHarness):
    """A PostgreSQL database."""

    kind = "postgres"

    def _expel(self) -> None:
        self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def clear(self) -> None:
        # In one go, and row by row: to truncate makes the files of every table and index anew.
        names = [it.name for it in reversed(metadata.sorted_tables) if it.name != "dm_installation"]
        deletes = (f"DELETE FROM {name}" for name in names)
        with self._raw.begin() as connection:
            connection.exec_driver_sql(
                "; ".join([*deletes, "UPDATE dm_installation SET mode = 'off'"])
            )


def engine_of(dm: DirectMessages) -> Engine:
    """The engine behind a facade on a SQL store; one that awaits shows its blocking inside."""
    runner: object = runner_of(dm)
    if isinstance(runner, Blocking):
        runner = runner._awaiting
    if isinstance(runner, AsyncSqlTransactions):
        return runner._engine.sync_engine
    if isinstance(runner, ThreadedSqlTransactions):
        runner = runner._blocking
    assert isinstance(runner, sql.SqlTransactions)
    return runner._engine


@contextmanager
def listening(engine: Engine, **listeners: Callable[..., object]) -> Iterator[None]:
    """Listeners to events of an engine and its pool, by name, while the block runs."""
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    try:
        yield
    finally:
        for name, listener in listeners.items():
            event.remove(engine, name, listener)


@contextmanager
def asked_through(dm: DirectMessages) -> Iterator[list[str]]:
    """The statements that SQLAlchemy hands to the driver, and ``COMMIT``s, while the block runs."""
    asked: list[str] = []

    def execute(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    def commit(_connection: object) -> None:
        asked.append("COMMIT")

    with listening(engine_of(dm), before_cursor_execute=execute, commit=commit):
        yield asked


def is_postgres(world: World) -> bool:
    """Whether a world is in PostgreSQL."""
    return isinstance(world.harness, PostgresHarness)


WRITING: Final = ("INSERT INTO dm_write", "WITH w0 AS ", "WITH g0 AS ")
"""How a statement begins by which a unit of work writes everything."""


@contextmanager
def run_by_sqlite(dm: DirectMessages) -> Iterator[list[str]]:
    """The statements that SQLite itself says it ran.

    What is prepared once for a connection is left out. For each trigger that a statement sets off
    SQLite names that statement once more; as no row can be written twice, a repeated write is one
    of these.
    """
    ran: list[str] = []

    def note(statement: str) -> None:
        is_prepared = statement.startswith("CREATE TEMP ")
        is_repeated = ran[-1:] == [statement] and statement.startswith("INSERT INTO dm_write")
        if not is_prepared and not is_repeated:
            ran.append(statement)

    def checkout(connection: Any, *_rest: object) -> None:
        connection.set_trace_callback(note)

    def checkin(connection: Any, *_rest: object) -> None:
        connection.set_trace_callback(None)

    with listening(engine_of(dm), checkout=checkout, checkin=checkin):
        yield ran
