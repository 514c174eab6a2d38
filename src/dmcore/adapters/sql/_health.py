"""How well a database keeps what it holds, and how much room that takes (OPS-3).

What is shared with others of the server is not counted: only dmcore's own tables, with their
indexes; on SQLite that is the whole file, and its write-ahead log.
"""

import shutil
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, Final

import attrs
from sqlalchemy import BigInteger, Connection, Select, func, select, text

from dmcore.adapters.sql._schema import metadata
from dmcore.ports.installation import StorageHealth

# A connection that a host shares may have others attached.
_FILE: Final = "SELECT file FROM pragma_database_list WHERE name = 'main'"
# As SQLite numbers its levels of `synchronous`.
_FULL: Final = 2

_OF_SERVER: Final = text(
    "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean"
    " AS is_read_only,"
    " current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean"
    " AND current_setting('synchronous_commit') <> 'off' AS is_durable,"
    " coalesce((SELECT checksum_failures FROM pg_stat_database"
    "  WHERE datname = current_database()), 0) > 0 AS is_damaged"
)


def _size(function: str) -> Select[Any]:
    size = getattr(func, function)
    sizes = (size(func.to_regclass(name), type_=BigInteger()) for name in metadata.tables)
    return select(reduce(add, sizes))


# Of a table that is spread, what lies here is empty.
_SIZE: Final = {False: _size("pg_total_relation_size"), True: _size("citus_total_relation_size")}


@attrs.frozen(kw_only=True)
class Storage:
    """Its health, and bytes: taken, and left on the disk where it is known which that is."""

    health: StorageHealth
    size_bytes: int
    free_bytes: int | None = None


def storage_of(connection: Connection, *, is_spread: bool = False) -> Storage:
    """What the database of a connection says of itself."""
    if connection.dialect.name == "sqlite":
        return _of_file(connection)
    row = connection.execute(_OF_SERVER).one()
    size = connection.execute(_SIZE[is_spread]).scalar_one()
    if row.is_damaged:
        health = StorageHealth.DAMAGED
    elif row.is_read_only:
        health = StorageHealth.READ_ONLY
    else:
        health = StorageHealth.SOUND if row.is_durable else StorageHealth.NOT_DURABLE
    return Storage(health=health, size_bytes=size)


def _of_file(connection: Connection) -> Storage:
    name = connection.exec_driver_sql(_FILE).scalar_one()
    file = Path(name)
    log = Path(f"{name}-wal")
    verdict = connection.exec_driver_sql("PRAGMA main.quick_check(1)").scalar()
    if verdict != "ok":
        health = StorageHealth.DAMAGED
    elif connection.exec_driver_sql("PRAGMA main.synchronous").scalar_one() < _FULL:
        health = StorageHealth.NOT_DURABLE
    else:
        health = StorageHealth.SOUND
    taken = sum(it.stat().st_size for it in (file, log) if it.exists())
    return Storage(health=health, size_bytes=taken, free_bytes=shutil.disk_usage(file.parent).free)
