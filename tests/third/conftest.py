"""The one class that a stranger writes for the suite, and the fixture that makes it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from tests.third.store import AsyncDocumentTransactions, DocumentTransactions, set_up

from dmcore import AsyncDirectMessages, DirectMessages, Directory, Policy
from dmcore.adapters.opening import open_async_on, open_on
from dmcore.ports.clock import Clock
from dmcore.ports.ids import Entropy
from dmcore.ports.screening import Screener, WhenBroken
from dmcore.testing.blocking import AwaitedDirectory, Loops
from dmcore.testing.harness import Contents, Harness

TABLES = (
    *("accounts", "conversations", "messages", "receipts", "listings", "blocks", "journal"),
    *("reports", "chosen", "evidence", "moves", "erasures", "restrictions"),
    *("consumers", "marks", "aside"),
    *("one_time_keys", "devices"),
)


class DocumentHarness(Harness):
    """A file of the test's own."""

    def __init__(self, file: Path) -> None:
        self._file = file
        set_up(file)
        # Whoever closes a file last tidies it up; not after each transaction.
        self._rows = sqlite3.connect(file, timeout=1, isolation_level=None)
        self.contents()

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
        runner = DocumentTransactions(self._file)
        return open_on(
            runner,
            policy=policy,
            clock=clock,
            entropy=entropy,
            directory=directory,
            screeners=screeners,
            when_screener_breaks=when_screener_breaks,
        )

    def contents(self) -> Contents:
        return {
            table: sorted(self._rows.execute(f"SELECT * FROM {table}"), key=repr)
            for table in ("installation", *TABLES)
        }

    def clear(self) -> None:
        for table in TABLES:
            self._rows.execute(f"DELETE FROM {table}")
        self._rows.execute("UPDATE installation SET mode = 'off'")

    def close(self) -> None:
        """Each transaction closed its own connection; one that still writes is found out here."""
        with closing(self._rows) as rows:
            rows.execute("BEGIN IMMEDIATE")


class AwaitedDocumentHarness(DocumentHarness):
    """The same file behind the runner that is awaited."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self._loops = Loops()

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
        asked = None if directory is None else AwaitedDirectory(directory)

        async def opening() -> AsyncDirectMessages:
            runner = AsyncDocumentTransactions(self._file)
            return open_async_on(
                runner,
                policy=policy,
                clock=clock,
                entropy=entropy,
                directory=asked,
                screeners=screeners,
                when_screener_breaks=when_screener_breaks,
            )

        return self._loops.blocking(opening())

    def close(self) -> None:
        self._loops.close()
        super().close()


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    """An empty file."""
    made = DocumentHarness(tmp_path / "third.db")
    yield made
    made.close()
