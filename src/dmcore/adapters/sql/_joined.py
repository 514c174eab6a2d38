"""Running calls inside a transaction of the host, who commits it or undoes it (EMB-3).

Each call that writes has a savepoint of its own: what is refused or fails leaves the rest of the
host's transaction as it was. What is returned is acknowledged when the host has committed (MSG-4).
Under row-level security so has each that reads: it sets who acts.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from dmcore.adapters.sql._async import ask_in_thread
from dmcore.adapters.sql._errors import Remedy, Verdict, judge
from dmcore.adapters.sql._row_security import OFF, Security
from dmcore.adapters.sql._transactions import Sealing, SqlTransaction
from dmcore.errors import InvalidSetting, StoreUnavailable
from dmcore.ports.keyring import Encryption
from dmcore.ports.transactions import AsyncTransactions, Call, Needs, Transactions

if TYPE_CHECKING:
    # Needs greenlet, which a blocking host does without.
    from sqlalchemy.ext.asyncio import AsyncConnection

Result = TypeVar("Result")

_MOST_READINGS: Final = 20
_DRIVERS: Final = ("pysqlite", "psycopg", "psycopg_async")


def check_connection(connection: Connection) -> None:
    """Raise ``InvalidSetting`` for a connection on which the promises would not hold."""
    engine = connection.engine
    if engine.dialect.driver not in _DRIVERS:
        raise InvalidSetting("connection", "must use the sqlite or the psycopg driver")
    if not engine.hide_parameters:
        # Or a text would be in the errors and in the log (LEAK-1).
        raise InvalidSetting("connection", "its engine must be made with hide_parameters=True")
    if engine.logger.isEnabledFor(logging.DEBUG):
        raise InvalidSetting("connection", "its engine must not log rows: echo at most statements")


def check_transaction(connection: Connection) -> None:
    """Raise ``InvalidSetting`` for a connection that commits each statement by itself.

    To be asked after a first statement: then the host's transaction has begun, if it ever does.
    """
    driver = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        begins_by_itself = getattr(driver, "isolation_level", None) is not None
        if begins_by_itself and connection.in_nested_transaction():
            # It begins with the first change only: before that, to release a savepoint commits.
            raise InvalidSetting("connection", "must not be in a savepoint of the host's")
        is_autocommit = not begins_by_itself and not getattr(driver, "in_transaction", False)
    else:
        is_autocommit = getattr(driver, "autocommit", False)
    if is_autocommit:
        raise InvalidSetting("connection", "must be in a transaction, not in autocommit mode")


def _within(
    connection: Connection,
    namespace: bytes,
    sealing: Sealing,
    security: Security,
    call: Call[Result],
) -> Result:
    if call.needs is not Needs.READ:
        _check_transaction(connection, call.needs)
    with security.acting(connection, call.actor):
        transaction = SqlTransaction(
            connection, namespace, sealing, is_joined=True, is_spread=security.is_spread
        )
        return _acted(connection, transaction, call)


def _acted(connection: Connection, transaction: SqlTransaction, call: Call[Result]) -> Result:
    if call.needs is not Needs.WRITE:
        return call.use_case(transaction)
    with connection.begin_nested():
        result = call.use_case(transaction)
        transaction.flush()
        return result


def _check_transaction(connection: Connection, needs: Needs) -> None:
    """Make sure that there is a transaction, and that it gives what a call needs."""
    check_transaction(connection)
    if connection.dialect.name == "sqlite":
        # Its driver begins with the first change only, and a savepoint outside of a transaction
        # would be one by itself.
        if not getattr(connection.connection.dbapi_connection, "in_transaction", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    if needs is Needs.SNAPSHOT:
        level = connection.exec_driver_sql("SHOW transaction_isolation").scalar_one()
        if level == "read committed":
            raise InvalidSetting("connection", "this call needs REPEATABLE READ at least")


class _Readings:
    """How often a call may be run again: only for a row that was there after all.

    Any other conflict has undone the host's transaction, and to repeat that is up to the host.
    """

    def __init__(self) -> None:
        self._left = _MOST_READINGS

    def count(self, verdict: Verdict) -> None:
        """Raise the error where there is no other try."""
        if verdict.remedy is not Remedy.READ_AGAIN or self._left == 0:
            raise verdict.error
        self._left -= 1


class JoinedTransactions:
    """The ``Transactions`` port on a connection of the host."""

    def __init__(
        self,
        connection: Connection,
        namespace: bytes,
        encryption: Encryption | None = None,
        security: Security = OFF,
    ) -> None:
        self._connection = connection
        self._namespace = namespace
        self._sealing = Sealing(encryption)
        self._security = security
        self._is_closed = False

    def run(self, call: Call[Result], /) -> Result:
        readings = _Readings()
        self._sealing.forget(call)
        while True:
            if self._is_closed:
                raise StoreUnavailable("it was closed")
            try:
                return _within(
                    self._connection, self._namespace, self._sealing, self._security, call
                )
            except SQLAlchemyError as error:
                verdict = judge(error)
            readings.count(verdict)

    def close(self) -> None:
        """The connection stays the host's."""
        self._is_closed = True


class AsyncJoinedTransactions:
    """The ``AsyncTransactions`` port on a connection of the host.

    A call that is cancelled takes the host's transaction with it: nobody knows how far it came.
    """

    def __init__(
        self,
        connection: "AsyncConnection",
        namespace: bytes,
        encryption: Encryption | None = None,
        security: Security = OFF,
    ) -> None:
        self._connection = connection
        self._namespace = namespace
        self._sealing = Sealing(encryption, ask_in_thread)
        self._security = security
        self._is_closed = False

    async def run(self, call: Call[Result], /) -> Result:
        readings = _Readings()
        if call.forgotten is not None:
            await asyncio.to_thread(self._sealing.forget, call)
        while True:
            if self._is_closed:
                raise StoreUnavailable("it was closed")
            try:
                return await self._connection.run_sync(
                    _within, self._namespace, self._sealing, self._security, call
                )
            except SQLAlchemyError as error:
                verdict = judge(error)
            readings.count(verdict)

    async def close(self) -> None:
        """The connection stays the host's."""
        self._is_closed = True


if TYPE_CHECKING:

    def _conforms(connection: Connection) -> Transactions:
        return JoinedTransactions(connection, b"")

    def _conforms_async(connection: "AsyncConnection") -> AsyncTransactions:
        return AsyncJoinedTransactions(connection, b"")
