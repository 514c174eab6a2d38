"""Every public operation, with the database failing at each of its statements in each way.

What fails is the driver, with an error that says everything it could: texts, keys, names.
The operations come from the classes themselves, by way of ``tests.proofs.permissions``, so that a
new one is swept from its first day.
"""

import json
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import PurePath
from typing import Any, Final, NoReturn, cast

import psycopg
import pytest
from sqlalchemy import Dialect, event
from tests.conftest import IS_NIGHTLY
from tests.leaks.canary import ANN, BOB, BODY, KEY, PEOPLE, SECRETS, Ear, heard_in
from tests.proofs.permissions import MAILBOX, MODERATION, OPERATIONS, Asked
from tests.support.stores import engine_of

from dmcore import DirectMessages, DmcoreError, Mailbox, Policy
from dmcore.adapters import sql
from dmcore.adapters.sql import _statements, _transactions
from dmcore.adapters.web.wire._problems import problem
from dmcore.errors import StoreError

pytestmark = pytest.mark.promise("LEAK-1")

_SAID: Final = f"{BODY} {KEY} {ANN} {BOB}"
_SQLITE_FAULTS: Final = (
    sqlite3.IntegrityError,
    sqlite3.OperationalError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
)
_POSTGRES_FAULTS: Final = (
    psycopg.errors.CheckViolation,
    psycopg.errors.UniqueViolation,
    psycopg.errors.CharacterNotInRepertoire,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.AdminShutdown,
    psycopg.OperationalError,
)
_MOST_STATEMENTS: Final = 12


class Sabotage:
    """Lets the driver fail at one statement of an engine: with the nth, counted from now.

    Asked by SQLAlchemy, or by ourselves on its cursor.
    """

    def __init__(self, dm: DirectMessages, monkeypatch: pytest.MonkeyPatch) -> None:
        self._left = 0
        self._fault: type[Exception] | None = None
        for name in ("do_execute", "do_execute_no_params"):
            event.listen(engine_of(dm), name, self._meet)
        self._cursor_on = _statements._cursor_on
        monkeypatch.setattr(_statements, "_cursor_on", self._failing_cursor_on)

    def _failing_cursor_on(self, pooled: Any, dialect: Dialect) -> tuple[Any, Any]:
        cursor, ask = self._cursor_on(pooled, dialect)

        def failing(*given: Any) -> object:
            self._meet()
            return ask(*given)

        return cursor, failing

    def _meet(self, *_: object) -> None:
        if self._fault is None:
            return
        self._left -= 1
        if self._left < 0:
            raise self._fault(_SAID)

    @contextmanager
    def at(self, number: int, fault: type[Exception]) -> Iterator[None]:
        self._left, self._fault = number, fault
        try:
            yield
        finally:
            self._fault = None


@pytest.fixture(params=["sqlite", "postgres"])
def dm(
    request: pytest.FixtureRequest, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DirectMessages]:
    """Both stores, loud and impatient."""
    monkeypatch.setattr(_transactions, "_PATIENCE_S", 0.002)
    monkeypatch.setattr(_transactions, "_MOST_READINGS", 1)
    url = request.getfixturevalue(f"{request.param}_url")
    sql.initialise(url)
    policy = Policy(messages=None, starts=None, reports=None, evidence="reporter_selected")
    with sql.open_sync(url, policy=policy) as opened:
        ear.listen_to(opened)
        opened.operations("olga").set_mode("on")
        yield opened


class Telling:
    """A mailbox in which whatever is written is the canary: the rows have texts of their own."""

    def __init__(self, box: Mailbox) -> None:
        self._box = box

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._box, name)

        def call(*given: object, **named: object) -> object:
            told = [f"{BODY} {it}" if str(it).startswith("canary of") else it for it in given]
            return method(*told, **{key: KEY if key == "key" else it for key, it in named.items()})

        return call


