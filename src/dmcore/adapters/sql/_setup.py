"""Setting a database up, once and for all, and recognising one that is (OPS-1, OPS-6)."""

import secrets
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from dmcore.adapters.sql._batch import sqlite_door
from dmcore.adapters.sql._engine import Settings, make_engine, parse_url, use_wal
from dmcore.adapters.sql._errors import judge
from dmcore.adapters.sql._schema import SCHEMA_VERSION, installation, metadata
from dmcore.domain.mode import Mode
from dmcore.errors import InvalidSetting, NotInitialised, WrongSchema

if TYPE_CHECKING:
    # Needs greenlet, which a blocking host does without.
    from sqlalchemy.ext.asyncio import AsyncEngine

_NAMESPACE_SIZE: Final = 16
_INIT_LOCK: Final = 0x646D636F7265  # "dmcore"


def initialise(url: str) -> bool:
    """Make the tables and the installation record, with messaging off; once and for all (OPS-1).

    Returns whether anything was made; on a database that is set up already it changes nothing.
    Raises ``InvalidSetting``, ``StoreUnavailable`` and ``WrongSchema``.
    """
    engine = make_engine(parse_url(url), Settings())
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


def namespace_of(engine: Engine) -> bytes:
    """The installation's secret, from a database of the right version. Raises ``StoreError``."""
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


async def namespace_of_async(engine: "AsyncEngine") -> bytes:
    """The same, awaited."""
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_check_version)
    except SQLAlchemyError as error:
        verdict = judge(error)
    raise verdict.error


def namespace_in(connection: Connection) -> bytes:
    """The installation's secret, read inside a transaction of the host. Raises ``StoreError``."""
    try:
        if connection.dialect.name == "sqlite":
            return _check_version(connection)
        # What fails here must not undo what the host did before.
        with connection.begin_nested():
            return _check_version(connection)
    except SQLAlchemyError as error:
        verdict = judge(error)
    raise verdict.error


def _check_version(connection: Connection) -> bytes:
    row = connection.execute(select(installation)).one_or_none()
    if row is None:
        raise NotInitialised
    if row.schema_version != SCHEMA_VERSION:
        raise WrongSchema(row.schema_version, SCHEMA_VERSION)
    return bytes(row.namespace)
