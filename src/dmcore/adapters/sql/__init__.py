"""The SQL stores: SQLite, embedded, and PostgreSQL, through SQLAlchemy Core (extra ``sql``)."""

from dmcore.adapters.sql._engine import IsolationLevel, Synchronous
from dmcore.adapters.sql._opening import join, join_async, open_async, open_sync
from dmcore.adapters.sql._schema import metadata
from dmcore.adapters.sql._setup import initialise
from dmcore.adapters.sql._transactions import SqlTransactions

__all__ = [
    "IsolationLevel",
    "SqlTransactions",
    "Synchronous",
    "initialise",
    "join",
    "join_async",
    "metadata",
    "open_async",
    "open_sync",
]
