"""A store of documents on ``sqlite3``: its file, and the transactions on it.

A stranger's adapter, as one could stand in a package of its own: it knows of dmcore what is public,
and the conformance kit is all that says whether it is right. Each kind of value has a table with
the columns that it is found by and the value itself as JSON; who sees what is asked of the domain,
row by row. It is short and correct and not built for speed.
"""

import asyncio
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, TypeVar

import attrs
from tests.third.devices import Devices
from tests.third.erasures import Erasures
from tests.third.mending import Mending
from tests.third.outbox import Outbox
from tests.third.ports import (
    Contacts,
    Conversations,
    Inspection,
    Installation,
    Journal,
    Mailboxes,
    Messages,
)
from tests.third.reports import Reports
from tests.third.restrictions import Restrictions
from tests.third.retention import Retention

from dmcore.errors import StoreBusy, StoreError, StoreRefused, StoreUnavailable
from dmcore.ports.transactions import (
    AsyncTransactions,
    Call,
    Needs,
    Transaction,
    Transactions,
)

Result = TypeVar("Result")

SCHEMA: Final = """
CREATE TABLE installation (namespace BLOB NOT NULL, mode TEXT NOT NULL);
CREATE TABLE accounts (tenant TEXT, user TEXT, value TEXT NOT NULL, PRIMARY KEY (tenant, user));
CREATE TABLE conversations (id TEXT PRIMARY KEY, tenant TEXT, low TEXT, high TEXT,
    value TEXT NOT NULL, UNIQUE (tenant, low, high));
CREATE TABLE messages (conversation TEXT, id TEXT, sender TEXT, key TEXT, value TEXT NOT NULL,
    PRIMARY KEY (conversation, id), UNIQUE (conversation, sender, key));
CREATE TABLE receipts (conversation TEXT, reader TEXT, through TEXT, value TEXT NOT NULL,
    PRIMARY KEY (conversation, reader, through));
CREATE TABLE listings (tenant TEXT, user TEXT, conversation TEXT, folder TEXT, newest TEXT,
    value TEXT NOT NULL, PRIMARY KEY (tenant, user, conversation));
CREATE INDEX listing_order ON listings (tenant, user, folder, newest, conversation);
CREATE TABLE blocks (tenant TEXT, user TEXT, blocked TEXT, position INTEGER, value TEXT NOT NULL,
    PRIMARY KEY (tenant, user, blocked));
CREATE TABLE journal (tenant TEXT, user TEXT, position INTEGER, value TEXT NOT NULL,
    PRIMARY KEY (tenant, user, position));
CREATE TABLE reports (id TEXT PRIMARY KEY, tenant TEXT, reporter TEXT, reported TEXT,
    made_at_us INTEGER, value TEXT NOT NULL);
CREATE TABLE erasures (tenant TEXT, pseudonym TEXT, finished_at_us INTEGER, value TEXT NOT NULL,
    PRIMARY KEY (tenant, pseudonym));
CREATE TABLE chosen (report TEXT, message TEXT, PRIMARY KEY (report, message));
CREATE TABLE moves (report TEXT, number INTEGER, tenant TEXT, made_by TEXT, value TEXT NOT NULL,
    PRIMARY KEY (report, number));
CREATE TABLE restrictions (tenant TEXT, user TEXT, number INTEGER, value TEXT NOT NULL,
    PRIMARY KEY (tenant, user, number));
CREATE TABLE consumers (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE marks (tenant TEXT, user TEXT, consumer TEXT, value TEXT NOT NULL,
    PRIMARY KEY (tenant, user, consumer));
CREATE TABLE aside (tenant TEXT, user TEXT, consumer TEXT, position INTEGER, is_due INTEGER,
    value TEXT NOT NULL, PRIMARY KEY (tenant, user, consumer, position));
CREATE TABLE devices (tenant TEXT, user TEXT, id TEXT, value TEXT NOT NULL,
    PRIMARY KEY (tenant, user, id));
CREATE TABLE one_time_keys (tenant TEXT, user TEXT, device TEXT, number INTEGER,
    value TEXT NOT NULL, PRIMARY KEY (tenant, user, device, number));
CREATE TABLE evidence (report TEXT, message TEXT, value TEXT NOT NULL,
    PRIMARY KEY (report, message));
"""

