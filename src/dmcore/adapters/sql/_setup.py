"""Setting a database up, once and for all, and recognising one that is (OPS-1, OPS-6)."""

import os
import secrets
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
from sqlalchemy import Connection, Engine, Row, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from dmcore.adapters.sql._apart import HostUrl, check_apart
from dmcore.adapters.sql._citus import lay_out
from dmcore.adapters.sql._engine import Settings, make_engine, parse_url, use_wal
from dmcore.adapters.sql._errors import judge
from dmcore.adapters.sql._hosts_tables import tables_of_others
from dmcore.adapters.sql._roles import Roles, secure
from dmcore.adapters.sql._row_security import Expected, Security, checked, look
from dmcore.adapters.sql._schema import SCHEMA_VERSION, installation, metadata
from dmcore.adapters.sql._texts import check_keyring
from dmcore.domain.mode import Mode
from dmcore.errors import (
    InvalidSetting,
    NotEncrypted,
    NotInitialised,
    SharedDatabase,
    StoreUnavailable,
    WrongSchema,
)
from dmcore.ports.keyring import Encryption

if TYPE_CHECKING:
    # Needs greenlet, which a blocking host does without.
    from sqlalchemy.ext.asyncio import AsyncEngine

_NAMESPACE_SIZE: Final = 16
INIT_LOCK: Final = 0x646D636F7265  # "dmcore"


@attrs.frozen
class Found:
    """What a database tells who opens it: the installation's secret, and who they are to it."""

    namespace: bytes = attrs.field(repr=False)
    security: Security


def initialise(
    url: str,
    *,
    roles: str | None = None,
    host_url: HostUrl | None = None,
    shared: bool = False,
    citus: bool = False,
) -> bool:
    """Make the tables and the installation record, with messaging off; once and for all (OPS-1).

    With ``roles``, a prefix of names, it also turns row-level security on (PostgreSQL, OPS-7): it
    makes the roles that are missing, gives the tables to the owner's, and writes every policy and
    grant anew.

    Messages belong into a database by themselves, so one that holds tables of others already is
    refused with ``SharedDatabase`` unless it is ``shared`` on purpose, as for ``join``; and the
    database of ``host_url`` is refused always, as when it is opened (OPS-2).

    With ``citus`` new tables are spread over the machines of a Citus cluster, whose coordinator the
    URL leads to (SCALE-2, ADR 71); ``citus_sql`` shows how.

    Returns whether the tables were made; on a database that is set up already it changes nothing
    else. Raises ``InvalidSetting``, ``StoreUnavailable``, ``WrongRole`` and ``WrongSchema``.
    """
    parsed = parse_url(url)
    check_apart(parsed, host_url)
    wanted = None if roles is None else Roles(roles)
    if wanted is not None and parsed.get_backend_name() == "sqlite":
        raise InvalidSetting("roles", "row-level security needs PostgreSQL")
    if citus and (wanted is not None or parsed.get_backend_name() == "sqlite"):
        raise InvalidSetting("citus", "needs PostgreSQL, without row-level security")
    if parsed.get_backend_name() == "sqlite":
        _make_file(Path(parsed.database or ""))
    engine = make_engine(parsed, Settings())
    try:
        with engine.begin() as connection:
            is_new = _initialise(connection, shared=shared, citus=citus)
            if wanted is not None:
                secure(connection, wanted)
        use_wal(engine)
    except SQLAlchemyError as error:
        verdict = judge(error)
    else:
        return is_new
    finally:
        engine.dispose()
    raise verdict.error


