"""Bringing a database to the schema of this dmcore: step by step, each wholly or not at all.

The version in the record of the installation is the only one there is. It changes in the same
transaction as the schema, so a process that is killed leaves a database of the one or of the other.
"""

from collections.abc import Callable
from io import StringIO
from threading import Lock
from typing import Any, Final, TypeVar

import attrs
from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import SQLAlchemyError

from dmcore.adapters.sql._engine import Settings, check_file, make_engine, parse_url
from dmcore.adapters.sql._errors import judge
from dmcore.adapters.sql._roles import VIEWS, Roles, check_may_secure, secure
from dmcore.adapters.sql._row_security import SETTINGS, look
from dmcore.adapters.sql._schema import SCHEMA_VERSION, installation, metadata
from dmcore.adapters.sql._setup import INIT_LOCK
from dmcore.adapters.sql.migrations import MIGRATIONS, Migration
from dmcore.errors import InvalidSetting, NotInitialised, StoreRefused, WrongSchema

Result = TypeVar("Result")

# Alembic's environment is one for each process.
_LOCK: Final = Lock()
_SETTINGS: Final = Settings(row_security="bypass")
_APPLICATION: Final = "_application"


@attrs.frozen
class Plan:
    """Steps, and the version that the last of them leads to."""

    migrations: tuple[Migration, ...]
    newest: int

    @property
    def oldest(self) -> int:
        """The version that the first step begins at."""
        return self.newest - len(self.migrations)

    def after(self, found: int) -> tuple[Migration, ...]:
        """The steps from a version on. Raises ``WrongSchema`` for one that no step begins at."""
        if not self.oldest <= found <= self.newest:
            raise WrongSchema(found, self.newest)
        return self.migrations[found - self.oldest :]


PLAN: Final = Plan(MIGRATIONS, SCHEMA_VERSION)


@attrs.frozen(kw_only=True)
class SchemaState:
    """The version of a database's schema, that of this dmcore, and what differs from it else."""

    found: int
    expected: int
    differences: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether this dmcore can use it as it is."""
        return self.found == self.expected and not self.differences


def upgrade(url: str) -> tuple[int, int]:
    """Bring a database to the schema of this dmcore; return the versions before and after.

    Its rows stay. Stop the processes that use it before: they know the other schema. It can be
    killed and called again, and from any number of processes at once. Raises ``WrongSchema`` for a
    database that is newer than this dmcore or too old for it, ``NotInitialised``, ``StoreError``.
    """
    return migrate(url, PLAN)


def migrate(url: str, plan: Plan) -> tuple[int, int]:
    """The same along any steps."""
    with _LOCK:
        return _on_engine(url, lambda engine: _along(engine, plan))


def upgrade_sql(url: str) -> str:
    """What ``upgrade`` would do to this PostgreSQL database, as SQL for somebody else to run."""
    return planned_sql(url, PLAN)


def planned_sql(url: str, plan: Plan) -> str:
    """The same along any steps."""
    if parse_url(url).get_backend_name() == "sqlite":
        raise InvalidSetting("url", "SQLite copies tables to change them: run `dmcore upgrade`")
    with _LOCK:
        return _on_engine(url, lambda engine: _written(engine, plan))


def check_schema(url: str) -> SchemaState:
    """Compare a database's tables, columns and indexes with those of this dmcore."""

    def compare(engine: Engine) -> SchemaState:
        with engine.connect() as connection:
            found = _version(connection)
            differences = () if found != SCHEMA_VERSION else _differences(connection)
            return SchemaState(found=found, expected=SCHEMA_VERSION, differences=differences)

    with _LOCK:
        return _on_engine(url, compare)


def _on_engine(url: str, work: Callable[[Engine], Result]) -> Result:
    parsed = parse_url(url)
    check_file(parsed)
    engine = make_engine(parsed, _SETTINGS)
    try:
        return work(engine)
    except SQLAlchemyError as error:
        verdict = judge(error)
    finally:
        engine.dispose()
    raise verdict.error


def _along(engine: Engine, plan: Plan) -> tuple[int, int]:
    with engine.connect() as connection:
        before = found = _version(connection)
        while plan.after(found):
            step = _on_sqlite if connection.dialect.name == "sqlite" else _on_postgres
            found = step(connection, plan)
        return before, found


def _version(connection: Connection) -> int:
    version = connection.execute(select(installation.c.schema_version)).scalar_one_or_none()
    if version is None:
        raise NotInitialised
    return int(version)


def _on_sqlite(connection: Connection, plan: Plan) -> int:
    # A table is changed by putting another one in its place; to those that name it, it is the same.
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.exec_driver_sql("PRAGMA legacy_alter_table = ON")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    found = _version(connection)
    for migration in plan.after(found)[:1]:
        found = _run(connection, migration, found)
        if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
            raise StoreRefused("foreign_key")
    connection.commit()
    return found


def _on_postgres(connection: Connection, plan: Plan) -> int:
    connection.exec_driver_sql("BEGIN")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({INIT_LOCK})")
    # A step may have to see every row, under row-level security too.
    connection.exec_driver_sql(f"SELECT set_config('{SETTINGS[0]}', 'operator', true)")
    found = _version(connection)
    for migration in plan.after(found)[:1]:
        prefix = look(connection).participant_role.removesuffix(_APPLICATION)
        if prefix:
            check_may_secure(connection, Roles(prefix))
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {', '.join(VIEWS)}")
        found = _run(connection, migration, found)
        if prefix and found == plan.newest:
            secure(connection, Roles(prefix))
    connection.commit()
    return found


def _run(connection: Connection, migration: Migration, found: int) -> int:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    migration(Operations(MigrationContext.configure(connection)))
    connection.execute(update(installation).values(schema_version=found + 1))
    return found + 1


def _written(engine: Engine, plan: Plan) -> str:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    with engine.connect() as connection:
        found = _version(connection)
        is_secured = bool(look(connection).participant_role)
    out = StringIO()
    for version, migration in enumerate(plan.after(found), found + 1):
        options: dict[str, Any] = {"as_sql": True, "output_buffer": out}
        context = MigrationContext.configure(dialect_name="postgresql", opts=options)
        out.write(f"BEGIN;\n\nDROP VIEW IF EXISTS {', '.join(VIEWS)};\n\n")
        migration(Operations(context))
        set_version = f"UPDATE {installation.name} SET schema_version = {version}"  # noqa: S608
        out.write(f"{set_version};\n\nCOMMIT;\n\n")
    if is_secured and found != plan.newest:
        out.write("-- Row-level security is on: run `dmcore init --rls` afterwards.\n")
    return out.getvalue()


def _differences(connection: Connection) -> tuple[str, ...]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or (name or "").startswith("dm_")

    context = MigrationContext.configure(connection, opts={"include_name": is_ours})
    return tuple(sorted(_named(it) for it in compare_metadata(context, metadata)))


def _named(difference: Any) -> str:
    """What differs and where, in Alembic's words."""
    if isinstance(difference, list):
        difference = difference[0]
    kind, *rest = difference
    names = (it if isinstance(it, str) else getattr(it, "name", None) for it in rest)
    return " ".join([kind, *(name for name in names if name is not None)])
