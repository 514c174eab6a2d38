"""Running a call on SQL: begin, call, flush, commit, and start over where that helps.

All of it is here for every runner, except how to wait; the blocking runner is here too.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING, Final, TypeVar

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
from dmcore.ports.transactions import Call, Needs, Transactions

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

    def of(self, needs: Needs) -> str | None:
        return {Needs.READ: None, Needs.SNAPSHOT: self.snapshot, Needs.WRITE: self.write}[needs]


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
        self.messages = SqlMessages(connection, self._batch, identity)
        self.mailboxes = SqlMailboxes(connection, self._batch, identity)
        self.journal = SqlJournal(connection, self._batch)
        self.inspection = SqlInspection(connection)

    def flush(self) -> None:
        """Send the collected writes."""
        self._batch.flush()


class GivenUp(BaseException):
    """Whoever asked no longer waits: undo. Not an error, so that no use case takes it for one."""


class Attempts:
    """The tries of one call: whether there is another one, and after which pause."""

    def __init__(self, is_given_up: Callable[[], bool] = lambda: False) -> None:
        self._is_given_up = is_given_up
        self._began_s = time.monotonic()
        self._count = 0
        self._is_committing = False

    def begin(self) -> None:
        """One more try. Raises ``GivenUp``."""
        self._check_wanted()
        self._count += 1
        self._is_committing = False

    def begin_commit(self) -> None:
        """From here on it is not certain that nothing is stored. Raises ``GivenUp``."""
        self._check_wanted()
        self._is_committing = True

    def pause_after(self, verdict: Verdict) -> float:
        """How many seconds to wait before the next try. Raises the error if there is none.

        To be called outside the handler, so that the foreign error is not in the chain of ours.
        """
        if not self._may_start_over(verdict):
            raise verdict.error
        # A random moment, longer the more often it went wrong, so that writers part.
        longest_s = min(0.001 * 2 ** min(self._count, 10), _LONGEST_PAUSE_S)
        return random.uniform(0, longest_s)  # noqa: S311 - jitter, not a secret

    def _check_wanted(self) -> None:
        if self._is_given_up():
            raise GivenUp

    def _may_start_over(self, verdict: Verdict) -> bool:
        if verdict.remedy is Remedy.START_OVER:
            return time.monotonic() - self._began_s < _PATIENCE_S
        if verdict.remedy is Remedy.READ_AGAIN:
            return self._count <= _MOST_READINGS
        # A connection lost during COMMIT: whether it happened is not known, so the caller decides.
        if verdict.remedy is Remedy.RECONNECT:
            return not self._is_committing and self._count <= _MOST_RECONNECTS
        return False


def perform(
    connection: Connection, namespace: bytes, call: Call[Result], attempts: Attempts
) -> Result:
    """Run a call once, on a connection that nobody else uses and that is taken back afterwards."""
    begin = _BEGIN[connection.dialect.name].of(call.needs)
    if begin is not None:
        connection.exec_driver_sql(begin)
    transaction = SqlTransaction(connection, namespace)
    result = call.use_case(transaction)
    if call.needs is Needs.WRITE:
        transaction.flush()
        attempts.begin_commit()
        _commit(connection)
    return result


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except BaseException:
        # Nobody knows what became of its transaction: nobody else may inherit it.
        connection.invalidate()
        raise


class SqlTransactions:
    """The ``Transactions`` port over an engine."""

    def __init__(self, engine: Engine, namespace: bytes) -> None:
        self._engine = engine
        self._namespace = namespace
        self._is_closed = False
        self._running = 0
        self._is_idle = Condition()

    def run(self, call: Call[Result], /) -> Result:
        return self.run_in(Attempts(), call)

    def run_in(self, attempts: Attempts, call: Call[Result]) -> Result:
        """Run a call until it succeeds or the attempts are over. May raise ``GivenUp``."""
        with self._under_way():
            while True:
                attempts.begin()
                try:
                    with self._engine.connect() as connection:
                        return perform(connection, self._namespace, call, attempts)
                except SQLAlchemyError as error:
                    verdict = judge(error)
                time.sleep(attempts.pause_after(verdict))

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        with self._is_idle:
            if self._is_closed:
                raise StoreUnavailable("it was closed")
            self._running += 1
        try:
            yield
        finally:
            with self._is_idle:
                self._running -= 1
                self._is_idle.notify_all()

    def close(self) -> None:
        """Let the calls that are under way end: a connection of theirs would belong to nobody."""
        with self._is_idle:
            self._is_closed = True
            self._is_idle.wait_for(lambda: self._running == 0)
        self._engine.dispose()


if TYPE_CHECKING:

    def _conforms(engine: Engine) -> Transactions:
        return SqlTransactions(engine, b"")
