"""Whether the message database is the host's own: told by its URL, and by looking (OPS-2, ADR 48).

Two URLs may name one database in ways that no comparison of words can see, so both databases are
asked as well. Nothing is written into either of them.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import attrs
from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.util import asbool

from dmcore.adapters.database_urls import read_url
from dmcore.adapters.sql._engine import Settings, is_encodable, make_engine, make_hosts_engine
from dmcore.adapters.sql._errors import judge
from dmcore.adapters.sql._statements import dialect_of
from dmcore.errors import HostUnavailable, InvalidSetting, SharedDatabase

Answer = TypeVar("Answer")
HostUrl = str | URL

# What hosts begin the URLs of the two systems with that dmcore can be in.
_SYSTEMS: Final = {
    **dict.fromkeys(("sqlite", "sqlite3", "spatialite"), "sqlite"),
    **dict.fromkeys(
        ("postgresql", "postgres", "pgsql", "postgis", "timescale", "timescalegis"), "postgresql"
    ),
}
_DRIVERS: Final = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
_THIS_MACHINE: Final = "localhost"
_KEY_BITS: Final = 63

_HOLD: Final = "SELECT pg_advisory_xact_lock(%s)"
_IS_FREE: Final = "SELECT pg_try_advisory_xact_lock(%s)"
_WHEREABOUTS: Final = (
    "SELECT pg_is_in_recovery(), oid,"
    " has_function_privilege(to_regprocedure('pg_control_system()'), 'EXECUTE')"
    " FROM pg_database WHERE datname = current_database()"
)
_CLUSTER: Final = "SELECT system_identifier FROM pg_control_system()"


def parse_host_url(url: HostUrl) -> URL:
    """The URL of the host's database, for the drivers that we have.

    Raises ``InvalidSetting``, which never shows it.
    """
    parsed = url if isinstance(url, URL) else None
    if not isinstance(url, URL) and is_encodable(url):
        try:
            parsed = read_url(url)
        except (ArgumentError, ValueError):
            parsed = None
    if parsed is None:
        raise InvalidSetting("host_url", "is not a database URL")
    system = _SYSTEMS.get(parsed.drivername.partition("+")[0])
    if system is None:
        raise InvalidSetting(
            "host_url",
            "must be of PostgreSQL or SQLite; messages cannot be in any other, so leave it out",
        )
    if system == "sqlite" and parsed.host:
        raise InvalidSetting("host_url", "has three slashes before the file of SQLite")
    return parsed.set(drivername=_DRIVERS[system])


def check_apart(url: URL, host_url: HostUrl | None) -> None:
    """Raise where messages would be in the host's database, or where that cannot be told.

    ``SharedDatabase``, ``HostUnavailable``; ``StoreUnavailable`` where the message database cannot
    be asked. On PostgreSQL another schema of the same database is the same database.
    """
    if host_url is None:
        return
    host = parse_host_url(host_url)
    system = url.get_backend_name()
    if host.get_backend_name() != system:
        return
    if system == "sqlite":
        is_one = _is_one_file(url, host)
    else:
        url = url.set(drivername=_DRIVERS[system])
        is_one = _is_one_place(url, host) or _is_one_database(url, host)
    if is_one:
        raise SharedDatabase("this is the host's own")


# SQLite: which file it is ------------------------------------------------------------------------


def hosts_file(url: URL) -> Path | None:
    """The file of a SQLite URL as any host writes it; ``None`` for one in memory."""
    name = url.database or ":memory:"
    is_memory = name == ":memory:"
    if asbool(url.query.get("uri", False)) and name.startswith("file:"):
        # What SQLite itself makes of such a name.
        name, _, options = name.removeprefix("file:").partition("#")[0].partition("?")
        if name.startswith("//"):
            name = "/" + name[2:].partition("/")[2]
        name = unquote(name)
        modes = (url.query.get("mode"), *options.split("&"))
        is_memory = name in ("", ":memory:") or bool({"memory", "mode=memory"} & {*modes})
    return None if is_memory else Path(name)


def _is_one_file(url: URL, host: URL) -> bool:
    file = hosts_file(host)
    if file is None:
        return False
    try:
        return _identity(Path(url.database or "")) == _identity(file)
    except OSError:
        pass
    raise HostUnavailable("its file, or a folder above it, is closed to this process")


def _identity(file: Path) -> tuple[object, ...]:
    """What a file has in common with itself only, by whatever name; one to come has its folder."""
    real = Path(os.path.realpath(file))
    try:
        found = real.stat()
    except (FileNotFoundError, NotADirectoryError):
        return (*_identity(real.parent), real.name)
    return found.st_dev, found.st_ino


# PostgreSQL: which words it is named with --------------------------------------------------------


def _is_one_place(url: URL, host: URL) -> bool:
    """Whether the two name one database, in whatever words; one server in common is enough."""
    one, other = _place(url), _place(host)
    if one is None or other is None:
        return False
    return one[0] == other[0] and bool(one[1] & other[1])


def _place(url: URL) -> tuple[str, frozenset[tuple[str, str]]] | None:
    """The name of a database, and the servers it may be on; ``None`` where the URL does not say."""
    from psycopg import pq

    try:
        _, arguments = dialect_of("postgresql").create_connect_args(url)
    except ArgumentError:
        return None
    known = {
        option.keyword.decode(): option.val.decode()
        for option in pq.Conninfo.get_defaults()
        if option.val is not None
    }
    said = {name: str(it) for name, it in arguments.items() if it not in (None, "")}
    found = known | said
    if "service" in found:
        return None
    # Where there is an address, the name beside it is not looked up.
    hosts = found.get("hostaddr", found.get("host", "")).split(",")
    ports = found["port"].split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    servers = zip(map(_folded, hosts), (it or "5432" for it in ports), strict=False)
    return found.get("dbname", found["user"]), frozenset(servers)


def _folded(host: str) -> str:
    """One name for what has several: this machine, one address, one folder of sockets."""
    if host.startswith("/"):
        return os.path.realpath(host)
    name = host.lower().rstrip(".")
    try:
        address = ip_address(name)
    except ValueError:
        return name
    return _THIS_MACHINE if address.is_loopback else address.compressed


# PostgreSQL: looking -----------------------------------------------------------------------------


@attrs.frozen
class Whereabouts:
    """What a database may be known by where the other one is a copy that follows it."""

    follows: bool
    oid: int
    cluster: int | None

    def may_be(self, other: "Whereabouts") -> bool:
        """Whether one of them follows the other, as far as can be told."""
        if not self.follows and not other.follows:
            # Two that can be written to are two, though one began as a copy of the other.
            return False
        clusters = {self.cluster, other.cluster} - {None}
        return self.oid == other.oid and len(clusters) <= 1


def _is_one_database(url: URL, host: URL) -> bool:
    """Hold in the one a lock that exists once in each database, and ask for it in the other.

    Any login may do both, through any number of names, forwarded ports and poolers. Copies that
    follow have locks of their own: whom they follow is asked as well.
    """
    key = secrets.randbits(_KEY_BITS)
    engine = make_engine(url, Settings())
    try:
        return _asked(engine, lambda messages: _is_held(messages, host, key))
    finally:
        engine.dispose()


def _is_held(messages: Connection, host: URL, key: int) -> bool:
    messages.exec_driver_sql("BEGIN")
    messages.exec_driver_sql(_HOLD, (key,))
    ours = _whereabouts(messages)

    def is_held(theirs: Connection) -> bool:
        is_free = theirs.exec_driver_sql(_IS_FREE, (key,)).scalar_one()
        return not is_free or ours.may_be(_whereabouts(theirs))

    with hosts_database(host) as database:
        return database.ask(is_held)


def _whereabouts(connection: Connection) -> Whereabouts:
    follows, oid, may_ask = connection.exec_driver_sql(_WHEREABOUTS).one()
    cluster = connection.exec_driver_sql(_CLUSTER).scalar_one() if may_ask else None
    return Whereabouts(follows, oid, cluster)


def _asked(engine: Engine, question: Callable[[Connection], Answer]) -> Answer:
    try:
        with engine.connect() as connection:
            return question(connection)
    except SQLAlchemyError as error:
        verdict = judge(error)
    raise verdict.error


# The host's database, for whoever looks into it -------------------------------------------------


@attrs.frozen
class HostsDatabase:
    """Somebody else's database, which is asked and never written to."""

    _engine: Engine

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """The answer, found in a transaction of its own. Raises ``HostUnavailable``."""
        try:
            with self._engine.begin() as connection:
                return question(connection)
        except SQLAlchemyError as error:
            found = judge(error).error
        raise HostUnavailable(str(found.details.get("reason", "it is busy")))


@contextmanager
def hosts_database(host: URL) -> Iterator[HostsDatabase]:
    """The host's database. Raises ``InvalidSetting`` and ``HostUnavailable``."""
    engine = make_hosts_engine(_readable(host))
    try:
        yield HostsDatabase(engine)
    finally:
        engine.dispose()


def _readable(host: URL) -> URL:
    """The same database in words that our drivers know: hosts use others, with options of theirs.

    Raises ``HostUnavailable`` for a file that is not there, rather than make it.
    """
    if host.get_backend_name() == "sqlite":
        file = hosts_file(host)
        if file is None or not os.access(file, os.R_OK):
            raise HostUnavailable("there is no such file, or it is closed to this process")
        uri = file.absolute().as_uri()
        return URL.create("sqlite", database=uri, query={"uri": "true", "mode": "rw"})
    from psycopg import pq

    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    options: dict[str, Any] = {name: it for name, it in host.query.items() if name in known}
    if "ssl" in host.query:
        options.setdefault("sslmode", host.query["ssl"])
    return host.set(query=options)
