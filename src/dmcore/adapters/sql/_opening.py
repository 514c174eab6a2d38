"""Opening a database: with connections of one's own, or on one of the host's."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
from sqlalchemy import URL, Connection

from dmcore.adapters.opening import (
    async_chain_for,
    chain_for,
    open_async_on,
    open_on,
    rules_for,
)
from dmcore.adapters.sql._apart import HostUrl, check_apart
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
from dmcore.adapters.sql._row_security import Expected, check_expected
from dmcore.adapters.sql._setup import Found, found_in, found_in_async, found_within
from dmcore.adapters.sql._transactions import Sealing, SqlTransactions
from dmcore.direct_messages import AsyncDirectMessages, DirectMessages
from dmcore.domain.policy import Policy
from dmcore.ports.clock import Clock
from dmcore.ports.directory import AsyncDirectory, Directory
from dmcore.ports.ids import Entropy
from dmcore.ports.keyring import Encryption
from dmcore.ports.screening import Screener, WhenBroken
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
    screeners: Sequence[Screener] = (),
    when_screener_breaks: WhenBroken = "refuse",
    isolation_level: IsolationLevel | None = None,
    synchronous: Synchronous = "FULL",
    pool_size: int = 10,
    encryption: Encryption | None = None,
    row_security: Expected = "as_found",
    host_url: HostUrl | None = None,
) -> DirectMessages:
    """Messaging on a database that ``initialise`` has set up.

    ``url`` is ``sqlite:///file.db`` or ``postgresql://…``. ``isolation_level`` is PostgreSQL's for
    writing; every level gives the same guarantees. ``synchronous`` is SQLite's: ``NORMAL`` is
    faster, and a power cut may lose the last acknowledged messages (ADR 19). At most twice
    ``pool_size`` connections are opened, and kept. Raises ``InvalidSetting``, ``NotInitialised``,
    ``WrongSchema`` and ``StoreUnavailable``.

    ``directory`` is what the host knows of its users; policies with gates need one (GATE-1).
    ``encryption`` seals texts, as that of ``dmcore.adapters.crypto`` does (CRYPT-1). A database
    whose texts are sealed is not opened without it, or with the keyring of another; one whose texts
    are not is not opened with it. The keys it has in memory are forgotten when this is closed.
    ``screeners`` look at each text before it is sent, in their order; where one of them breaks the
    message is refused or, with ``when_screener_breaks="flag"``, sent and reported (MOD-5).

    Where ``initialise`` set up row-level security, every call runs under the identity of who acts,
    and a role that is not held to it is refused with ``WrongRole``; ``row_security="bypass"`` takes
    it all the same, ``"require"`` refuses a database without row-level security too (OPS-7).

    With ``host_url``, that of the host's own database as the host writes it, the start is refused
    with ``SharedDatabase`` where the two are one, by whatever names, and with ``HostUnavailable``
    where that cannot be told (OPS-2).
    """
    settings = Settings(
        isolation_level=isolation_level,
        synchronous=synchronous,
        pool_size=pool_size,
        row_security=row_security,
    )
    chain = chain_for(screeners, when_screener_breaks)
    rules = rules_for(policy, clock, entropy, directory, chain, is_awaited=False)
    parsed = _existing(url)
    check_apart(parsed, host_url)
    return DirectMessages(
        rules=rules,
        transactions=opened(parsed, settings, encryption),
        directory=directory,
        screeners=chain,
    )


async def open_async(
    url: str,
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: AsyncDirectory | None = None,
    screeners: Sequence[Screener] = (),
    when_screener_breaks: WhenBroken = "refuse",
    isolation_level: IsolationLevel | None = None,
    synchronous: Synchronous = "FULL",
    pool_size: int = 10,
    encryption: Encryption | None = None,
    row_security: Expected = "as_found",
    host_url: HostUrl | None = None,
) -> AsyncDirectMessages:
    """As ``open_sync``, awaited: on PostgreSQL by its driver, on SQLite by threads of its own."""
    settings = Settings(
        isolation_level=isolation_level,
        synchronous=synchronous,
        pool_size=pool_size,
        row_security=row_security,
    )
    chain = async_chain_for(screeners, when_screener_breaks)
    rules = rules_for(policy, clock, entropy, directory, chain, is_awaited=True)
    parsed = _existing(url)
    await asyncio.to_thread(check_apart, parsed, host_url)
    transactions: AsyncTransactions
    if parsed.get_backend_name() == "sqlite":
        transactions = await open_in_threads(
            lambda: opened(parsed, settings, encryption), pool_size
        )
    else:
        transactions = await _opened_async(parsed, settings, encryption)
    return AsyncDirectMessages(
        rules=rules, transactions=transactions, directory=directory, screeners=chain
    )


def join(
    connection: Connection,
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: Directory | None = None,
    screeners: Sequence[Screener] = (),
    when_screener_breaks: WhenBroken = "refuse",
    encryption: Encryption | None = None,
    row_security: Expected = "as_found",
) -> DirectMessages:
    """Messaging inside the host's open transaction, on its own connection (EMB-3).

    Nothing is committed here: what was written is there, for everybody, when the host commits, and
    gone when it rolls back. The mailboxes of whoever is written about stay locked until then, so
    keep the rest of the transaction short. A refusal undoes the one call only; ``StoreBusy`` means
    that the whole transaction has to be repeated.

    The database has to be set up by ``initialise``. Raises ``InvalidSetting`` for a connection that
    is in autocommit mode or whose engine does not hide parameters, ``NotInitialised``,
    ``WrongSchema``, ``WrongRole`` and ``StoreUnavailable``. Under row-level security each call is
    made under the identity of who acts; the host's own comes back after it.
    """
    found = _checked(connection, check_expected(row_security), encryption)
    return open_on(
        JoinedTransactions(connection, found.namespace, encryption, found.security),
        policy=policy,
        clock=clock,
        entropy=entropy,
        directory=directory,
        screeners=screeners,
        when_screener_breaks=when_screener_breaks,
    )


async def join_async(
    connection: "AsyncConnection",
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: AsyncDirectory | None = None,
    screeners: Sequence[Screener] = (),
    when_screener_breaks: WhenBroken = "refuse",
    encryption: Encryption | None = None,
    row_security: Expected = "as_found",
) -> AsyncDirectMessages:
    """As ``join``, awaited. A call that is cancelled takes the host's transaction with it."""
    expected = check_expected(row_security)
    found = await connection.run_sync(_checked, expected, encryption)
    return open_async_on(
        AsyncJoinedTransactions(connection, found.namespace, encryption, found.security),
        policy=policy,
        clock=clock,
        entropy=entropy,
        directory=directory,
        screeners=screeners,
        when_screener_breaks=when_screener_breaks,
    )


