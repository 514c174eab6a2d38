"""The SQL stores: SQLite, embedded, and PostgreSQL, through SQLAlchemy Core (extra ``sql``)."""

import secrets
from typing import Final

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from dmcore.adapters.clock import SystemClock
from dmcore.adapters.ids import SystemEntropy
from dmcore.adapters.sql._batch import sqlite_door
from dmcore.adapters.sql._engine import (
    IsolationLevel,
    Synchronous,
    check_file,
    make_engine,
    parse_url,
    use_wal,
)
from dmcore.adapters.sql._errors import judge
from dmcore.adapters.sql._schema import SCHEMA_VERSION, installation, metadata
from dmcore.adapters.sql._transactions import SqlTransactions
from dmcore.direct_messages import DirectMessages
from dmcore.domain.mode import Mode
from dmcore.domain.policy import Policy
from dmcore.errors import InvalidSetting, NotInitialised, WrongSchema
from dmcore.ports.clock import Clock
from dmcore.ports.ids import Entropy

__all__ = [
    "IsolationLevel",
    "SqlTransactions",
    "Synchronous",
    "initialise",
    "metadata",
    "open_sync",
]

_NAMESPACE_SIZE: Final = 16
_INIT_LOCK: Final = 0x646D636F7265  # "dmcore"


def initialise(url: str) -> bool:
    """Make the tables and the installation record, with messaging off; once and for all (OPS-1).

    Returns whether anything was made; on a database that is set up already it changes nothing.
    Raises ``InvalidSetting``, ``StoreUnavailable`` and ``WrongSchema``.
    """
    engine = _engine_for(url)
    try:
        with engine.begin() as connection:
            is_new = _initialise(connection)
        use_wal(engine)
    except SQLAlchemyError as error:
        verdict = judge(error)
    else:
        return is_new
    finally:
        engine.dispose()
    raise verdict.error


def open_sync(
    url: str,
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
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
    """
    check_file(parse_url(url))
    engine = _engine_for(
        url, isolation_level=isolation_level, synchronous=synchronous, pool_size=pool_size
    )
    try:
        namespace = _namespace(engine)
    except BaseException:
        engine.dispose()
        raise
    return DirectMessages(
        policy=policy or Policy(),
        transactions=SqlTransactions(engine, namespace),
        clock=clock or SystemClock(),
        entropy=entropy or SystemEntropy(),
    )


def _engine_for(
    url: str,
    *,
    isolation_level: IsolationLevel | None = None,
    synchronous: Synchronous = "FULL",
    pool_size: int = 1,
) -> Engine:
    return make_engine(
        parse_url(url),
        isolation_level=isolation_level,
        synchronous=synchronous,
        pool_size=pool_size,
    )


def _initialise(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        _check_encoding(connection)
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_INIT_LOCK})")
    if inspect(connection).has_table(installation.name):
        _check_version(connection)
        return False
    metadata.create_all(connection)
    if connection.dialect.name == "sqlite":
        for statement in sqlite_door():
            connection.exec_driver_sql(statement)
    connection.execute(
        installation.insert().values(
            id=1,
            schema_version=SCHEMA_VERSION,
            namespace=secrets.token_bytes(_NAMESPACE_SIZE),
            mode=Mode.OFF.value,
        )
    )
    return True


def _check_encoding(connection: Connection) -> None:
    if connection.exec_driver_sql("SHOW server_encoding").scalar_one() != "UTF8":
        raise InvalidSetting("url", "the PostgreSQL database must have the encoding UTF8")


def _namespace(engine: Engine) -> bytes:
    try:
        with engine.connect() as connection:
            namespace = _check_version(connection)
        # Not before it is certain that the file is ours.
        use_wal(engine)
    except SQLAlchemyError as error:
        verdict = judge(error)
    else:
        return namespace
    raise verdict.error


def _check_version(connection: Connection) -> bytes:
    row = connection.execute(select(installation)).one_or_none()
    if row is None:
        raise NotInitialised
    if row.schema_version != SCHEMA_VERSION:
        raise WrongSchema(row.schema_version, SCHEMA_VERSION)
    return bytes(row.namespace)
