"""Connecting: which URLs are understood, and how each database is set up."""

import logging
import sqlite3
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import attrs
from sqlalchemy import URL, Dialect, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from dmcore.adapters.database_urls import hosts_of, ports_of, read_url
from dmcore.adapters.sql._row_security import Expected, check_expected
from dmcore.domain.numbers import is_whole_number
from dmcore.errors import InvalidSetting, NotInitialised

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

Made = TypeVar("Made")
Synchronous = Literal["FULL", "NORMAL"]
IsolationLevel = Literal["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]

_ISOLATION_LEVELS: Final = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
_SYNCHRONOUS: Final = ("FULL", "NORMAL")
# By name, and whether it awaits.
_DRIVERS: Final = {("pysqlite", False), ("psycopg", False)}
_AWAITING_DRIVERS: Final = {("psycopg", True)}
_BUSY_TIMEOUT_S: Final = 30
_CONNECT_TIMEOUT_S: Final = 10
# A connection may rest for long: what stands between does not forget it, or it is found to be dead.
_OF_ONE: Final = {"keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 3}
# Where a URL names several servers, another one takes over from one that is gone. Whoever is in the
# middle of something with that one, or would begin, has to be told: a machine without power tells
# nobody, and left alone the system waits for a quarter of an hour. A URL may say otherwise.
_OF_SEVERAL: Final = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_LAST_PORT: Final = 65_535
# One who holds a mailbox and does nothing must not keep everybody who wants it waiting for ever.
_LOCK_TIMEOUT: Final = "10s"
_LOOK_AGAIN_S: Final = 0.01
_LOGGING_NAME: Final = "dmcore"
# Of every engine: neither its errors nor its log show what it was given.
_QUIET: Final[dict[str, Any]] = {"hide_parameters": True, "logging_name": _LOGGING_NAME}

# Every page is read in the order of an index. Where a typical conversation is short, the planner
# would rather fetch it whole and sort it, and would do so with one of a million messages too. No
# statement here is long enough to be worth compiling.
_PLANNER: Final = "-c enable_bitmapscan=off -c jit=off"
# Nor does a plan depend on what is asked for, but on Citus, where that says on which machine it is.
_ONE_PLAN: Final = "-c plan_cache_mode=force_generic_plan"


def parse_url(text: str) -> URL:
    """Read a database URL. Raises ``InvalidSetting``, which never shows it."""
    url = None
    if is_encodable(text):
        try:
            url = read_url(text)
        except (ArgumentError, ValueError):
            url = None
    if url is None:
        raise InvalidSetting("url", "is not a database URL")
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise InvalidSetting("url", "must begin with sqlite:/// or postgresql://")
    if not all(map(_is_port, ports_of(url))):
        raise InvalidSetting("url", f"has a port outside 1..{_LAST_PORT}")
    if backend == "sqlite" and url.query:
        raise InvalidSetting("url", "takes no driver options on SQLite")
    if backend == "sqlite" and (not url.database or ":memory:" in url.database):
        raise InvalidSetting("url", "SQLite needs a file; the in-memory store is another adapter")
    return url


def _is_port(text: str) -> bool:
    is_short_number = text.isascii() and text.isdecimal() and len(text) <= len(str(_LAST_PORT))
    return is_short_number and 1 <= int(text) <= _LAST_PORT


@attrs.frozen(kw_only=True)
class Settings:
    """How a host wants its database used. Raises ``InvalidSetting``.

    Whether it ``is_spread`` over machines is found by looking, with an engine that knows nothing.
    """

    isolation_level: IsolationLevel | None = None
    synchronous: Synchronous = "FULL"
    pool_size: int = 1
    row_security: Expected = "as_found"
    is_spread: bool = False

    def __attrs_post_init__(self) -> None:
        if self.isolation_level is not None and self.isolation_level not in _ISOLATION_LEVELS:
            levels = ", ".join(_ISOLATION_LEVELS)
            raise InvalidSetting("isolation_level", f"must be one of {levels}")
        if self.synchronous not in _SYNCHRONOUS:
            raise InvalidSetting("synchronous", "must be FULL or NORMAL")
        if not is_whole_number(self.pool_size, least=1):
            raise InvalidSetting("pool_size", "must be a whole number of at least 1")
        check_expected(self.row_security)


def make_engine(url: URL, settings: Settings) -> Engine:
    """An engine whose errors and logs show no parameter. Raises ``InvalidSetting``."""
    engine = _made(create_engine, url, settings)
    _check_driver(engine.dialect, _DRIVERS)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, settings.synchronous)
    return engine


def make_async_engine(url: URL, settings: Settings) -> "AsyncEngine":
    """The same for PostgreSQL, with its driver awaiting. Raises ``InvalidSetting``."""
    engine = _made(_create_async_engine, url, settings)
    _check_driver(engine.dialect, _AWAITING_DRIVERS)
    return engine


def _check_driver(dialect: Dialect, allowed: Collection[tuple[str, bool]]) -> None:
    if (dialect.driver, dialect.is_async) not in allowed:
        raise InvalidSetting("url", "must use the sqlite or the psycopg driver")


def _create_async_engine(url: URL, **options: Any) -> "AsyncEngine":
    # Needs greenlet, which a blocking host does without.
    from sqlalchemy.ext.asyncio import create_async_engine

    return create_async_engine(url, **options)


def _made(create: Callable[..., Made], url: URL, settings: Settings) -> Made:
    options: dict[str, Any] = {
        # No driver begins a transaction by itself: the runner does, in the words of each database.
        "isolation_level": "AUTOCOMMIT",
        # What was opened is kept: to open one costs more than any statement. The one that was used
        # last is used next: it has every statement prepared, and its server is still warm.
        "pool_size": 2 * settings.pool_size,
        "max_overflow": 0,
        "pool_use_lifo": True,
    }
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {"check_same_thread": False, "timeout": _BUSY_TIMEOUT_S}
    else:
        asked = [url.query.get("options", ""), _PLANNER, f"-c lock_timeout={_LOCK_TIMEOUT}"]
        if not settings.is_spread:
            asked.append(_ONE_PLAN)
        if settings.isolation_level is not None:
            level = settings.isolation_level.lower().replace(" ", "\\ ")
            asked.append(f"-c default_transaction_isolation={level}")
        options["connect_args"] = {
            "options": " ".join(map(str, asked)).strip(),
            "client_encoding": "UTF8",
        }
        usual = _OF_ONE if len(hosts_of(url)) <= 1 else _OF_SEVERAL
        unsaid = {name: it for name, it in usual.items() if name not in url.query}
        options["connect_args"].update(unsaid)
    return _created(create, url, options, "url")


def make_hosts_engine(url: URL) -> Engine:
    """One for looking into the host's database, which is not ours to set up.

    Nothing can be written through it, and nothing is asked of the session that a pooler between
    would refuse or pass on to somebody else. Raises ``InvalidSetting``.
    """
    is_sqlite = url.get_backend_name() == "sqlite"
    options: dict[str, Any] = {
        "pool_size": 1,
        "connect_args": {"timeout": _BUSY_TIMEOUT_S},
    }
    if not is_sqlite:
        options["connect_args"] = {"client_encoding": "UTF8", "prepare_threshold": None}
        if "connect_timeout" not in url.query:
            options["connect_args"]["connect_timeout"] = _CONNECT_TIMEOUT_S
        options["execution_options"] = {"postgresql_readonly": True}
    engine = _created(create_engine, url, options, "host_url")
    if is_sqlite:
        _read_anything(engine)
    return engine


def _created(create: Callable[..., Made], url: URL, options: dict[str, Any], setting: str) -> Made:
    engine = None
    try:
        engine = create(url, **_QUIET, **options)
    except (SQLAlchemyError, ImportError, TypeError, ValueError):
        engine = None
    if engine is None:
        raise InvalidSetting(setting, _why_not(url))
    _hide_rows()
    return engine


def _why_not(url: URL) -> str:
    """What is wrong with a URL for which no engine can be made."""
    if url.get_driver_name() == "psycopg" and not all(map(find_spec, ("psycopg", "greenlet"))):
        return 'needs more packages: pip install "dmcore[postgres]"'
    return "names a driver that is missing or does not take these options"


def is_encodable(text: object) -> bool:
    """Whether it is a text that a file or a server can be named with."""
    if not isinstance(text, str):
        return False
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def check_file(url: URL) -> None:
    """Raise ``NotInitialised`` rather than let SQLite create an empty file."""
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise NotInitialised


def use_wal(engine: Engine) -> None:
    """Let SQLite readers and writers pass each other; the file remembers it.

    SQLite does not wait for its turn to change this, so whoever comes second looks again.
    """
    if engine.dialect.name != "sqlite":
        return
    patient_until_s = time.monotonic() + _BUSY_TIMEOUT_S
    with engine.connect() as connection:
        while connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() != "wal":
            try:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            except OperationalError:
                if time.monotonic() > patient_until_s:
                    raise
                time.sleep(_LOOK_AGAIN_S)


def _hide_rows() -> None:
    """Keep what a statement returned out of the log: with echo="debug" it would be there."""
    logging.getLogger(f"sqlalchemy.engine.Engine.{_LOGGING_NAME}").addFilter(_is_no_row)


def _is_no_row(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(("Row ", "Col "))


def _prepare_sqlite(engine: Engine, synchronous: Synchronous) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        # What is deleted is overwritten, whatever the library was built with (MSG-5).
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        # Where what is written goes through: nothing of it is worth a file (ADR 54).
        connection.execute("PRAGMA temp_store = MEMORY")

    @event.listens_for(engine, "close")
    def undo(connection: sqlite3.Connection, _record: object) -> None:
        # A connection that is closed while somebody still has a cursor of it keeps its transaction,
        # and with it the file, until that cursor is gone. An interrupted call may leave one behind.
        with suppress(sqlite3.Error):
            connection.rollback()


def _read_anything(engine: Engine) -> None:
    """Whatever is in a file of somebody else's can be looked at: a text need not be one."""

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA query_only = ON")
        connection.text_factory = lambda value: value.decode(errors="replace")
