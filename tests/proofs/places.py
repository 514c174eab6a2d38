"""Stores that show cheaply whether they were changed, and go back to a state."""

import sqlite3
from typing import Any, Final

from tests.proofs.scenes import Facts, People, Scene, Surroundings
from tests.support.stores import Harness, MemoryHarness, SqliteHarness

from dmcore import DirectMessages
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.ids import SeededEntropy
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import NOON_US

_TABLES: Final = (
    "accounts",
    "conversations",
    "postings",
    "keys",
    "listed",
    "receipts",
    "blocks",
    "journal",
    "reports",
    "chosen",
    "evidence",
    "restrictions",
)


class Place:
    """A store that shows cheaply whether it was changed, and goes back to a state."""

    def __init__(self, harness: Harness, scene: Scene) -> None:
        self.clock = ManualClock(NOON_US)
        self.dm: DirectMessages = harness.open(
            policy=scene.policy, clock=self.clock, entropy=SeededEntropy("matrix")
        )
        self.people = People(self.dm, self.clock)
        self.dm.operations("olga").set_mode("on")
        self.around = Surroundings.build(self.people)
        self.facts: Facts = scene.build(self.people)
        self.asked: list[str] = []

    @property
    def namespace(self) -> bytes:
        """What the ids of conversations are derived from."""
        found: bytes = getattr(runner_of(self.dm), "_namespace")  # noqa: B009
        return found

    def version(self) -> object:
        """Equal as long as nothing is changed."""
        raise NotImplementedError

    def keep(self) -> None:
        """Remember how it is now."""
        raise NotImplementedError

    def go_back(self) -> None:
        """Make it as it was kept."""
        raise NotImplementedError


class MemoryPlace(Place):
    def __init__(self, harness: MemoryHarness, scene: Scene) -> None:
        super().__init__(harness, scene)
        self.store = harness.store

    @property
    def namespace(self) -> bytes:
        return self.store.namespace

    def version(self) -> dict[str, object]:
        tables = {name: _copied(getattr(self.store, name)) for name in _TABLES}
        return {"mode": self.store.mode, **tables}

    def keep(self) -> None:
        self._kept = self.version()

    def go_back(self) -> None:
        for name, table in self._kept.items():
            setattr(self.store, name, _copied(table))


def _copied(table: Any) -> Any:
    """A dictionary of rows, of lists of rows or of dictionaries of rows; empty ones are none."""
    if not isinstance(table, dict):
        return table
    rows = {key: row.copy() if isinstance(row, list | dict) else row for key, row in table.items()}
    return {key: row for key, row in rows.items() if row not in ([], {})}


class SqlitePlace(Place):
    def __init__(self, harness: SqliteHarness, scene: Scene) -> None:
        super().__init__(harness, scene)
        self._raw = sqlite3.connect(harness.url.removeprefix("sqlite:///"))
        self._copy = sqlite3.connect(":memory:")

    def version(self) -> object:
        return self._raw.execute("PRAGMA data_version").fetchone()

    def keep(self) -> None:
        self._raw.backup(self._copy)

    def go_back(self) -> None:
        self._copy.backup(self._raw)

    def close(self) -> None:
        self._raw.close()
        self._copy.close()


class PostgresPlace(Place):
    """Compared by whoever opens it, once for many cells."""

    def version(self) -> object:
        return None
