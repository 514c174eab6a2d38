"""The tables of a keyring, and the one place that connects to it."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from dmcore.adapters.database_urls import read_url
from dmcore.errors import InvalidSetting, KeyringUnavailable

Result = TypeVar("Result")

SCHEMA_VERSION: Final = 1
_LOGGING_NAME: Final = "dmcore-keyring"
_BUSY_TIMEOUT_S: Final = 30
_MESSAGES: Final = "dm_installation"
_Id: Final = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData()

# One row. `round` goes up when every user is to have a new key.
keyring = Table(
    "dmk_keyring",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("schema_version", Integer, nullable=False),
    Column("identity", LargeBinary, nullable=False),
    Column("round", Integer, nullable=False),
)

# What wraps the keys of users, itself wrapped by the master key.
root = Table(
    "dmk_root",
    metadata,
    Column("version", Integer, nullable=False),
    Column("master_key", Text, nullable=False),
    Column("master_version", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    PrimaryKeyConstraint("version"),
)

# The reference keeps a root from going while a key is being made under it.
user_key = Table(
    "dmk_user_key",
    metadata,
    Column("tenant", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("round", Integer, nullable=False),
    Column("key_id", LargeBinary, nullable=False),
    Column("root", Integer, nullable=False, index=True),
    Column("wrapped", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant", "user_id", "round"),
    ForeignKeyConstraint(["root"], [root.c.version]),
)


def make_keyring_engine(url: str) -> Engine:
    """An engine whose errors and logs show no parameter and no row. Raises ``InvalidSetting``."""
    engine = None
    try:
        parsed = read_url(url)
        if parsed.get_backend_name() == "sqlite" and not parsed.database:
            raise InvalidSetting("keyring", "SQLite needs a file")
        engine = create_engine(
            parsed,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",
            logging_name=_LOGGING_NAME,
            connect_args=_options(parsed.get_backend_name()),
        )
    except (ArgumentError, ImportError, TypeError, ValueError, AttributeError):
        engine = None
    if engine is None or engine.dialect.name not in ("sqlite", "postgresql"):
        raise InvalidSetting("keyring", "must be sqlite:///FILE or postgresql://…")
    logging.getLogger(f"sqlalchemy.engine.Engine.{_LOGGING_NAME}").addFilter(_is_no_row)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
    return engine


def _options(backend: str) -> dict[str, Any]:
    if backend != "sqlite":
        return {}
    return {"check_same_thread": False, "timeout": _BUSY_TIMEOUT_S}


def _is_no_row(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(("Row ", "Col "))


def _prepare(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # A key that was destroyed is overwritten; there is no WAL in which it could stay.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA synchronous = FULL")


def file_of(engine: Engine) -> Path | None:
    """The file that a keyring is in, if it is in one."""
    name = engine.url.database
    return Path(name) if engine.dialect.name == "sqlite" and name else None


def make_file(engine: Engine) -> None:
    """An empty file that nobody but its owner reads, where SQLite would make one for everybody."""
    file = file_of(engine)
    if file is None:
        return
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError:
        raise InvalidSetting("keyring", "cannot be written") from None


def reading(engine: Engine, read: Callable[[Connection], Result]) -> Result:
    """What is read with single statements. Raises ``KeyringUnavailable``.

    No context manager: an error that leaves one has the foreign error in its chain.
    """
    try:
        with engine.connect() as connection:
            return read(connection)
    except SQLAlchemyError:
        pass
    raise KeyringUnavailable("its database failed or cannot be reached")


def writing(engine: Engine, write: Callable[[Connection], Result]) -> Result:
    """The same in a transaction, which is committed at the end and undone by any error."""

    def within(connection: Connection) -> Result:
        is_sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
        # Undone by giving the connection back, where it is not committed.
        result = write(connection)
        connection.exec_driver_sql("COMMIT")
        return result

    return reading(engine, within)


def check_outside(connection: Connection) -> None:
    """Raise ``InvalidSetting`` where messages lie: a backup of both would hold text and key."""
    if inspect(connection).has_table(_MESSAGES):
        raise InvalidSetting("keyring", "must not be in the database of the messages")
