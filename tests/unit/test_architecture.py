"""The shape of the house: what importing does, what the inside knows, what is documented."""

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import attrs
import pytest

import dmcore
from dmcore import Message
from dmcore.adapters.memory import AsyncMemoryTransactions, MemoryTransactions, Store
from dmcore.adapters.memory._store import Changes
from dmcore.adapters.memory._transactions import MemoryTransaction
from dmcore.adapters.sql._async import AsyncSqlTransactions, ThreadedSqlTransactions
from dmcore.adapters.sql._transactions import SqlTransaction, SqlTransactions
from dmcore.ports import transactions as ports

HOME = Path(dmcore.__file__).parent
SOURCES = sorted(HOME.rglob("*.py"))
# The composition root may look at a clock; the test kit starts servers. Both stand outside.
OUTSIDE = {"adapters", "cli", "testing", "__main__.py"}
INSIDE = [file for file in SOURCES if file.relative_to(HOME).parts[0] not in OUTSIDE]
NAMES = [name for name in dmcore.__all__ if name != "errors"]


def python(program: str, *, folder: Path) -> str:
    """What a fresh interpreter in an empty folder prints."""
    # Measuring coverage would load modules of its own.
    own = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder,
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


# Importing --------------------------------------------------------------------------------------


@pytest.mark.promise("EMB-1")
def test_importing_dmcore_needs_attrs_and_the_standard_library_only(tmp_path: Path) -> None:
    loaded = python(
        "import sys; before = set(sys.modules); import dmcore;"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))",
        folder=tmp_path,
    )
    assert set(loaded.split()) - sys.stdlib_module_names == {"attr", "attrs", "dmcore"}


@pytest.mark.promise("EMB-1")
def test_importing_dmcore_touches_no_technology(tmp_path: Path) -> None:
    loaded = python("import sys, dmcore; print(*sys.modules)", folder=tmp_path).split()
    assert not {"sqlite3", "socket", "ssl", "asyncio"} & set(loaded)
    assert not {name for name in loaded if name.startswith("dmcore.adapters")}


@pytest.mark.promise("EMB-1")
def test_importing_dmcore_has_no_effects(tmp_path: Path) -> None:
    """It opens nothing, writes nothing, starts nothing, logs nothing, warns of nothing."""
    program = """
import sys, threading, logging, signal, warnings, os
watched = ("open", "socket.", "subprocess.", "os.putenv", "os.mkdir", "os.remove", "os.rename",
           "sqlite3.", "ctypes.", "os.system", "os.fork", "signal.")
seen = []
def watch(event, args):
    if not event.startswith(watched):
        return
    if event == "open":
        name, mode, flags = args
        if isinstance(name, str) and name.endswith((".py", ".pyc")) and not "w" in (mode or ""):
            return
    seen.append((event, str(args)))
import attrs
before = (dict(os.environ), threading.enumerate(), logging.root.handlers[:],
          signal.getsignal(signal.SIGINT), warnings.filters[:], sys.path[:])
sys.dont_write_bytecode = True
sys.addaudithook(watch)
import dmcore
after = (dict(os.environ), threading.enumerate(), logging.root.handlers[:],
         signal.getsignal(signal.SIGINT), warnings.filters[:], sys.path[:])
assert before == after
assert not seen, seen
"""
    assert python(program, folder=tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.promise("EMB-2")
def test_a_blocking_host_does_without_greenlet(tmp_path: Path) -> None:
    """Nor does SQLite need it to be awaited: that is a matter of threads."""
    program = """
import sys
sys.modules["greenlet"] = None
import asyncio
from dmcore.adapters import sql
sql.initialise("sqlite:///dm.db")
sql.open_sync("sqlite:///dm.db").close()
async def main():
    async with await sql.open_async("sqlite:///dm.db") as dm:
        print(await dm.operations("olga").mode())
asyncio.run(main())
"""
    assert python(program, folder=tmp_path) == "off\n"


@pytest.mark.promise("EMB-1")
@pytest.mark.parametrize("module", ["dmcore.adapters.memory", "dmcore.adapters.clock"])
def test_the_store_in_memory_needs_no_database_package(module: str, tmp_path: Path) -> None:
    loaded = python(f"import sys, {module}; print(*sys.modules)", folder=tmp_path).split()
    assert not {"sqlalchemy", "psycopg", "sqlite3"} & set(loaded)


# Time, chance and SQL ---------------------------------------------------------------------------

AMBIENT_MODULES = {"time", "random", "secrets", "os", "threading", "asyncio", "socket", "logging"}
AMBIENT_CALLS = {"now", "today", "utcnow", "uuid1", "uuid4", "time", "time_ns", "urandom", "getenv"}


def imports_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("file", INSIDE, ids=lambda file: str(file.relative_to(HOME)))
def test_the_inside_takes_time_and_chance_as_arguments(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert not set(imports_of(tree)) & AMBIENT_MODULES
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    assert not calls & AMBIENT_CALLS
    assert not calls & {"open", "print", "input", "exec", "eval", "getLogger"}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(HOME)))
