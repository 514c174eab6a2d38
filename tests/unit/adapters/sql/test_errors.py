"""The translation of a database's errors: what kind, what the runner may do, and nothing more."""

import sqlite3
from typing import Any

import psycopg
import pytest
from sqlalchemy import exc

from dmcore.adapters.sql._errors import Remedy, judge
from dmcore.errors import (
    NotInitialised,
    StoreBusy,
    StoreError,
    StoreRefused,
    StoreUnavailable,
    WrongRole,
)

SECRET = "canary-5d1c"
STATES = sorted(psycopg.errors._sqlcodes)


def wrapped(foreign: Exception, *, lost: bool = False) -> exc.SQLAlchemyError:
    """The error as SQLAlchemy hands it on, holding the statement and its values."""
    kinds = {"Integrity": exc.IntegrityError, "Programming": exc.ProgrammingError}
    kind = next(
        (kind for name, kind in kinds.items() if name in mro(foreign)), exc.OperationalError
    )
    return kind(f"INSERT {SECRET}", {"body": SECRET}, foreign, connection_invalidated=lost)


def mro(foreign: Exception) -> str:
    return " ".join(it.__name__ for it in type(foreign).__mro__)


def from_postgres(state: str) -> exc.SQLAlchemyError:
    return wrapped(psycopg.errors.lookup(state)(f"DETAIL: row contains {SECRET}"))


def from_sqlite(code: int, name: str = "", text: str = SECRET) -> exc.SQLAlchemyError:
    kind = sqlite3.IntegrityError if code & 0xFF == 19 else sqlite3.OperationalError
    foreign: Any = kind(text)
    foreign.sqlite_errorcode, foreign.sqlite_errorname = code, name
    return wrapped(foreign)


def reason(error: StoreError) -> str:
    return str(error.details.get("reason", error.details.get("rule", "")))


@pytest.mark.parametrize(
    ("state", "expected", "remedy"),
    [
        ("40001", StoreBusy, Remedy.START_OVER),  # serialization failure
        ("40P01", StoreBusy, Remedy.START_OVER),  # deadlock
        ("55P03", StoreBusy, Remedy.START_OVER),  # lock timeout
        ("23505", StoreRefused, Remedy.READ_AGAIN),  # somebody inserted the same row first
        ("23514", StoreRefused, Remedy.NONE),
        ("23503", StoreRefused, Remedy.READ_AGAIN),  # somebody removed what it belongs to
        ("23502", StoreRefused, Remedy.NONE),
        ("57014", StoreBusy, Remedy.NONE),  # statement timeout
        ("53300", StoreBusy, Remedy.NONE),  # too many connections
        ("53100", StoreUnavailable, Remedy.NONE),
        ("53200", StoreUnavailable, Remedy.NONE),
        ("25006", StoreUnavailable, Remedy.RECONNECT),  # another server leads now
        ("42P01", NotInitialised, Remedy.NONE),
        ("3F000", NotInitialised, Remedy.NONE),
        ("42703", StoreUnavailable, Remedy.NONE),
        ("42501", WrongRole, Remedy.NONE),
        ("XX000", StoreUnavailable, Remedy.NONE),
    ],
)
def test_each_state_of_postgresql_has_its_meaning(
    state: str, expected: type[StoreError], remedy: Remedy
) -> None:
    verdict = judge(from_postgres(state))
    assert type(verdict.error) is expected
    assert verdict.remedy is remedy


@pytest.mark.promise("LEAK-1")
def test_no_state_of_postgresql_lets_anything_through() -> None:
    for state in STATES:
        error = judge(from_postgres(state)).error
        shown = (str(error), repr(error), repr(vars(error)), repr(error.args))
        assert SECRET not in "".join(shown), state
        assert error.__cause__ is error.__context__ is None


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("53100", "the disk or the memory is full"),
        ("25006", "it is read-only"),
        ("42703", "the database failed"),
        ("23514", "unnamed"),
    ],
)
def test_the_reason_is_in_words_of_ours(state: str, words: str) -> None:
    assert reason(judge(from_postgres(state)).error) == words


def test_a_connection_without_a_state_is_lost() -> None:
    """So libpq tells of a server that cannot be reached or went away."""
    verdict = judge(wrapped(psycopg.OperationalError("connection refused")))
    assert type(verdict.error) is StoreUnavailable
    assert verdict.remedy is Remedy.RECONNECT


