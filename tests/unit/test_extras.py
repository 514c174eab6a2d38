"""What is optional says which extra brings it, wherever it is missed."""

import json
import runpy
import subprocess
import sys
from typing import Final

import pytest

from dmcore._extras import extra
from dmcore.adapters import sql
from dmcore.errors import InvalidSetting
from dmcore.testing import plugin

# One process that hides packages from children of its own, as where nobody installed them: to begin
# an interpreter for each would take most of the time.
HIDING = """
import importlib.machinery, json, os, sys
find_spec, hidden = importlib.machinery.PathFinder.find_spec, set()
def found(name, path=None, target=None):
    return None if name.partition(".")[0] in hidden else find_spec(name, path, target)
importlib.machinery.PathFinder.find_spec = found
said = {}
for before, missed in json.load(sys.stdin):
    exec(before)
    for program, packages in missed:
        reading, writing = os.pipe()
        if os.fork() == 0:
            hidden.update(packages.split())
            try:
                exec(program, {})
                last = "ran"
            except Exception as error:
                last = f"{type(error).__name__}: {error}"
            os.write(writing, last.encode())
            os._exit(0)
        os.close(writing)
        with open(reading) as pipe:
            said[f"{program} without {packages}"] = pipe.read()
        os.wait()
json.dump(said, sys.stdout)
"""

SQL: Final = "import dmcore.adapters.sql"
REFERENCES: Final = "from dmcore.adapters.relay import HostReferences"
CRYPTO: Final = "import dmcore.adapters.crypto"
SEALING: Final = "import dmcore.adapters.e2ee"
ASGI: Final = "import dmcore.adapters.web.asgi"
FASTAPI: Final = "import dmcore.adapters.web.fastapi"
FLASK: Final = "import dmcore.adapters.web.flask"
DJANGO: Final = "import dmcore.adapters.web.django"
VALKEY: Final = "from dmcore.adapters.signals import ValkeySignals as it; it('valkey://localhost')"
TELEMETRY: Final = "from dmcore.adapters.instrumentation import Telemetry as it; it()"
SUITE: Final = "import dmcore.testing.plugin"
SERVER: Final = "import dmcore.testing.postgres"
MEMORY: Final = """
from dmcore.adapters import memory
with memory.open_sync() as dm:
    dm.operations("olga").set_mode("on")
    dm.mailbox("ann").start("bob", "Hello Bob")
    assert dm.mailbox("bob").unread() == 1
"""
OPEN: Final = "from dmcore.adapters import sql; sql.open_sync('postgresql://localhost/messages')"
OPEN_ANOTHER: Final = OPEN.replace("postgresql", "postgresql+asyncpg")
OPEN_AWAITED: Final = (
    "import asyncio; from dmcore.adapters import sql;"
    "asyncio.run(sql.open_async('postgresql://localhost/messages'))"
)
FRAMEWORKS: Final = "jinja2 markupsafe pydantic fastapi starlette flask werkzeug django asgiref"
EVERYTHING: Final = f"{FRAMEWORKS} sqlalchemy alembic psycopg greenlet cryptography valkey typer"

# What is imported, what is hidden, what is missed, and what brings it.
IMPORTS = [
    (SQL, "sqlalchemy alembic", "sqlalchemy", "sql"),
    (REFERENCES, "sqlalchemy alembic", "sqlalchemy", "sql"),
    (CRYPTO, "sqlalchemy", "sqlalchemy", "crypto"),
    (CRYPTO, "cryptography", "cryptography", "crypto"),
    (SEALING, "cryptography", "cryptography", "crypto"),
    (ASGI, "pydantic", "pydantic", "web"),
    (ASGI, "jinja2", "jinja2", "web"),
    (FASTAPI, FRAMEWORKS, "fastapi", "fastapi"),
    (FLASK, FRAMEWORKS, "flask", "flask"),
    (DJANGO, FRAMEWORKS, "asgiref", "django"),
    (DJANGO, "django", "django", "django"),
    (VALKEY, "valkey", "valkey", "valkey"),
    (TELEMETRY, "opentelemetry", "opentelemetry", "otel"),
    (SUITE, "hypothesis", "hypothesis", "testing"),
    (SUITE, "pytest hypothesis", "pytest", "testing"),
    (SERVER, "psycopg", "psycopg", "postgres"),
]
OPENED = [(OPEN, "psycopg"), (OPEN_AWAITED, "greenlet")]

Said = dict[str, str]


@pytest.fixture(scope="module")
def said() -> Said:
    """How each program ends where its packages are missing."""
    first = [(MEMORY, EVERYTHING), *((program, hidden) for program, hidden, *_ in IMPORTS)]
    then = [*OPENED, (OPEN_ANOTHER, "asyncpg")]
    ran = subprocess.run(
        [sys.executable, "-c", HIDING],
        input=json.dumps([("import dmcore", first), (SQL, then)]),
        capture_output=True,
        text=True,
        check=True,
    )
    found: Said = json.loads(ran.stdout)
    return found


@pytest.mark.promise("EMB-1")
@pytest.mark.parametrize(("program", "hidden", "missing", "extra"), IMPORTS)
def test_what_is_missing_is_told_by_the_extra_that_brings_it(
    program: str, hidden: str, missing: str, extra: str, said: Said
) -> None:
    told = f'ImportError: {missing} is not installed: pip install "dmcore[{extra}]"'
    assert said[f"{program} without {hidden}"] == told


@pytest.mark.promise("EMB-1")
@pytest.mark.parametrize(("program", "hidden"), OPENED)
def test_a_missing_driver_is_told_by_the_extra_that_brings_it(
    program: str, hidden: str, said: Said
) -> None:
    told = 'InvalidSetting: url: needs more packages: pip install "dmcore[postgres]"'
    assert said[f"{program} without {hidden}"] == told


def test_a_driver_that_no_extra_brings_is_no_matter_of_extras(said: Said) -> None:
    told = "InvalidSetting: url: names a driver that is missing or does not take these options"
    assert said[f"{OPEN_ANOTHER} without asyncpg"] == told


@pytest.mark.promise("EMB-1")
def test_what_is_not_optional_needs_no_extra(said: Said) -> None:
    assert said[f"{MEMORY} without {EVERYTHING}"] == "ran"


# The same within this process, where a package is missing as far as imports are told -------------


def test_an_import_that_fails_names_package_and_extra() -> None:
    with pytest.raises(ImportError, match="not_there is not installed") as told, extra("more"):
        import not_there  # type: ignore[import-not-found]  # noqa: F401
    assert told.value.name == "not_there"
    assert str(told.value).endswith('pip install "dmcore[more]"')


def test_an_import_that_succeeds_is_let_be() -> None:
    with extra("more"):
        import json as there
    assert there is json


def test_a_database_without_its_driver_is_an_invalid_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InvalidSetting, match=r"dmcore\[postgres\]"):
        sql.open_sync("postgresql://localhost/messages")


def test_the_suite_says_that_it_draws_its_histories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError, match=r"hypothesis .* \"dmcore\[testing\]"):
        runpy.run_path(plugin.__file__)
