"""The kit for authors of adapters: whole, without a store of its own, loaded when asked."""

import ast
import asyncio
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dmcore import DirectMessages, Gate, Policy, User
from dmcore.adapters.memory import AsyncMemoryTransactions, MemoryTransactions, Store
from dmcore.adapters.opening import open_async_on, open_on
from dmcore.domain.ids import TenantId, UserId
from dmcore.errors import InvalidSetting, StoreUnavailable
from dmcore.testing import conformance
from dmcore.testing.directory import People
from dmcore.testing.faults import BreakingTransactions
from dmcore.testing.harness import Harness

SUITE = Path(conformance.__file__).parent
MODULES = sorted(SUITE.glob("*.py"))
OF_A_STORE = ("sqlalchemy", "psycopg", "sqlite3", "dmcore.adapters.sql", "dmcore.adapters.memory")


def imported_in(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


# The suite --------------------------------------------------------------------------------------


@pytest.mark.promise("EMB-4")
def test_the_suite_is_every_test_class_that_is_there() -> None:
    written = {
        node.name
        for file in MODULES
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test")
    }
    assert set(conformance.__all__) == written
    assert len(written) > 20


@pytest.mark.promise("EMB-4")
def test_the_suite_is_of_plain_classes() -> None:
    """Nothing to inherit from: whoever imports a class has its tests, and its fixtures."""
    for name in conformance.__all__:
        found = getattr(conformance, name)
        assert found.__bases__ == (object,), name
        assert found.__doc__, name
        assert any(member.startswith("test_") for member in vars(found)), name
    for file in MODULES:
        names = {
            node.name
            for node in ast.parse(file.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        assert not {name for name in names if name.startswith("test_")}, file.name


@pytest.mark.promise("EMB-4")
@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.name)
def test_the_suite_knows_no_store(file: Path) -> None:
    assert not [name for name in imported_in(file) if name.startswith(OF_A_STORE)]


@pytest.mark.promise("EMB-4")
def test_what_an_author_writes_is_described() -> None:
    for name in Harness.__abstractmethods__:
        assert inspect.getdoc(getattr(Harness, name)), name


@pytest.mark.promise("EMB-1", "EMB-4")
def test_the_kit_needs_pytest_for_the_suite_and_its_plugin_only(tmp_path: Path) -> None:
    program = """
import sys
for name in ("pytest", "hypothesis", "sqlalchemy", "psycopg"):
    sys.modules[name] = None
import dmcore.testing
from dmcore.testing import blocking, directory, faults, harness, world
del sys.modules["pytest"], sys.modules["hypothesis"]
from dmcore.testing import conformance, plugin
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


# Opening on a runner ----------------------------------------------------------------------------

GATED = Policy(gates=(Gate(),))


@pytest.mark.promise("EMB-4")
def test_a_runner_is_all_that_opening_needs() -> None:
    with open_on(MemoryTransactions(Store())) as dm:
        assert isinstance(dm, DirectMessages)
        assert dm.policy == Policy()
        dm.operations("olga").set_mode("on")
        dm.mailbox("ann").start("bob", "x")
        assert dm.mailbox("bob").unread() == 1
    with pytest.raises(StoreUnavailable):
        dm.mailbox("bob").unread()


@pytest.mark.promise("EMB-2", "EMB-4")
def test_a_runner_that_is_awaited_is_opened_likewise() -> None:
    async def asked() -> str:
        async with open_async_on(AsyncMemoryTransactions(Store())) as dm:
            assert dm.policy == Policy()
            return str(await dm.operations("olga").mode())

    assert asyncio.run(asked()) == "off"


def test_gates_need_somebody_who_knows_who_is_who() -> None:
    with pytest.raises(InvalidSetting):
        open_on(MemoryTransactions(Store()), policy=GATED)
    with pytest.raises(InvalidSetting):
        open_async_on(AsyncMemoryTransactions(Store()), policy=GATED)
    assert open_on(MemoryTransactions(Store()), policy=GATED, directory=People()).policy == GATED


# What the suite is made of ----------------------------------------------------------------------


def test_a_fault_while_the_directory_is_asked_reaches_whoever_asks() -> None:
    people = People("ann", "bob")
    ann, bob = (User(TenantId(""), UserId(name)) for name in ("ann", "bob"))
    fault = LookupError("meanwhile")

    def fails() -> None:
        raise fault

    people.while_asked = fails
    with pytest.raises(LookupError) as caught:
        people.introduce(ann, bob)
    assert caught.value is fault
    people.while_asked = None
    assert people.introduce(ann, bob).sender is not None


def test_closing_breaking_transactions_closes_what_they_stand_around() -> None:
    runner = BreakingTransactions(MemoryTransactions(Store()), after=1)
    dm = open_on(runner)
    assert dm.operations("olga").mode() == "off"
    dm.close()
    with pytest.raises(StoreUnavailable):
        dm.operations("olga").mode()