def test_an_option_that_the_driver_does_not_know_is_said() -> None:
    """It never comes from a server, which always names a state, and trying again is no use."""
    verdict = judge(wrapped(psycopg.ProgrammingError(f"invalid option {SECRET}")))
    assert reason(verdict.error) == "the URL has an option that the driver does not know"
    assert verdict.remedy is Remedy.NONE


def test_what_sqlalchemy_calls_a_lost_connection_is_one_whatever_its_state() -> None:
    lost = wrapped(psycopg.errors.AdminShutdown("terminating"), lost=True)
    for error in (lost, exc.DisconnectionError("gone")):
        verdict = judge(error)
        assert type(verdict.error) is StoreUnavailable
        assert verdict.remedy is Remedy.RECONNECT


def test_a_pool_with_nothing_left_is_busy() -> None:
    verdict = judge(exc.TimeoutError("QueuePool limit"))
    assert type(verdict.error) is StoreBusy
    assert verdict.remedy is Remedy.NONE


@pytest.mark.parametrize(
    "error",
    [exc.InvalidRequestError(SECRET), exc.StatementError(SECRET, SECRET, {}, ValueError(SECRET))],
)
@pytest.mark.promise("LEAK-1")
def test_an_error_of_the_layer_itself_is_unavailable(error: exc.SQLAlchemyError) -> None:
    verdict = judge(error)
    assert type(verdict.error) is StoreUnavailable
    assert verdict.remedy is Remedy.NONE
    assert SECRET not in str(verdict.error)


@pytest.mark.parametrize(
    ("code", "expected", "words"),
    [
        (5, StoreBusy, ""),
        (261, StoreBusy, ""),  # busy while recovering: the low byte is the code
        (517, StoreBusy, ""),
        (6, StoreBusy, ""),
        (8, StoreUnavailable, "it is read-only"),
        (1032, StoreUnavailable, "it is read-only"),
        (13, StoreUnavailable, "the disk is full"),
        (14, StoreUnavailable, "the database file cannot be opened"),
        (11, StoreUnavailable, "the file is not a sound database"),
        (26, StoreUnavailable, "the file is not a sound database"),
        (10, StoreUnavailable, "the database failed"),
        (9, StoreUnavailable, "the database failed"),
        (1, StoreUnavailable, "the database failed"),
    ],
)
def test_each_code_of_sqlite_has_its_meaning(
    code: int, expected: type[StoreError], words: str
) -> None:
    verdict = judge(from_sqlite(code))
    assert type(verdict.error) is expected
    assert verdict.remedy is Remedy.NONE
    assert reason(verdict.error) == words
    assert SECRET not in repr(vars(verdict.error))


@pytest.mark.parametrize(
    ("code", "name", "rule"),
    [
        (275, "SQLITE_CONSTRAINT_CHECK", "check"),
        (1555, "SQLITE_CONSTRAINT_PRIMARYKEY", "primarykey"),
        (787, "SQLITE_CONSTRAINT_FOREIGNKEY", "foreignkey"),
    ],
)
def test_a_constraint_of_sqlite_is_told_by_its_kind(code: int, name: str, rule: str) -> None:
    """Its text would name columns and, in a trigger, say anything at all."""
    verdict = judge(from_sqlite(code, name))
    assert type(verdict.error) is StoreRefused
    assert reason(verdict.error) == rule
    assert SECRET not in str(verdict.error)


def test_a_missing_table_of_ours_means_that_nothing_was_set_up() -> None:
    missing = judge(from_sqlite(1, text="no such table: dm_installation"))
    assert type(missing.error) is NotInitialised
    foreign = judge(from_sqlite(1, text=f"no such table: {SECRET}"))
    assert type(foreign.error) is StoreUnavailable


def test_an_error_of_the_sqlite_module_without_a_code_is_no_lost_connection() -> None:
    """Such as text that is not UTF-8: it would come again however often one tries."""
    verdict = judge(wrapped(sqlite3.OperationalError(f"Could not decode to UTF-8: {SECRET}")))
    assert type(verdict.error) is StoreUnavailable
    assert verdict.remedy is Remedy.NONE
    assert reason(verdict.error) == "the database failed"
