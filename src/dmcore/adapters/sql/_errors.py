"""The one place where a database's errors become ours (LEAK-1).

Nothing of the foreign error travels on: its text may quote rows, its chain carries parameters.
"""

import sqlite3
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from traceback import clear_frames
from typing import Final

import attrs
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    NoResultFound,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dmcore.errors import (
    NotInitialised,
    StoreBusy,
    StoreError,
    StoreRefused,
    StoreUnavailable,
    WrongRole,
)


class Remedy(Enum):
    """What the runner may do about a failure."""

    NONE = auto()
    START_OVER = auto()
    """Another writer was in the way: run the use case again, with fresh facts."""
    READ_AGAIN = auto()
    """A row was there after all, or gone: run again, but not for long, for then it is no race."""
    RECONNECT = auto()
    """The connection leads nowhere: run again if it is certain that nothing was committed."""


@attrs.frozen
class Verdict:
    """A failure in our own words.

    ``error`` is made anew whenever it is asked for: one that was raised holds the frames it came
    through, and with them the text of a call. Whoever keeps a verdict must not keep that.
    """

    _make: Callable[[], StoreError]
    remedy: Remedy = Remedy.NONE

    @property
    def error(self) -> StoreError:
        """What to raise."""
        return self._make()


# SQLSTATE codes of PostgreSQL.
_START_OVER_STATES = {"40001", "40P01", "55P03"}
_OTHER_STATES: Final[dict[str, Callable[[], StoreError]]] = {
    "57014": StoreBusy,
    "53300": StoreBusy,
    "53100": lambda: StoreUnavailable("the disk or the memory is full"),
    "53200": lambda: StoreUnavailable("the disk or the memory is full"),
    "42501": lambda: WrongRole("it lacks a right that this needs"),
    "42P01": NotInitialised,
    "3F000": NotInitialised,
}
# What a server says that another has taken the lead from, to whoever is still connected to it.
_READ_ONLY_STATE: Final = "25006"
# A row was there after all, or was gone.
_READ_AGAIN_STATES = {"23505", "23503"}

_LOST_GUARD_STATES: Final = _START_OVER_STATES | _READ_AGAIN_STATES

# Primary result codes of SQLite.
_SQLITE_BUSY = {5, 6}
_SQLITE_READ_ONLY = 8
_SQLITE_FULL = 13
_SQLITE_NO_FILE = 14
_SQLITE_NOT_A_DATABASE = {11, 26}


def judge(error: SQLAlchemyError) -> Verdict:
    """Translate a failure. What is returned holds no part of ``error``.

    Nor do the frames that it came through hold anything any more: SQLAlchemy's hold it in turn, and
    what was to be stored, until garbage is collected.
    """
    _let_go(error)
    return _judged(error)


def _let_go(error: BaseException) -> None:
    behind: list[BaseException | None] = [error]
    while behind:
        found = behind.pop()
        if found is not None:
            clear_frames(found.__traceback__)
            behind += (found.__cause__, found.__context__)


def _judged(error: SQLAlchemyError) -> Verdict:
    if isinstance(error, PoolTimeoutError):
        return Verdict(StoreBusy)
    if isinstance(error, DisconnectionError):
        return Verdict(_lost, Remedy.RECONNECT)
    if isinstance(error, NoResultFound):
        # Every statement begins at the installation record and finds at least that.
        return Verdict(NotInitialised)
    if not isinstance(error, DBAPIError):
        return _unavailable("the database layer failed")
    if is_read_only(error):
        return _unavailable("it is read-only", Remedy.RECONNECT)
    if error.connection_invalidated:
        return Verdict(_lost, Remedy.RECONNECT)
    if isinstance(error.orig, sqlite3.Error):
        return _judge_sqlite(error, getattr(error.orig, "sqlite_errorcode", 0))
    return _judge_postgres(error, getattr(error.orig, "sqlstate", None) or "")


def is_read_only(error: DBAPIError) -> bool:
    """Whether PostgreSQL refused because nothing can be written where this connection leads."""
    return getattr(error.orig, "sqlstate", None) == _READ_ONLY_STATE


def is_lost_guard(error: DBAPIError) -> bool:
    """Whether another writer was in the way of a guarded write."""
    return getattr(error.orig, "sqlstate", None) in _LOST_GUARD_STATES


def is_refusal(error: DBAPIError) -> bool:
    """Whether PostgreSQL said that it did not do a statement, and stayed there to be asked more.

    What ends a connection may be said after COMMIT as well.
    """
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "severity_nonlocalized", None) == "ERROR"


def _judge_sqlite(error: DBAPIError, code: int) -> Verdict:
    primary = code & 0xFF
    if primary in _SQLITE_BUSY:
        return Verdict(StoreBusy)
    if isinstance(error, IntegrityError):
        name = getattr(error.orig, "sqlite_errorname", "")
        rule = name.removeprefix("SQLITE_CONSTRAINT_").lower()
        return Verdict(partial(StoreRefused, rule))
    reasons = {
        _SQLITE_READ_ONLY: "it is read-only",
        _SQLITE_FULL: "the disk is full",
        _SQLITE_NO_FILE: "the database file cannot be opened",
    }
    if primary in _SQLITE_NOT_A_DATABASE:
        return _unavailable("the file is not a sound database")
    if primary == 1 and "no such table: dm_" in str(error.orig):
        return Verdict(NotInitialised)
    return _unavailable(reasons.get(primary, "the database failed"))


def _judge_postgres(error: DBAPIError, state: str) -> Verdict:
    if state in _START_OVER_STATES:
        return Verdict(StoreBusy, Remedy.START_OVER)
    if isinstance(error, IntegrityError):
        diagnosis = getattr(error.orig, "diag", None)
        rule = getattr(diagnosis, "constraint_name", None) or "unnamed"
        remedy = Remedy.READ_AGAIN if state in _READ_AGAIN_STATES else Remedy.NONE
        return Verdict(partial(StoreRefused, rule), remedy)
    if state in _OTHER_STATES:
        return Verdict(_OTHER_STATES[state])
    if state == "" and isinstance(error, ProgrammingError):
        # Raised before anything is sent: libpq does not know an option of the URL.
        return _unavailable("the URL has an option that the driver does not know")
    if state == "" and isinstance(error, OperationalError):
        # libpq reports a server that cannot be reached, or went away, without a state.
        return Verdict(_lost, Remedy.RECONNECT)
    return _unavailable("the database failed")


def _unavailable(reason: str, remedy: Remedy = Remedy.NONE) -> Verdict:
    return Verdict(partial(StoreUnavailable, reason), remedy)


def _lost() -> StoreUnavailable:
    return StoreUnavailable("the database cannot be reached")
