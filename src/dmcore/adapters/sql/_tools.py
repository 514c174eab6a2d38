"""PostgreSQL's own programs: finding one that is new enough, and running it without a password.

What a program says stays here: it may quote rows.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from sqlalchemy import Connection

from dmcore.errors import InvalidSetting, MissingTool, StoreError, StoreUnavailable, WrongRole

_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_INSTALLED: Final = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql*/bin",
)
# Where the server's own programs are is not for every login.
_MAY_ASK: Final = "SELECT has_function_privilege('pg_config()', 'EXECUTE')"
_OF_SERVER: Final = "SELECT setting FROM pg_config() WHERE name = 'BINDIR'"
_SECRETS: Final = ("sslpassword", "oauth_client_secret")
# Of what a program says, what can be told without quoting anything of it.
_KNOWN: Final[tuple[tuple[str, Callable[[], StoreError]], ...]] = (
    ("permission denied", lambda: WrongRole("it lacks a right that this needs")),
    ("row-level security", lambda: WrongRole("it lacks a right that this needs")),
    ("No space left", lambda: StoreUnavailable("the disk is full")),
)


@attrs.frozen(kw_only=True)
class Tool:
    """A program, and the major version that it is of."""

    name: str
    path: Path
    version: int

    def run(self, arguments: Sequence[str | Path], *, password: str | None = None) -> str:
        """What it printed. Raises ``StoreUnavailable`` and ``WrongRole`` where it failed."""
        # A list of arguments is shown to everybody on the machine, an environment is not.
        secret = {} if password is None else {"PGPASSWORD": password}
        done = subprocess.run(
            [self.path, "--no-password", *arguments],
            env={**os.environ, "LC_ALL": "C", **secret},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode == 0:
            return done.stdout
        for phrase, error in _KNOWN:
            if phrase in done.stderr:
                raise error()
        raise StoreUnavailable(f"{self.name} failed with status {done.returncode}")


def find_tool(name: str, *, connection: Connection, least: int, folder: Path | None = None) -> Tool:
    """The program of this name that is closest to the server's version, and not below ``least``.

    In ``folder`` where one is named; otherwise on the path, beside the server, and where systems
    put it. Raises ``MissingTool``.
    """
    folders = _folders(name, connection) if folder is None else iter([folder])
    found = [tool for it in folders if (tool := _tool(name, it)) is not None]
    usable = [tool for tool in found if tool.version >= least]
    if usable:
        return min(usable, key=lambda tool: tool.version)
    if not found:
        raise MissingTool(name, "install PostgreSQL's client programs, or name their folder")
    newest = max(tool.version for tool in found)
    raise MissingTool(name, f"it is of version {newest}, and at least {least} is needed")


def _folders(name: str, connection: Connection) -> Iterator[Path]:
    on_path = shutil.which(name)
    if on_path is not None:
        yield Path(on_path).parent
    if connection.exec_driver_sql(_MAY_ASK).scalar_one():
        yield Path(connection.exec_driver_sql(_OF_SERVER).scalar_one())
    for pattern in _INSTALLED:
        yield from Path("/").glob(pattern)


def _tool(name: str, folder: Path) -> Tool | None:
    path = folder / name
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    version = _VERSION.search(said.stdout)
    return None if version is None else Tool(name=name, path=path, version=int(version[1]))


def server_version(connection: Connection) -> int:
    """The major version of the server."""
    return int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000


def conninfo_of(connection: Connection) -> tuple[str, str | None]:
    """How a program reaches the same database: a text without the password, and the password.

    Raises ``InvalidSetting`` for a secret that there is no other way for.
    """
    from psycopg import pq
    from psycopg.conninfo import make_conninfo

    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    # What the URL says and no more: the program may know less than the driver.
    _, said = connection.dialect.create_connect_args(connection.engine.url)
    arguments: dict[str, Any] = {name: it for name, it in said.items() if name in known}
    if any(name in arguments for name in _SECRETS):
        raise InvalidSetting("url", "has a secret that PostgreSQL's programs cannot be told")
    password = arguments.pop("password", None)
    # The very server that this connection is to, where the URL names more than one.
    arguments.pop("hostaddr", None)
    info: Any = connection.connection.driver_connection.info  # type: ignore[union-attr]
    return make_conninfo(**arguments | {"host": info.host, "port": info.port}), password
