"""Running a call on SQL: begin, call, flush, commit, and start over where that helps.

All of it is here for every runner, except how to wait; the blocking runner is here too.
"""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, RLock
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._contacts import SqlContacts
from dmcore.adapters.sql._conversations import SqlConversations
from dmcore.adapters.sql._devices import SqlDevices
from dmcore.adapters.sql._erasures import SqlErasures
from dmcore.adapters.sql._errors import (
    Remedy,
    Verdict,
    is_lost_guard,
    is_read_only,
    is_refusal,
    judge,
)
from dmcore.adapters.sql._guarding import Unguarded
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._inspection import SqlInspection
from dmcore.adapters.sql._inspection_apart import SqlInspectionApart
from dmcore.adapters.sql._installation import SqlInstallation
from dmcore.adapters.sql._mailboxes import SqlJournal, SqlMailboxes
from dmcore.adapters.sql._mending import SqlMending
from dmcore.adapters.sql._messages import SqlMessages
from dmcore.adapters.sql._outbox import SqlOutbox
from dmcore.adapters.sql._reports import SqlReports
from dmcore.adapters.sql._restrictions import SqlRestrictions
from dmcore.adapters.sql._retention import SqlRetention
from dmcore.adapters.sql._row_security import OFF, Security
from dmcore.adapters.sql._statements import send
from dmcore.adapters.sql._texts import Ask, Texts, ask_here
from dmcore.domain.ids import User
from dmcore.errors import AccountErased, StoreUnavailable
from dmcore.ports.keyring import Encryption
from dmcore.ports.transactions import Call, Needs, Transactions

Result = TypeVar("Result")

_PATIENCE_S: Final = 20.0
_LONGEST_PAUSE_S: Final = 0.05
_MOST_RECONNECTS: Final = 2
_MOST_READINGS: Final = 20


@attrs.frozen
class Sealing:
    """How texts are sealed, if they are, and how the keyring is asked, which blocks."""

    encryption: Encryption | None = None
    ask: Ask = ask_here

    def prepare(self, call: Call[object]) -> None:
        """Ask the keyring for the key of who is about to write, before anything is locked.

        The same goes for keys that are to be destroyed.
        """
        self.forget(call)
        writer = self.wanting(call)
        if writer is not None and self.encryption is not None:
            self.encryption.prepare((), writer=writer)

    def wanting(self, call: Call[object]) -> User | None:
        """Who is about to write a text and has no key in memory."""
        if self.encryption is None or call.writer is None:
            return None
        return None if self.encryption.is_ready((), writer=call.writer) else call.writer

    def forget(self, call: Call[object]) -> None:
        """Destroy the keys that a call says, at once and for good; twice is once."""
        if self.encryption is not None and call.forgotten is not None:
            self.encryption.destroy(call.forgotten)

    def undo(self, call: Call[object]) -> None:
        """Destroy the key of a writer who turned out to be erased: it would name them for ever."""
        if self.encryption is not None and call.writer is not None:
            self.encryption.destroy(call.writer)

    def close(self) -> None:
        """Forget every key in memory."""
        if self.encryption is not None:
            self.encryption.close()


class SqlTransaction:
    """The ``Transaction`` port on one connection."""

    def __init__(
        self,
        connection: Connection,
        namespace: bytes,
        sealing: Sealing | None = None,
        *,
        is_guarded: bool = False,
        is_joined: bool = False,
        is_spread: bool = False,
    ) -> None:
        self.namespace = namespace
        self._is_spread = is_spread
        self._connection = connection
        self._batch = Batch(connection, is_guarded=is_guarded, is_joined=is_joined)
        self._identity = Identity()
        self._texts = Texts() if sealing is None else Texts(sealing.encryption, sealing.ask)

    @property
    def _held(self) -> Connection:
        """The connection, for what nobody watches. Raises ``Unguarded``."""
        self._batch.check_held()
        return self._connection

    @property
    def _of_pairs(self) -> tuple[Connection, Batch, Identity, bytes, Texts]:
        """What is needed for anything that two people share."""
        return self._connection, self._batch, self._identity, self.namespace, self._texts

    # Made whenever they are asked for: a call needs one or two of them. What was read is remembered
    # beside them.

    @property
    def installation(self) -> SqlInstallation:
        return SqlInstallation(self._held, self._batch)

    @property
    def contacts(self) -> SqlContacts:
        return SqlContacts(*self._of_pairs, is_spread=self._is_spread)

    @property
    def conversations(self) -> SqlConversations:
        return SqlConversations(*self._of_pairs, is_spread=self._is_spread)

    @property
    def messages(self) -> SqlMessages:
        return SqlMessages(*self._of_pairs, is_spread=self._is_spread)

    @property
    def mailboxes(self) -> SqlMailboxes:
        return SqlMailboxes(
            self._connection,
            self._batch,
            self._identity,
            self.namespace,
            is_spread=self._is_spread,
        )

    @property
    def journal(self) -> SqlJournal:
        return SqlJournal(self._connection, self._batch, self.namespace, is_spread=self._is_spread)

    @property
    def reports(self) -> SqlReports:
        return SqlReports(self._connection, self._batch, self._identity, self._texts)

    @property
    def erasures(self) -> SqlErasures:
        return SqlErasures(self._held, self._batch, self.contacts)

    @property
    def restrictions(self) -> SqlRestrictions:
        return SqlRestrictions(self._held, self._batch, self._identity)

    @property
    def retention(self) -> SqlRetention:
        return SqlRetention(self._held)

    @property
    def mending(self) -> SqlMending:
        return SqlMending(self._held, self._batch)

    @property
    def inspection(self) -> SqlInspection:
        kind = SqlInspectionApart if self._is_spread else SqlInspection
        return kind(self._held)

    @property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self._held)

    @property
    def devices(self) -> SqlDevices:
        return SqlDevices(self._held, self._batch, self._identity)

    def flush(self) -> None:
        """Send the collected writes."""
        self._batch.flush()

    def committed(self) -> None:
        """What was written is there to stay."""
        self._batch.committed()


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

    def undo_commit(self) -> None:
        """It is certain again that nothing is stored. Raises ``GivenUp``."""
        self._is_committing = False
        self._check_wanted()

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
    connection: Connection,
    namespace: bytes,
    sealing: Sealing,
    call: Call[Result],
    attempts: Attempts,
    *,
    security: Security,
) -> Result:
    """Run a call once, on a connection that nobody else uses and that is taken back afterwards."""
    try:
        return _performed(connection, namespace, sealing, call, attempts, security=security)
    except DBAPIError as error:
        if is_read_only(error):
            _leave_server(connection, error)
        raise


