"""The SQL stores: SQLite, embedded, and PostgreSQL, through SQLAlchemy Core (extra ``sql``)."""

from dmcore._extras import extra

with extra("sql"):
    from dmcore.adapters.sql._backup import Restored, back_up, restore
    from dmcore.adapters.sql._citus import citus_sql
    from dmcore.adapters.sql._elsewhere import Elsewhere, look_elsewhere
    from dmcore.adapters.sql._encrypting import (
        Sealed,
        count_plain,
        encrypt,
        is_encrypted,
        seal,
    )
    from dmcore.adapters.sql._engine import IsolationLevel, Synchronous
    from dmcore.adapters.sql._manifest import Manifest
    from dmcore.adapters.sql._migrating import SchemaState, check_schema, upgrade, upgrade_sql
    from dmcore.adapters.sql._opening import join, join_async, open_async, open_sync
    from dmcore.adapters.sql._schema import metadata
    from dmcore.adapters.sql._setup import initialise
    from dmcore.adapters.sql._transactions import SqlTransactions

__all__ = [
    "Elsewhere",
    "IsolationLevel",
    "Manifest",
    "Restored",
    "SchemaState",
    "Sealed",
    "SqlTransactions",
    "Synchronous",
    "back_up",
    "check_schema",
    "citus_sql",
    "count_plain",
    "encrypt",
    "initialise",
    "is_encrypted",
    "join",
    "join_async",
    "look_elsewhere",
    "metadata",
    "open_async",
    "open_sync",
    "restore",
    "seal",
    "upgrade",
    "upgrade_sql",
]
