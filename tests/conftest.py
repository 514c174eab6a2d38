"""Fixtures that any test may ask for. Folders add their own."""

import os
import re
import secrets
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from tests.support.compiling import compile_once

from dmcore.testing.postgres import PostgresServer

# Need what no other test does, and minutes: run by recipes of their own alone, or by name.
collect_ignore = ["cluster", "citus"]

# Building Hypothesis' Unicode tables takes a second on a fresh machine: that is not a slow test.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", parent=settings.get_profile("default"), derandomize=True, print_blob=True
)
# What a night on two processors has time for; `make nightly` says how long it took.
settings.register_profile("nightly", parent=settings.get_profile("default"), max_examples=1_000)
PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "default")
IS_NIGHTLY: Final = PROFILE == "nightly"
SEED_VARIABLE: Final = "DMCORE_TEST_SEED"
settings.load_profile(PROFILE)

# Of what runs in another place, theme or size as well, one test in so many runs by day: always the
# same ones, so that a change is checked in a quarter of an hour.
_ONE_IN: Final = {
    r"contract/test_conformance_(again|spread)\.py": 12,
    r"(rls|sealed)/test_conformance\.py": 2,
    r"faults/test_guards\.py::test_a_partner_meets_each_step": 4,
    r"web/test_schemathesis\.py": 2,
    r"acceptance/test_talent_gates\.py": 2,
    r"third/test_third\.py": 12,
    r"interleavings/test_writing\.py": 8,
    r"browser/test_accessibility\.py": 2,
    r"browser/test_(cuts|keyboard|long_thread|sealing_pages|sending|talking)\.py": 2,
    r"proofs/test_permissions\.py": 3,
    r"proofs/test_(secrecy|shadow_bans_secret|reports_secret)\.py": 6,
    r"proofs/test_(sealed_secrecy|known_tells)\.py": 4,
}


def seed() -> str:
    """What everything that is drawn by lot is drawn with; the variable repeats a night."""
    return os.environ[SEED_VARIABLE]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """With ``-p no:cacheprovider`` nobody else knows what ``pyproject.toml`` says of the cache."""
    if pluginmanager.is_blocked("cacheprovider"):
        parser.addini("cache_dir", "Not used in this run.")


def pytest_configure() -> None:
    """One seed for all the processes, which are made later."""
    compile_once()
    os.environ.setdefault(SEED_VARIABLE, str(secrets.randbelow(1_000_000)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """By day the shares above; by night, and where a test is named with ``::``, all there is."""
    if IS_NIGHTLY or any("::" in argument for argument in config.args):
        return
    everything = list(items)
    items[:] = [item for item in everything if _is_of_the_day(item.nodeid)]
    config.hook.pytest_deselected(
        items=[item for item in everything if not _is_of_the_day(item.nodeid)]
    )


def _is_of_the_day(name: str) -> bool:
    shares = (share for pattern, share in _ONE_IN.items() if re.search(pattern, name))
    return zlib.crc32(name.encode()) % next(shares, 1) == 0


def pytest_report_header() -> str:
    return f"seed: {seed()} ({SEED_VARIABLE} repeats it)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests counted, added up."""
    counted: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if isinstance(value, int) and getattr(report, "when", None) == "call":
                    counted[name] += value
    if counted and IS_NIGHTLY:
        terminalreporter.section(f"counted, with seed {seed()}")
        for name, value in sorted(counted.items()):
            terminalreporter.write_line(f"{value:8} {name}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for each test process; a machine without one fails the test, never skips it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty PostgreSQL database of the test's own."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite database of the test's own, not created yet."""
    return f"sqlite:///{tmp_path / 'dm.db'}"