def _checked(connection: Connection, expected: Expected, encryption: Encryption | None) -> Found:
    check_connection(connection)
    if connection.dialect.name != "sqlite":
        check_transaction(connection)
    found = found_within(connection, expected, encryption)
    check_transaction(connection)
    if connection.dialect.name == "sqlite":
        # What is deleted is overwritten here too (MSG-5).
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    return found


def _existing(url: str) -> URL:
    parsed = parse_url(url)
    check_file(parsed)
    return parsed


def opened(url: URL, settings: Settings, encryption: Encryption | None) -> SqlTransactions:
    engine = make_engine(url, settings)
    try:
        found = found_in(engine, settings.row_security, encryption)
    except BaseException:
        engine.dispose()
        raise
    if found.security.is_spread:
        engine.dispose()
        engine = make_engine(url, attrs.evolve(settings, is_spread=True))
    return SqlTransactions(engine, found.namespace, Sealing(encryption), found.security)


async def _opened_async(
    url: URL, settings: Settings, encryption: Encryption | None
) -> AsyncTransactions:
    engine = make_async_engine(url, settings)
    try:
        found = await found_in_async(engine, settings.row_security, encryption)
    except BaseException:
        await engine.dispose()
        raise
    if found.security.is_spread:
        await engine.dispose()
        engine = make_async_engine(url, attrs.evolve(settings, is_spread=True))
    return AsyncSqlTransactions(engine, found.namespace, encryption, found.security)