_PATIENCE_S: Final = 30


def set_up(file: Path) -> None:
    """Make the file; the switch of a new store is off."""
    with closing(sqlite3.connect(file)) as rows:
        rows.executescript(f"PRAGMA journal_mode = WAL; {SCHEMA}")
        rows.execute("INSERT INTO installation VALUES (?, 'off')", (secrets.token_bytes(16),))
        rows.commit()


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that begins and ends no transaction by itself."""
    found = sqlite3.connect(file, timeout=_PATIENCE_S, isolation_level=None)
    with closing(found) as rows:
        # What is deleted is overwritten, not only forgotten; a commit does not wait for the disk.
        rows.executescript("PRAGMA secure_delete = ON; PRAGMA synchronous = NORMAL")
        yield rows


class DocumentTransaction:
    """The ``Transaction`` port."""

    def __init__(self, rows: sqlite3.Connection) -> None:
        self.installation = Installation(rows)
        self.contacts = Contacts(rows)
        self.conversations = Conversations(rows)
        self.messages = Messages(rows)
        self.mailboxes = Mailboxes(rows)
        self.journal = Journal(rows)
        self.reports = Reports(rows)
        self.erasures = Erasures(rows)
        self.restrictions = Restrictions(rows)
        self.retention = Retention(rows)
        self.inspection = Inspection(rows)
        self.mending = Mending(rows)
        self.outbox = Outbox(rows)
        self.devices = Devices(rows)

    @property
    def namespace(self) -> bytes:
        return self.installation.namespace()


class DocumentTransactions:
    """The ``Transactions`` port: one writer at a time, each reader in a state of its own.

    A writer has the whole file, so there is nothing more to hold and nothing to start over.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._is_closed = False

    def run(self, call: Call[Result], /) -> Result:
        if self._is_closed:
            raise StoreUnavailable("it was closed")
        try:
            return self._run(call)
        except sqlite3.Error as error:
            failure = _translated(error)
        # Out here it carries nothing of the foreign error, whose text could quote a row.
        raise failure

    def _run(self, call: Call[Result]) -> Result:
        with opened(self._file) as rows:
            rows.execute("BEGIN IMMEDIATE" if call.needs is Needs.WRITE else "BEGIN")
            try:
                result = call.use_case(DocumentTransaction(rows))
            except BaseException:
                rows.rollback()
                raise
            rows.commit()
            return result

    def close(self) -> None:
        self._is_closed = True


def _translated(error: sqlite3.Error) -> StoreError:
    if isinstance(error, sqlite3.IntegrityError):
        return StoreRefused("a row that must be the only one of its kind")
    if error.sqlite_errorname.startswith("SQLITE_BUSY"):
        return StoreBusy()
    return StoreUnavailable("its file cannot be used")


class Cancelled(Exception):
    """Whoever asked is gone."""


class AsyncDocumentTransactions:
    """The ``AsyncTransactions`` port: the same on a thread, which a cancelled task waits for."""

    def __init__(self, file: Path) -> None:
        self._blocking = DocumentTransactions(file)

    async def run(self, call: Call[Result], /) -> Result:
        is_cancelled = threading.Event()

        def use_case(tx: Transaction) -> Result:
            result = call.use_case(tx)
            if is_cancelled.is_set():
                raise Cancelled
            return result

        asked = attrs.evolve(call, use_case=use_case)
        work = asyncio.create_task(asyncio.to_thread(self._blocking.run, asked))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            is_cancelled.set()
            await asyncio.wait({work})
            raise

    async def close(self) -> None:
        self._blocking.close()


def _conforms(file: Path) -> tuple[Transactions, AsyncTransactions]:
    return DocumentTransactions(file), AsyncDocumentTransactions(file)
