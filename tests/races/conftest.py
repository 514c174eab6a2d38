"""Where the races are run: processes on SQLite and PostgreSQL, threads in memory."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs
import pytest
from tests.conftest import IS_NIGHTLY
from tests.races.crew import Address, Crew, Part, Threads

from dmcore import DirectMessages, Policy
from dmcore.adapters import memory, sql
from dmcore.adapters.sql import IsolationLevel

ROUNDS = 20 if IS_NIGHTLY else 2

LEVELS: dict[str, IsolationLevel] = {
    "read-committed": "READ COMMITTED",
    "repeatable-read": "REPEATABLE READ",
    "serializable": "SERIALIZABLE",
}


@attrs.frozen(kw_only=True)
class Stage:
    """A store with its switch on, and a crew to race on it."""

    dm: DirectMessages
    _run: Callable[[Policy, list[Part]], list[Any]]

    def race(self, *parts: Part) -> list[Any]:
        """Let everybody act at once; afterwards everything must still add up.

        Nor may our own writers have locked each other out: they lock in one order (ADR 13). The
        server would notice and one of them would start over, a second later.
        """
        results = self._run(self.dm.policy, list(parts))
        assert self.dm.operations("olga").verify() == ()
        assert self._deadlocks() == 0
        return results

    def _deadlocks(self) -> int:
        transactions = self.dm._transactions
        if (
            not isinstance(transactions, sql.SqlTransactions)
            or transactions._engine.dialect.name == "sqlite"
        ):
            return 0
        question = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        with transactions._engine.connect() as connection:
            return int(connection.exec_driver_sql(question).scalar_one())


MakeStage = Callable[[Policy], Stage]


@pytest.fixture(scope="session")
def crew() -> Iterator[Crew]:
    with Crew() as started:
        yield started


def _in_threads(dm: DirectMessages, _policy: Policy, parts: list[Part]) -> list[Any]:
    return Threads(dm).run(parts)


@pytest.fixture(params=["memory", "sqlite", *LEVELS])
def make_stage(request: pytest.FixtureRequest) -> Iterator[MakeStage]:
    """Opens the stage of one kind of store under a policy."""
    opened: list[DirectMessages] = []
    kind = request.param

    def make(policy: Policy) -> Stage:
        run: Callable[[Policy, list[Part]], list[Any]]
        if kind == "memory":
            dm = memory.open_sync(policy=policy)
            run = partial(_in_threads, dm)
        else:
            address = Address(
                url=request.getfixturevalue("sqlite_url" if kind == "sqlite" else "postgres_url"),
                isolation_level=LEVELS.get(kind),
            )
            sql.initialise(address.url)
            dm = address.open(policy)
            crew: Crew = request.getfixturevalue("crew")
            run = partial(crew.run, address)
        opened.append(dm)
        dm.operations("olga").set_mode("on")
        return Stage(dm=dm, run=run)

    yield make
    for dm in opened:
        dm.close()
