"""Opening a database: with connections of one's own, or on one of the host's."""

from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection

from dmcore.adapters.opening import rules_for
from dmcore.adapters.sql._async import AsyncSqlTransactions, open_in_threads
from dmcore.adapters.sql._engine import (
    IsolationLevel,
    Settings,
    Synchronous,
    check_file,
    make_async_engine,
    make_engine,
    parse_url,
)
from dmcore.adapters.sql._joined import (
    AsyncJoinedTransactions,
    JoinedTransactions,
    check_connection,
    check_transaction,
)
from dmcore.adapters.sql._setup import namespace_in, namespace_of, namespace_of_async
from dmcore.adapters.sql._transactions import SqlTransactions
from dmcore.direct_messages import AsyncDirectMessages, DirectMessages
from dmcore.domain.policy import Policy
from dmcore.ports.clock import Clock
from dmcore.ports.directory import AsyncDirectory, Directory
from dmcore.ports.ids import Entropy
from dmcore.ports.transactions import AsyncTransactions

if TYPE_CHECKING:
    # Needs greenlet, which a blocking host does without.
    from sqlalchemy.ext.asyncio import AsyncConnection


def open_sync(
    url: str,
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: Directory | None = None,
    isolation_level: IsolationLevel | None = None,
    synchronous: Synchronous = "FULL",
    pool_size: int = 10,
) -> DirectMessages:
    """Messaging on a database that ``initialise`` has set up.

    ``url`` is ``sqlite:///file.db`` or ``postgresql://…``. ``isolation_level`` is PostgreSQL's for
    writing; every level gives the same guarantees. ``synchronous`` is SQLite's: ``NORMAL`` is
    faster, and a power cut may lose the last acknowledged messages (ADR 19). At most twice
    ``pool_size`` connections are opened. Raises ``InvalidSetting``, ``NotInitialised``,
    ``WrongSchema`` and ``StoreUnavailable``.

    ``directory`` is what the host knows of its users; policies with gates need one (GATE-1).
    """
    settings = Settings(
        isolation_level=isolation_level, synchronous=synchronous, pool_size=pool_size
    )
    return DirectMessages(
        rules=rules_for(policy, clock, entropy, directory),
        transactions=_opened(_existing(url), settings),
        directory=directory,
    )


async def open_async(
    url: str,
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: AsyncDirectory | None = None,
    isolation_level: IsolationLevel | None = None,
    synchronous: Synchronous = "FULL",
    pool_size: int = 10,
) -> AsyncDirectMessages:
    """As ``open_sync``, awaited: on PostgreSQL by its driver, on SQLite by threads of its own."""
    settings = Settings(
        isolation_level=isolation_level, synchronous=synchronous, pool_size=pool_size
    )
    rules, parsed = rules_for(policy, clock, entropy, directory), _existing(url)
    transactions: AsyncTransactions
    if parsed.get_backend_name() == "sqlite":
        transactions = await open_in_threads(lambda: _opened(parsed, settings), pool_size)
    else:
        transactions = await _opened_async(parsed, settings)
    return AsyncDirectMessages(rules=rules, transactions=transactions, directory=directory)


def join(
    connection: Connection,
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: Directory | None = None,
) -> DirectMessages:
    """Messaging inside the host's open transaction, on its own connection (EMB-3).

    Nothing is committed here: what was written is there, for everybody, when the host commits, and
    gone when it rolls back. The mailboxes of whoever is written about stay locked until then, so
    keep the rest of the transaction short. A refusal undoes the one call only; ``StoreBusy`` means
    that the whole transaction has to be repeated.

    The database has to be set up by ``initialise``. Raises ``InvalidSetting`` for a connection that
    is in autocommit mode or whose engine does not hide parameters, ``NotInitialised``,
    ``WrongSchema`` and ``StoreUnavailable``.
    """
    return DirectMessages(
        rules=rules_for(policy, clock, entropy, directory),
        transactions=JoinedTransactions(connection, _checked_namespace(connection)),
        directory=directory,
    )


async def join_async(
    connection: "AsyncConnection",
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: AsyncDirectory | None = None,
) -> AsyncDirectMessages:
    """As ``join``, awaited. A call that is cancelled takes the host's transaction with it."""
    namespace = await connection.run_sync(_checked_namespace)
    return AsyncDirectMessages(
        rules=rules_for(policy, clock, entropy, directory),
        transactions=AsyncJoinedTransactions(connection, namespace),
        directory=directory,
    )


def _checked_namespace(connection: Connection) -> bytes:
    check_connection(connection)
    if connection.dialect.name != "sqlite":
        check_transaction(connection)
    namespace = namespace_in(connection)
    check_transaction(connection)
    if connection.dialect.name == "sqlite":
        # What is deleted is overwritten here too (MSG-5).
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    return namespace


def _existing(url: str) -> URL:
    parsed = parse_url(url)
    check_file(parsed)
    return parsed


def _opened(url: URL, settings: Settings) -> SqlTransactions:
    engine = make_engine(url, settings)
    try:
        namespace = namespace_of(engine)
    except BaseException:
        engine.dispose()
        raise
    return SqlTransactions(engine, namespace)


async def _opened_async(url: URL, settings: Settings) -> AsyncTransactions:
    engine = make_async_engine(url, settings)
    try:
        namespace = await namespace_of_async(engine)
    except BaseException:
        await engine.dispose()
        raise
    return AsyncSqlTransactions(engine, namespace)