def test_no_sql_asks_the_database_for_the_time_or_for_chance(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    forbidden = (
        r"func\.(now|current_timestamp|random|clock_timestamp|gen_random_uuid)\b"
        r"|\b(now|clock_timestamp|statement_timestamp|gen_random_uuid|random)\(\)(?=[^\n]*(SELECT|"
        r"INSERT|DEFAULT))|CURRENT_TIMESTAMP|server_default|Sequence\(|\bNOTIFY\b(?=[^\n]*execute)"
    )
    assert re.findall(forbidden, text) == []


def test_the_schema_has_no_value_of_its_own_making() -> None:
    """No default, no sequence, no computed column: everything stored was decided by the domain."""
    from dmcore.adapters.sql import metadata

    for table in metadata.sorted_tables:
        for column in table.columns:
            assert column.default is None, column
            assert column.server_default is None, column
            assert column.onupdate is None, column
            assert column.autoincrement in (False, "auto"), column
            assert column.identity is None, column


# Documentation ----------------------------------------------------------------------------------


def test_the_public_names_are_all_there_and_in_order() -> None:
    assert sorted(dmcore.__all__) == dmcore.__all__
    assert all(hasattr(dmcore, name) for name in dmcore.__all__)


def test_what_dmcore_shows_is_listed() -> None:
    shown = {
        name
        for name, value in vars(dmcore).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert shown | {"errors"} == set(dmcore.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_says_what_it_is(name: str) -> None:
    value: Any = getattr(dmcore, name)
    assert value.__doc__, name
    if not inspect.isclass(value) or not value.__module__.startswith("dmcore"):
        return
    for member, own in vars(value).items():
        is_method = inspect.isfunction(own) or isinstance(own, property | classmethod)
        if is_method and not member.startswith("_"):
            documented = inspect.getdoc(getattr(value, member))
            assert documented, f"{name}.{member}"


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(HOME)))
def test_every_module_says_what_it_owns(file: Path) -> None:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    assert text, "no docstring"


# Values and ports -------------------------------------------------------------------------------


def attrs_classes() -> Iterator[type]:
    for file in INSIDE:
        module = ".".join(("dmcore", *file.relative_to(HOME).with_suffix("").parts))
        for value in vars(sys.modules.get(module.removesuffix(".__init__"), dmcore)).values():
            if inspect.isclass(value) and attrs.has(value) and value.__module__ == module:
                yield value


def test_values_cannot_be_changed() -> None:
    found = list(attrs_classes())
    assert len(found) > 20
    for value in found:
        # attrs marks a frozen class by the setter it puts in.
        assert "frozen" in value.__setattr__.__name__, value


def test_values_with_more_than_three_fields_are_built_by_keyword() -> None:
    """All but messages: a page has fifty, and names would be half of what each costs (ADR 43)."""
    for value in set(attrs_classes()) - {Message}:
        fields = [field for field in attrs.fields(value) if field.init]
        if len(fields) > 3:
            assert all(field.kw_only for field in fields), value


def ports_of(transaction: object) -> Iterator[tuple[str, type, object]]:
    """Each port of a transaction: its name, its protocol, what the adapter gives."""
    for name, member in vars(ports.Transaction).items():
        if isinstance(member, property) and name != "namespace":
            assert member.fget is not None
            yield name, get_type_hints(member.fget)["return"], getattr(transaction, name)


@pytest.mark.promise("EMB-4")
@pytest.mark.parametrize("adapter", ["memory", "sql"])
def test_an_adapter_has_every_method_of_every_port_with_the_same_parameters(adapter: str) -> None:
    nothing: Any = None
    given: object = (
        MemoryTransaction(Store(), Changes())
        if adapter == "memory"
        else SqlTransaction(nothing, b"")
    )
    for name, port, part in ports_of(given):
        for method, promised in vars(port).items():
            if method.startswith("_") or not inspect.isfunction(promised):
                continue
            kept = getattr(type(part), method)
            assert parameters(kept) == parameters(promised), f"{name}.{method}"


@pytest.mark.promise("EMB-4")
@pytest.mark.parametrize(
    ("runner", "port"),
    [
        (MemoryTransactions, ports.Transactions),
        (AsyncMemoryTransactions, ports.AsyncTransactions),
        (SqlTransactions, ports.Transactions),
        (AsyncSqlTransactions, ports.AsyncTransactions),
        (ThreadedSqlTransactions, ports.AsyncTransactions),
    ],
)
def test_a_runner_has_every_method_of_its_port(runner: type, port: type) -> None:
    for method, promised in vars(port).items():
        if not method.startswith("_") and inspect.isfunction(promised):
            kept = getattr(runner, method)
            assert parameters(kept) == parameters(promised)
            assert inspect.iscoroutinefunction(kept) == inspect.iscoroutinefunction(promised)


def parameters(function: Any) -> list[tuple[str, object, object]]:
    # Where a table has the name of a thing, a parameter gives way with an underscore.
    return [
        (parameter.name.rstrip("_"), parameter.kind, parameter.default)
        for parameter in inspect.signature(function).parameters.values()
    ]


@pytest.mark.promise("EMB-4")
def test_every_promise_of_a_port_is_in_prose() -> None:
    nothing: Any = None
    for name, port, _part in ports_of(SqlTransaction(nothing, b"")):
        assert port.__doc__, name
        for method, promised in vars(port).items():
            if inspect.isfunction(promised) and not method.startswith("_"):
                assert promised.__doc__, f"{name}.{method}"
