"""The stores that the contract runs on: each is opened any number of times and looked into.

Owns what differs between stores for a test: where one lives, what lies in it, what it was asked.
Refuses to know any rule of the product.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import Engine, create_engine, event, select, text

from dmcore import DirectMessages, Policy
from dmcore.adapters import sql
from dmcore.adapters.memory import MemoryTransactions, Store
from dmcore.adapters.sql import IsolationLevel, metadata
from dmcore.ports.clock import Clock
from dmcore.ports.ids import Entropy
from dmcore.ports.transactions import Transactions

Contents = Mapping[str, object]


class Harness(ABC):
    """One store of one test."""

    name: ClassVar[str]

    @abstractmethod
    def open(self, *, policy: Policy, clock: Clock, entropy: Entropy) -> DirectMessages:
        """Messaging on this store, as one more process would open it."""

    @abstractmethod
    def contents(self) -> Contents:
        """Everything that is committed, in a form that can be compared."""

    @abstractmethod
    def clear(self) -> None:
        """Back to how a store is born, except for its namespace."""

    @abstractmethod
    def close(self) -> None:
        """Close whatever was opened; nothing may still be in use."""


def runner_of(dm: DirectMessages) -> Transactions:
    """The runner behind a facade: the door to the ports."""
    return dm._transactions


class MemoryHarness(Harness):
    """The store in memory."""

    name = "memory"

    def __init__(self) -> None:
        self.store = Store()

    def open(self, *, policy: Policy, clock: Clock, entropy: Entropy) -> DirectMessages:
        return DirectMessages(
            policy=policy,
            transactions=MemoryTransactions(self.store),
            clock=clock,
            entropy=entropy,
        )

    def contents(self) -> Contents:
        store = self.store
        return {
            "mode": store.mode,
            "accounts": dict(store.accounts),
            "conversations": dict(store.conversations),
            "keys": dict(store.keys),
            "postings": {key: tuple(rows) for key, rows in store.postings.items()},
            # An empty list and no list are the same to every reader.
            "listed": {user: tuple(places) for user, places in store.listed.items() if places},
            "blocks": {user: dict(lines) for user, lines in store.blocks.items() if lines},
            "journal": {user: tuple(rows) for user, rows in store.journal.items() if rows},
        }

    def clear(self) -> None:
        namespace = self.store.namespace
        self.store = Store()
        self.store.namespace = namespace

    def close(self) -> None:
        assert self.store.lock.acquire(blocking=False), "a transaction is still open"


class SqlHarness(Harness):
    """A database that ``initialise`` has set up."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._raw = create_engine(url)
        self._opened: list[DirectMessages] = []

    def open(
        self,
        *,
        policy: Policy,
        clock: Clock,
        entropy: Entropy,
        isolation_level: IsolationLevel | None = None,
    ) -> DirectMessages:
        dm = sql.open_sync(
            self.url,
            policy=policy,
            clock=clock,
            entropy=entropy,
            isolation_level=isolation_level,
            synchronous="NORMAL",
        )
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
        if in_use:
            self._expel()
        self._raw.dispose()
        assert in_use == 0, "a connection was not given back"

    def _expel(self) -> None:
        """End what a connection that was not given back may still hold."""


class SqliteHarness(SqlHarness):
    """A SQLite file."""

    name = "sqlite"

    def clear(self) -> None:
        with self._raw.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name != "dm_installation":
                    connection.execute(table.delete())
            connection.exec_driver_sql("UPDATE dm_installation SET mode = 'off'")


class PostgresHarness(SqlHarness):
    """A PostgreSQL database."""

    name = "postgres"

    def _expel(self) -> None:
        self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def clear(self) -> None:
        tables = (it.name for it in metadata.sorted_tables if it.name != "dm_installation")
        with self._raw.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {', '.join(tables)}")
            connection.exec_driver_sql("UPDATE dm_installation SET mode = 'off'")


def engine_of(dm: DirectMessages) -> Engine:
    """The engine behind a facade on a SQL store."""
    runner = runner_of(dm)
    assert isinstance(runner, sql.SqlTransactions)
    return runner._engine


@contextmanager
def asked_through(dm: DirectMessages) -> Iterator[list[str]]:
    """The statements that SQLAlchemy hands to the driver, and ``COMMIT``s, while the block runs."""
    engine = engine_of(dm)
    asked: list[str] = []

    def execute(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    def commit(_connection: object) -> None:
        asked.append("COMMIT")

    listeners = (("before_cursor_execute", execute), ("commit", commit))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield asked
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


@contextmanager
def run_by_sqlite(dm: DirectMessages) -> Iterator[list[str]]:
    """The statements that SQLite itself says it ran.

    For each trigger that a statement sets off it names that statement once more; as no row can be
    written twice, a repeated write is one of these.
    """
    engine = engine_of(dm)
    ran: list[str] = []

    def note(statement: str) -> None:
        is_repeated = ran[-1:] == [statement] and statement.startswith("INSERT INTO dm_write")
        if not is_repeated:
            ran.append(statement)

    def checkout(connection: Any, *_rest: object) -> None:
        connection.set_trace_callback(note)

    def checkin(connection: Any, *_rest: object) -> None:
        connection.set_trace_callback(None)

    listeners = (("checkout", checkout), ("checkin", checkin))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield ran
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)
