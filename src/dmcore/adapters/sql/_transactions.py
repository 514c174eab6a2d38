"""The runner of the SQL stores: begin, call, flush, commit, and start over where that helps."""

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, Final, ParamSpec, TypeVar

import attrs
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._contacts import SqlContacts
from dmcore.adapters.sql._conversations import SqlConversations
from dmcore.adapters.sql._errors import Remedy, Verdict, judge
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._inspection import SqlInspection
from dmcore.adapters.sql._installation import SqlInstallation
from dmcore.adapters.sql._mailboxes import SqlJournal, SqlMailboxes
from dmcore.adapters.sql._messages import SqlMessages
from dmcore.errors import StoreUnavailable
from dmcore.ports.transactions import Transaction, Transactions

Params = ParamSpec("Params")
Result = TypeVar("Result")

_PATIENCE_S: Final = 20.0
_LONGEST_PAUSE_S: Final = 0.05
_MOST_RECONNECTS: Final = 2
_MOST_READINGS: Final = 20


@attrs.frozen(kw_only=True)
class Begin:
    """How a transaction begins; a single reading statement needs none around it."""

    snapshot: str
    write: str


_BEGIN: Final = {
    "sqlite": Begin(snapshot="BEGIN", write="BEGIN IMMEDIATE"),
    "postgresql": Begin(snapshot="BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", write="BEGIN"),
}


class SqlTransaction:
    """The ``Transaction`` port on one connection."""

    def __init__(self, connection: Connection, namespace: bytes) -> None:
        self._batch = Batch(connection)
        identity = Identity()
        self.namespace = namespace
        self.installation = SqlInstallation(connection, self._batch)
        self.contacts = SqlContacts(connection, self._batch, identity, namespace)
        self.conversations = SqlConversations(connection, self._batch, identity)
        self.messages = SqlMessages(connection, self._batch)
        self.mailboxes = SqlMailboxes(connection, self._batch, identity)
        self.journal = SqlJournal(connection, self._batch)
        self.inspection = SqlInspection(connection)

    def flush(self) -> None:
        """Send the collected writes."""
        self._batch.flush()


class SqlTransactions:
    """The ``Transactions`` port over an engine."""

    def __init__(self, engine: Engine, namespace: bytes) -> None:
        self._engine = engine
        self._namespace = namespace
        self._begin = _BEGIN[engine.dialect.name]
        self._is_closed = False

    def read(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        def once(_committing: "_Flag") -> Result:
            with self._engine.connect() as connection:
                return use_case(SqlTransaction(connection, self._namespace), *args, **kwargs)

        return self._run(once)

    def snapshot(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        def once(_committing: "_Flag") -> Result:
            with self._engine.connect() as connection:
                connection.exec_driver_sql(self._begin.snapshot)
                return use_case(SqlTransaction(connection, self._namespace), *args, **kwargs)

        return self._run(once)

    def write(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        def once(committing: "_Flag") -> Result:
            with self._engine.connect() as connection:
                connection.exec_driver_sql(self._begin.write)
                transaction = SqlTransaction(connection, self._namespace)
                result = use_case(transaction, *args, **kwargs)
                transaction.flush()
                committing.is_set = True
                _commit(connection)
                return result

        return self._run(once)

    def _run(self, once: Callable[["_Flag"], Result]) -> Result:
        if self._is_closed:
            raise StoreUnavailable("it was closed")
        began = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            committing = _Flag()
            try:
                return once(committing)
            except SQLAlchemyError as error:
                verdict = judge(error)
            # Outside the handler, so that the foreign error is not in the chain of ours.
            if not _may_start_over(verdict, committing, attempt, time.monotonic() - began):
                raise verdict.error
            _pause(attempt)

    def close(self) -> None:
        self._is_closed = True
        self._engine.dispose()


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except BaseException:
        # Nobody knows what became of its transaction: nobody else may inherit it.
        connection.invalidate()
        raise


class _Flag:
    is_set = False


def _may_start_over(verdict: Verdict, committing: _Flag, attempt: int, elapsed_s: float) -> bool:
    if verdict.remedy is Remedy.START_OVER:
        return elapsed_s < _PATIENCE_S
    if verdict.remedy is Remedy.READ_AGAIN:
        return attempt <= _MOST_READINGS
    # A connection lost during COMMIT: whether it happened is not known, so the caller decides.
    if verdict.remedy is Remedy.RECONNECT:
        return not committing.is_set and attempt <= _MOST_RECONNECTS
    return False


def _pause(attempt: int) -> None:
    """Wait a random moment, longer the more often it went wrong, so that writers part."""
    longest_s = min(0.001 * 2 ** min(attempt, 10), _LONGEST_PAUSE_S)
    time.sleep(random.uniform(0, longest_s))  # noqa: S311 - jitter, not a secret


if TYPE_CHECKING:

    def _conforms(engine: Engine) -> Transactions:
        return SqlTransactions(engine, b"")