def _make_file(path: Path) -> None:
    """An empty file for its owner alone, where SQLite would make one that everybody may read.

    What keeps it from being made keeps SQLite from it too, which then says so.
    """
    with suppress(OSError, ValueError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _initialise(connection: Connection, *, shared: bool, citus: bool) -> bool:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        check_encoding(connection)
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({INIT_LOCK})")
    there = _tables_there(connection)
    if there:
        _check_whole(connection, there)
        if citus and not look(connection).is_spread:
            raise InvalidSetting("citus", "the tables are there already, and are not spread")
        return False
    if not shared:
        _check_alone(connection)
    if citus:
        lay_out(connection)
    else:
        metadata.create_all(connection)
    connection.execute(
        installation.insert().values(
            id=1,
            schema_version=SCHEMA_VERSION,
            namespace=secrets.token_bytes(_NAMESPACE_SIZE),
            mode=Mode.OFF.value,
        )
    )
    return True


def _tables_there(connection: Connection) -> set[str]:
    found = inspect(connection)
    return {name for name in metadata.tables if found.has_table(name)}


def _check_whole(connection: Connection, there: Collection[str]) -> None:
    """Whoever finds something missing says that it is to be set up; this would make it empty."""
    record = None
    if installation.name in there:
        with suppress(NotInitialised):
            record = _check_version(connection)
    lost = [f"the table {name}" for name in metadata.tables if name not in there]
    if not lost and record is None:
        lost = ["its record"]
    if lost:
        raise StoreUnavailable(f"{lost[0]}, which it had, is missing: restore a backup")


def _check_alone(connection: Connection) -> None:
    others = tables_of_others(connection, set(metadata.tables))
    if others:
        raise SharedDatabase(
            f"this one holds tables of somebody else ({others}); if it is shared on purpose, say so"
            " (`--shared`, or `shared=True`)"
        )


def check_encoding(connection: Connection) -> None:
    if connection.exec_driver_sql("SHOW server_encoding").scalar_one() != "UTF8":
        raise InvalidSetting("url", "the PostgreSQL database must have the encoding UTF8")


def found_in(engine: Engine, expected: Expected, encryption: Encryption | None) -> Found:
    """What a database of the right version tells who opens it. Raises ``StoreError``."""
    try:
        with engine.connect() as connection:
            found = _found(connection, expected, encryption)
        # Not before it is certain that the file is ours.
        use_wal(engine)
    except SQLAlchemyError as error:
        verdict = judge(error)
    else:
        return found
    raise verdict.error


def found_to_encrypt(engine: Engine, encryption: Encryption) -> Found:
    """The same of a database that is to be encrypted, whether it is already or not."""
    try:
        with engine.connect() as connection:
            row = _check_version(connection)
            check_keyring(row.keyring, encryption)
            return Found(bytes(row.namespace), checked(connection, "bypass"))
    except SQLAlchemyError as error:
        verdict = judge(error)
    raise verdict.error


async def found_in_async(
    engine: "AsyncEngine", expected: Expected, encryption: Encryption | None
) -> Found:
    """The same, awaited."""
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_found, expected, encryption)
    except SQLAlchemyError as error:
        verdict = judge(error)
    raise verdict.error


def found_within(
    connection: Connection, expected: Expected, encryption: Encryption | None
) -> Found:
    """The same, read inside a transaction of the host. Raises ``StoreError``."""
    try:
        if connection.dialect.name == "sqlite":
            return _found(connection, expected, encryption)
        # What fails here must not undo what the host did before.
        with connection.begin_nested():
            return _found(connection, expected, encryption)
    except SQLAlchemyError as error:
        verdict = judge(error)
    raise verdict.error


def _found(connection: Connection, expected: Expected, encryption: Encryption | None) -> Found:
    row = _check_version(connection)
    check_keyring(row.keyring, encryption)
    if encryption is not None and row.keyring is None:
        raise NotEncrypted
    return Found(bytes(row.namespace), checked(connection, expected))


def _check_version(connection: Connection) -> Row[Any]:
    row = connection.execute(select(installation)).one_or_none()
    if row is None:
        raise NotInitialised
    if row.schema_version != SCHEMA_VERSION:
        raise WrongSchema(row.schema_version, SCHEMA_VERSION)
    return row
