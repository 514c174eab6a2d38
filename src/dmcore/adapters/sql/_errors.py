"""The one place where a database's errors become ours (LEAK-1).

Nothing of the foreign error travels on: its text may quote rows, its chain carries parameters.
"""

import sqlite3
from enum import Enum, auto

import attrs
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    NoResultFound,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dmcore.errors import NotInitialised, StoreBusy, StoreError, StoreRefused, StoreUnavailable


class Remedy(Enum):
    """What the runner may do about a failure."""

    NONE = auto()
    START_OVER = auto()
    """Another writer was in the way: run the use case again, with fresh facts."""
    READ_AGAIN = auto()
    """A row was there after all: run again, but not for long, for then it is no race."""
    RECONNECT = auto()
    """The connection is gone: run again if it is certain that nothing was committed."""


@attrs.frozen
class Verdict:
    """A failure in our own words."""

    error: StoreError
    remedy: Remedy = Remedy.NONE


# SQLSTATE codes of PostgreSQL.
_START_OVER_STATES = {"40001", "40P01", "55P03"}
_BUSY_STATES = {"57014", "53300"}
_FULL_STATES = {"53100", "53200"}
_READ_ONLY_STATES = {"25006"}
_MISSING_TABLE_STATES = {"42P01", "3F000"}
_UNIQUE_STATE = "23505"

# Primary result codes of SQLite.
_SQLITE_BUSY = {5, 6}
_SQLITE_READ_ONLY = 8
_SQLITE_FULL = 13
_SQLITE_NO_FILE = 14
_SQLITE_NOT_A_DATABASE = {11, 26}


def judge(error: SQLAlchemyError) -> Verdict:
    """Translate a failure. What is returned holds no part of ``error``."""
    if isinstance(error, PoolTimeoutError):
        return Verdict(StoreBusy())
    if isinstance(error, DisconnectionError):
        return Verdict(_lost(), Remedy.RECONNECT)
    if isinstance(error, NoResultFound):
        # Every statement begins at the installation record and finds at least that.
        return Verdict(NotInitialised())
    if not isinstance(error, DBAPIError):
        return Verdict(StoreUnavailable("the database layer failed"))
    if error.connection_invalidated:
        return Verdict(_lost(), Remedy.RECONNECT)
    if isinstance(error.orig, sqlite3.Error):
        return _judge_sqlite(error, getattr(error.orig, "sqlite_errorcode", 0))
    return _judge_postgres(error, getattr(error.orig, "sqlstate", None) or "")


def _judge_sqlite(error: DBAPIError, code: int) -> Verdict:
    primary = code & 0xFF
    if primary in _SQLITE_BUSY:
        return Verdict(StoreBusy())
    if isinstance(error, IntegrityError):
        name = getattr(error.orig, "sqlite_errorname", "")
        return Verdict(StoreRefused(name.removeprefix("SQLITE_CONSTRAINT_").lower()))
    reasons = {
        _SQLITE_READ_ONLY: "it is read-only",
        _SQLITE_FULL: "the disk is full",
        _SQLITE_NO_FILE: "the database file cannot be opened",
    }
    if primary in _SQLITE_NOT_A_DATABASE:
        return Verdict(StoreUnavailable("the file is not a sound database"))
    if primary == 1 and "no such table: dm_" in str(error.orig):
        return Verdict(NotInitialised())
    return Verdict(StoreUnavailable(reasons.get(primary, "the database failed")))


def _judge_postgres(error: DBAPIError, state: str) -> Verdict:
    if state in _START_OVER_STATES:
        return Verdict(StoreBusy(), Remedy.START_OVER)
    if isinstance(error, IntegrityError):
        diagnosis = getattr(error.orig, "diag", None)
        rule = getattr(diagnosis, "constraint_name", None) or "unnamed"
        remedy = Remedy.READ_AGAIN if state == _UNIQUE_STATE else Remedy.NONE
        return Verdict(StoreRefused(rule), remedy)
    if state in _BUSY_STATES:
        return Verdict(StoreBusy())
    if state in _FULL_STATES:
        return Verdict(StoreUnavailable("the disk or the memory is full"))
    if state in _READ_ONLY_STATES:
        return Verdict(StoreUnavailable("it is read-only"))
    if state in _MISSING_TABLE_STATES:
        return Verdict(NotInitialised())
    if state == "" and isinstance(error, OperationalError):
        # libpq reports a server that cannot be reached, or went away, without a state.
        return Verdict(_lost(), Remedy.RECONNECT)
    return Verdict(StoreUnavailable("the database failed"))


def _lost() -> StoreUnavailable:
    return StoreUnavailable("the database cannot be reached")
