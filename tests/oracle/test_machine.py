"""Every store in step with the oracle: whatever people do, all of them show the same.

Hypothesis acts: it lets people write, read, change, hide, ask, block, lets the clock jump and the
operator turn the switch. After each step everything that anybody can see is compared, everywhere.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.oracle.machine.machine import Machine
from tests.support.stores import Harness, MemoryHarness, PostgresHarness, SqliteHarness

from dmcore.adapters import sql
from dmcore.testing.postgres import PostgresServer


@pytest.fixture
def harnesses(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[tuple[Harness, ...]]:
    """One store of each kind, emptied before each example."""
    url = postgres_server.create_database()
    file = tmp_path / "dm.db"
    for address in (url, f"sqlite:///{file}"):
        sql.initialise(address)
    yield MemoryHarness(), SqliteHarness(f"sqlite:///{file}"), PostgresHarness(url)
    postgres_server.drop_database(url)
    shutil.rmtree(tmp_path)


@pytest.mark.promise("PAIR-1", "PAIR-2", "CONV-1", "CONV-2", "MSG-1", "MSG-2", "MSG-3", "PAGE-1")
@pytest.mark.promise("PAGE-2", "READ-1", "READ-3", "LIMIT-1", "LIMIT-2", "BLOCK-1", "BLOCK-2")
@pytest.mark.promise("BLOCK-3", "OPS-1", "OPS-5", "AUD-1", "FEED-1", "FEED-2", "MSG-5", "MSG-6")
@pytest.mark.promise("READ-2", "REQ-1", "PREF-1", "GATE-1", "GATE-2", "GDPR-1", "MOD-4")
def test_every_store_shows_what_the_oracle_says(harnesses: tuple[Harness, ...]) -> None:
    """A few histories by default; a hundred, and longer ones, in the nightly profile."""
    profile = settings()
    is_long = profile.max_examples >= 1_000
    run_state_machine_as_test(
        type("Machine", (Machine,), {"harnesses": harnesses}),
        settings=settings(
            profile,
            max_examples=profile.max_examples // 10,
            stateful_step_count=80 if is_long else 30,
            suppress_health_check=list(HealthCheck),
        ),
    )