def _performed(
    connection: Connection,
    namespace: bytes,
    sealing: Sealing,
    call: Call[Result],
    attempts: Attempts,
    *,
    security: Security,
) -> Result:
    beginning = security.beginning(connection.dialect.name, call)
    if call.needs is Needs.WRITE and security.lets_guard(connection.dialect.name):
        with suppress(Unguarded):
            return _guarded(connection, namespace, sealing, call, attempts)
        # Only what SQLAlchemy believes: nothing was begun.
        connection.rollback()
    if beginning is not None:
        connection.begin()
        send(connection, beginning)
    transaction = SqlTransaction(connection, namespace, sealing, is_spread=security.is_spread)
    result = call.use_case(transaction)
    if call.needs is Needs.WRITE:
        transaction.flush()
        attempts.begin_commit()
        _commit(connection)
        transaction.committed()
    elif call.needs is Needs.READ and beginning is not None:
        # To undo would be as good, but for that the driver forgets every statement it prepared.
        connection.commit()
    return result


def _guarded(
    connection: Connection,
    namespace: bytes,
    sealing: Sealing,
    call: Call[Result],
    attempts: Attempts,
) -> Result:
    """Run a call that holds nothing: what it writes is one statement, which makes sure (ADR 53).

    Raises ``Unguarded`` where the call needs locks, or something has changed; nothing is stored.
    """
    transaction = SqlTransaction(connection, namespace, sealing, is_guarded=True)
    result = call.use_case(transaction)
    attempts.begin_commit()
    try:
        transaction.flush()
    except Unguarded:
        attempts.undo_commit()
        raise
    except DBAPIError as error:
        if is_refusal(error):
            attempts.undo_commit()
        if not is_lost_guard(error):
            raise
    else:
        return result
    raise Unguarded


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except BaseException:
        # Nobody knows what became of its transaction: nobody else may inherit it.
        connection.invalidate()
        raise


def _leave_server(connection: Connection, error: DBAPIError) -> None:
    """Never use this connection again, nor any that was made before now.

    Another server leads, and a URL that names several, or a name that moved, finds it. So does
    SQLAlchemy with the rest of a pool when it meets a connection that is lost.
    """
    connection.engine.pool._invalidate(connection.connection, error)
    connection.invalidate(error)


class SqlTransactions:
    """The ``Transactions`` port over an engine."""

    def __init__(
        self,
        engine: Engine,
        namespace: bytes,
        sealing: Sealing | None = None,
        security: Security = OFF,
    ) -> None:
        self._engine = engine
        self._namespace = namespace
        self._sealing = sealing or Sealing()
        self._security = security
        self._is_closed = False
        self._running: set[object] = set()
        # Held by itself: an interrupt can come inside of a condition, and not inside of a lock.
        self._lock = RLock()
        self._is_idle = Condition(self._lock)

    def run(self, call: Call[Result], /) -> Result:
        return self.run_in(Attempts(), call)

    def run_in(self, attempts: Attempts, call: Call[Result]) -> Result:
        """Run a call until it succeeds or the attempts are over. May raise ``GivenUp``."""
        # A thing of its own and no count, so that an interrupt leaves nothing to be waited for.
        running = object()
        try:
            with self._lock:
                if self._is_closed:
                    raise StoreUnavailable("it was closed")
                self._running.add(running)
            self._sealing.prepare(call)
            while True:
                attempts.begin()
                try:
                    with self._engine.connect() as connection:
                        return self._once(connection, attempts, call)
                except SQLAlchemyError as error:
                    verdict = judge(error)
                except AccountErased:
                    self._sealing.undo(call)
                    raise
                time.sleep(attempts.pause_after(verdict))
        finally:
            self._running.discard(running)
            if self._is_closed:
                with self._lock:
                    self._is_idle.notify_all()

    def _once(self, connection: Connection, attempts: Attempts, call: Call[Result]) -> Result:
        try:
            return perform(
                connection,
                self._namespace,
                self._sealing,
                call,
                attempts,
                security=self._security,
            )
        except BaseException:
            # Giving the connection back does this too. But an interrupt may come before it begins,
            # and then the file would stay locked for as long as that is on its way.
            connection.rollback()
            raise

    def close(self) -> None:
        """Let the calls that are under way end: a connection of theirs would belong to nobody."""
        with self._lock:
            self._is_closed = True
            self._is_idle.wait_for(lambda: not self._running)
        self._engine.dispose()
        self._sealing.close()


if TYPE_CHECKING:

    def _conforms(engine: Engine) -> Transactions:
        return SqlTransactions(engine, b"")
