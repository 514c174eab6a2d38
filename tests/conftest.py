"""Fixtures that any test may ask for. Folders add their own."""

import os
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

# Needs what `make cluster` gets, and minutes: run by that recipe alone, or by name.
collect_ignore = ["cluster"]

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


def seed() -> str:
    """What everything that is drawn by lot is drawn with; the variable repeats a night."""
    return os.environ[SEED_VARIABLE]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """With ``-p no:cacheprovider`` nobody else knows what ``pyproject.toml`` says of the cache."""
    if pluginmanager.is_blocked("cacheprovider"):
        parser.addini("cache_dir", "Not used in this run.")


def pytest_configure(config: pytest.Config) -> None:
    """One seed for all the processes, which are made later."""
    compile_once()
    os.environ.setdefault(SEED_VARIABLE, str(secrets.randbelow(1_000_000)))
    config.addinivalue_line(
        "markers", "by_day(one_in): by day one in so many runs; by night, or by its name, each does"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What runs elsewhere as well runs in part by day: always the same part."""
    if IS_NIGHTLY or any("::" in argument for argument in config.args):
        return
    left_out = [item for item in items if not _is_of_the_day(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _is_of_the_day(item)]


def _is_of_the_day(item: pytest.Item) -> bool:
    found = item.get_closest_marker("by_day")
    return found is None or zlib.crc32(item.nodeid.encode()) % int(found.kwargs["one_in"]) == 0


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