def operations(dm: DirectMessages) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every way to call every operation, on a conversation with everything in it."""
    ann, bob = dm.mailbox(ANN), dm.mailbox(BOB)
    telling = cast("Mailbox", Telling(ann))
    said = ann.start(BOB, BODY, key=KEY)
    bob.send(said.conversation, BODY, reply_to=said.id)
    made = bob.report(ANN, conversation=said.conversation, messages=[said.id], reason="spam")
    asked = Asked(BOB, said.conversation, said.id)
    for name, rows in MAILBOX.items():
        for row in rows:
            yield name, lambda row=row: row.call(telling, asked)  # type: ignore[misc]
    desk, olga = dm.moderation("mod"), dm.operations("olga")
    for name, moderate in MODERATION.items():
        yield name, lambda it=moderate: it(desk, made.id)  # type: ignore[misc]
    for name, operate in OPERATIONS.items():
        olga.set_mode("on")
        yield name, lambda it=operate: it(olga)  # type: ignore[misc]
    yield "heads", lambda: dm.heads([ann.user, bob.user])


def test_whatever_fails_in_whatever_operation_nothing_is_told(
    dm: DirectMessages, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_sqlite = engine_of(dm).dialect.name == "sqlite"
    faults = _SQLITE_FAULTS if is_sqlite else _POSTGRES_FAULTS
    sabotage = Sabotage(dm, monkeypatch)
    failed = dict.fromkeys((*MAILBOX, *MODERATION, *OPERATIONS, "heads"), 0)
    for number, (name, act) in enumerate(operations(dm)):
        # By day each operation meets one of the faults of PostgreSQL, which are many, in turn.
        met = faults if is_sqlite or IS_NIGHTLY else [faults[number % len(faults)]]
        for fault in met:
            failed[name] += _swept(sabotage, ear, act, fault)
    # These answer for each item what became of it, and their answers were looked at.
    answering = ["bulk", "restrict_each", "lift_each"]
    assert [name for name, count in failed.items() if count == 0] == answering


def _swept(sabotage: Sabotage, ear: Ear, act: Callable[[], object], fault: type[Exception]) -> int:
    """Fail at each statement in turn until there is none left; how many failures were looked at."""
    for number in range(_MOST_STATEMENTS):
        with sabotage.at(number, fault):
            refusal = _refusal_of(act)
        if refusal is None:
            return number
        ear.refusal(partial(_raise, refusal))
        assert heard_in(iter([json.dumps(problem(refusal))]), (*SECRETS, *PEOPLE)) == []
        if not isinstance(refusal, StoreError):
            # What the rules refuse, before the database is asked so often.
            return number
    return _MOST_STATEMENTS


def _refusal_of(act: Callable[[], object]) -> DmcoreError | None:
    """The error that comes out; where there is none, what does come out shows no text either."""
    try:
        answer = act()
    except DmcoreError as error:
        return error
    assert heard_in(iter([repr(answer), str(answer)]), SECRETS) == []
    return None


def _raise(error: DmcoreError) -> NoReturn:
    raise error


# Tracebacks with local variables ------------------------------------------------------------------


def _frames_that_tell(error: BaseException) -> set[str]:
    """The files whose frames show a text where an error tracker prints local variables."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return {
        PurePath(frame.filename).name
        for frame in told.stack
        if any("canary-body" in value for value in (frame.locals or {}).values())
    }


def test_local_variables_show_a_text_only_where_the_host_handed_it_in(
    dm: DirectMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That much cannot be kept: the host's own string is an argument of ours. Further in it is a
    ``Body``, and of what the database layer held nothing is in the traceback any more.
    """
    sabotage = Sabotage(dm, monkeypatch)
    ann = dm.mailbox(ANN)
    own = PurePath(__file__).name
    # What is read and what is written; SQLite is told first that something begins.
    for number in range(3 if engine_of(dm).dialect.name == "sqlite" else 2):
        with sabotage.at(number, _fault_of(dm)), pytest.raises(StoreError) as caught:
            ann.start(BOB, BODY)
        assert _frames_that_tell(caught.value) <= {own, "_facades.py", "_calls.py"}


def _fault_of(dm: DirectMessages) -> Any:
    is_sqlite = engine_of(dm).dialect.name == "sqlite"
    return sqlite3.DataError if is_sqlite else psycopg.errors.DataError
