"""Backups: a whole store into a folder, and back from it into nothing (OPS-4, ADR 40).

Owns the order of the steps, so that there is never half a backup and never half a store. Opens no
text and holds no key.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar

import attrs
from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from dmcore._rules import Rules
from dmcore.adapters.opening import rules_for
from dmcore.adapters.sql._apart import HostUrl, check_apart
from dmcore.adapters.sql._dumping import (
    SCHEMA,
    TABLES,
    bring_record,
    check_fresh,
    check_may_read_all,
    dump,
    load,
    unload,
)
from dmcore.adapters.sql._engine import Settings, check_file, make_engine, parse_url
from dmcore.adapters.sql._errors import judge
from dmcore.adapters.sql._files import digest_of, new_database, new_folder, write_new
from dmcore.adapters.sql._manifest import FILES, Manifest
from dmcore.adapters.sql._migrating import PLAN, upgrade
from dmcore.adapters.sql._opening import opened
from dmcore.adapters.sql._setup import INIT_LOCK, check_encoding, initialise
from dmcore.direct_messages import DirectMessages
from dmcore.domain.ids import User, installation_mark, parse_tenant_id, parse_user_id
from dmcore.domain.verification import Finding
from dmcore.errors import (
    EncryptionRequired,
    InvalidBackup,
    InvalidSetting,
    NotEncrypted,
    NotInitialised,
    StoreUnavailable,
    WrongKeyring,
)
from dmcore.operations import _acting, _ledger
from dmcore.ports.clock import Clock
from dmcore.ports.keyring import Encryption
from dmcore.ports.transactions import Actor, Capacity, writing

Tell = Callable[[str], None]
Result = TypeVar("Result")

_SETTINGS: Final = Settings(row_security="bypass")
_SQLITE_TABLES: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'dm_*' ORDER BY name"
)
_RECORD: Final = "SELECT schema_version, namespace, keyring FROM dm_installation"
_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@attrs.frozen(kw_only=True)
class Restored:
    """A store that came back: from which backup, who was erased again, and what is wrong in it."""

    manifest: Manifest
    erased_again: tuple[str, ...]
    findings: tuple[Finding, ...]


def _silent(_step: str) -> None:
    """Nobody looks on."""


def back_up(
    url: str,
    target: str | Path,
    *,
    clock: Clock | None = None,
    tools: Path | None = None,
    tell: Tell | None = None,
) -> Manifest:
    """Copy a whole store into a new folder, while it is in use; return what is in the copy.

    Everything acknowledged before is in it, and what is in it is one state of the store. The folder
    has its name only when it is whole: its file, and beside it the manifest, which is written last.
    Sealed texts stay sealed, and no key is in it. On PostgreSQL ``pg_dump`` does it, from
    ``tools`` or wherever it is found; under row-level security it needs the backup role.

    ``tell`` is called before each step with what that does. A store of another schema version is
    copied too. Raises ``FileExistsError`` for a name that is taken, any other ``OSError``,
    ``InvalidSetting``, ``MissingTool`` and ``StoreError``.
    """
    tell = tell or _silent
    parsed = parse_url(url)
    check_file(parsed)
    now_us = _rules(clock).now_us()
    engine = make_engine(parsed, _SETTINGS)
    copy = _copied if parsed.get_backend_name() == "sqlite" else _dumped
    with new_folder(Path(target)) as folder:
        tell("Copying the store")
        # For nobody else to read, whatever writes into it.
        write_new(folder / FILES[engine.dialect.name], "")
        manifest = _judged(engine, lambda: copy(engine, folder, now_us, tools))
        tell("Computing the checksum")
        manifest = manifest.sealed(folder)
        manifest.write(folder)
    return manifest


def _copied(engine: Engine, folder: Path, now_us: int, _tools: Path | None) -> Manifest:
    file = folder / FILES["sqlite"]
    with engine.connect() as connection:
        # Not a file that is somebody else's.
        _described(connection, now_us)
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)  # noqa: S101 - what the driver is
        try:
            with closing(sqlite3.connect(file, isolation_level=None)) as copy:
                # In one step: where somebody writes between two, it begins anew, for ever.
                source.backup(copy, pages=-1)
                # One file by itself, that can be read where nothing can be written.
                copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            raise OperationalError(None, None, error) from None
    made = make_engine(_sqlite(file), _SETTINGS)
    return _judged(made, lambda: _checked(made, now_us))


def _checked(made: Engine, now_us: int) -> Manifest:
    with made.connect() as connection:
        if not _is_intact(connection):
            raise StoreUnavailable("the file is not a sound database")
        return _described(connection, now_us)


def _dumped(engine: Engine, folder: Path, now_us: int, tools: Path | None) -> Manifest:
    with engine.connect() as connection:
        connection.exec_driver_sql(_SNAPSHOT)
        # What is counted is what the program sees.
        manifest = attrs.evolve(
            _described(connection, now_us),
            roles=check_may_read_all(connection),
            schema=connection.exec_driver_sql(SCHEMA).scalar_one(),
        )
        snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        version = dump(
            connection,
            folder / manifest.file,
            snapshot=snapshot,
            tables=list(manifest.rows),
            tools=tools,
        )
        connection.rollback()
    return attrs.evolve(manifest, tool=version)


def _described(connection: Connection, now_us: int) -> Manifest:
    """What a store is by its record, and how many rows it has. Raises ``NotInitialised``."""
    row = connection.exec_driver_sql(_RECORD).one_or_none()
    if row is None:
        raise NotInitialised
    return Manifest(
        store=connection.dialect.name,
        schema_version=row.schema_version,
        installation=installation_mark(bytes(row.namespace)),
        keyring=None if row.keyring is None else bytes(row.keyring).hex(),
        taken_at_us=now_us,
        rows=_counted(connection),
    )


def _counted(connection: Connection) -> dict[str, int]:
    tables = _SQLITE_TABLES if connection.dialect.name == "sqlite" else TABLES
    return {
        name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()  # noqa: S608
        for name in connection.exec_driver_sql(tables).scalars().all()
    }


def _is_intact(connection: Connection) -> bool:
    return bool(connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok")


def restore(
    url: str,
    source: str | Path,
    *,
    operator: str = "operator",
    ledger: Iterable[str] = (),
    encryption: Encryption | None = None,
    roles: str | None = None,
    host_url: HostUrl | None = None,
    tools: Path | None = None,
    clock: Clock | None = None,
    tell: Tell | None = None,
) -> Restored:
    """Bring a backup back into a file that is not there, or a database without our tables.

    Messaging is off in it, and that is journaled: an operator looks and turns it on. ``ledger`` is
    the ledger of erasures as it was kept apart from the backups; whoever it knows is erased again.
    In the end everything is verified; what is found is returned, and the store is there.

    Nobody can open it before: a SQLite file gets its name last, and a PostgreSQL database its
    record. Where the backup was under row-level security the restored store is too, with roles of
    the same names or those that ``roles`` begins. A backup whose texts are sealed needs
    ``encryption``, which is closed in the end. It is not brought into the database of
    ``host_url`` (OPS-2).

    Raises ``InvalidBackup``, ``NotAFreshStore``, ``WrongSchema`` for a backup that is newer than
    this dmcore or too old for it, ``EncryptionRequired``, ``WrongKeyring``, ``NotEncrypted``,
    ``InvalidLedger``, ``MissingTool``, ``SharedDatabase``, ``HostUnavailable``, ``InvalidSetting``,
    ``StoreError`` and ``OSError``.
    """
    try:
        parsed = parse_url(url)
        check_apart(parsed, host_url)
        folder = Path(source)
        manifest = Manifest.read(folder)
        lines = tuple(ledger)
        _check(manifest, parsed, encryption, roles, lines)
        who = User(parse_tenant_id(""), parse_user_id(operator))
        arriving = _Arriving(
            folder=folder,
            manifest=attrs.evolve(manifest, roles=roles or manifest.roles),
            operator=who,
            ledger=lines,
            encryption=encryption,
            rules=_rules(clock),
            tools=tools,
            tell=tell or _silent,
        )
        if manifest.store == "sqlite":
            return arriving.into_file(Path(parsed.database or ""))
        return arriving.into_database(parsed)
    finally:
        if encryption is not None:
            encryption.close()


def _check(
    manifest: Manifest,
    url: URL,
    encryption: Encryption | None,
    roles: str | None,
    ledger: tuple[str, ...],
) -> None:
    """All that can be known to be wrong before anything is written."""
    if manifest.store != url.get_backend_name():
        raise InvalidBackup(f"it is of a store on {manifest.store}: name one of that kind")
    if roles is not None and manifest.store == "sqlite":
        raise InvalidSetting("roles", "row-level security needs PostgreSQL")
    PLAN.after(manifest.schema_version)
    if manifest.keyring is not None and encryption is None:
        raise EncryptionRequired
    if manifest.keyring is None and encryption is not None:
        raise NotEncrypted
    if encryption is not None and encryption.identity.hex() != manifest.keyring:
        raise WrongKeyring("the texts of this backup were sealed with another keyring")
    for _ in _ledger.read(ledger, manifest.installation):
        pass


@attrs.frozen(kw_only=True)
class _Arriving:
    """A backup on its way into a new store."""

    folder: Path
    manifest: Manifest
    operator: User
    ledger: tuple[str, ...]
    encryption: Encryption | None
    rules: Rules
    tools: Path | None
    tell: Tell

    def into_file(self, target: Path) -> Restored:
        with new_database(target) as file:
            self.tell("Copying the backup")
            self.manifest.check(digest_of(self.folder / self.manifest.file, copied_to=file))
            engine = make_engine(_sqlite(file), _SETTINGS)
            _judged(engine, lambda: self._check_file(engine))
            return self._settle(_sqlite(file))

    def _check_file(self, engine: Engine) -> None:
        with engine.connect() as connection:
            if not _is_intact(connection):
                raise InvalidBackup("its file is not a sound database")
            self._compare(connection)

    def into_database(self, url: URL) -> Restored:
        engine = make_engine(url, _SETTINGS)
        _judged(engine, lambda: self._bring(engine))
        return self._settle(url)

    def _bring(self, engine: Engine) -> None:
        with engine.connect() as connection:
            check_encoding(connection)
            # Until this connection is closed: one at a time sets up, restores or upgrades.
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({INIT_LOCK})")
            check_fresh(connection, self.manifest.schema)
            self.tell("Reading the backup")
            self.manifest.check(digest_of(self.folder / self.manifest.file))
            self.tell("Restoring the tables")
            try:
                load(connection, self.folder, self.manifest, tools=self.tools)
                connection.exec_driver_sql("BEGIN")
                bring_record(connection, self.folder, self.manifest, tools=self.tools)
                self._compare(connection)
                connection.commit()
            except BaseException:
                # Tables that nobody can open would keep texts, and the next one from being made.
                with suppress(SQLAlchemyError):
                    unload(connection)
                raise

    def _compare(self, connection: Connection) -> None:
        """Whether what arrived is what the manifest is about. Raises ``InvalidBackup``."""
        of_both = ("schema_version", "installation", "keyring", "rows")
        found = _described(connection, self.manifest.taken_at_us)
        if any(getattr(found, name) != getattr(self.manifest, name) for name in of_both):
            raise InvalidBackup("its manifest is of another store")

    def _settle(self, url: URL) -> Restored:
        """Off, erased again, verified."""
        self.tell("Verifying")
        text = url.render_as_string(hide_password=False)
        upgrade(text)
        initialise(text, roles=self.manifest.roles)
        transactions = opened(url, _SETTINGS, self.encryption)
        with DirectMessages(rules=self.rules, transactions=transactions) as dm:
            note = writing(_acting.note_restored, self.rules, operator=self.operator)
            transactions.run(note.by(Actor(Capacity.OPERATOR, self.operator)))
            operations = dm.operations(self.operator.id)
            operations.record_erasures(self.ledger)
            erased = operations.reapply_erasures()
            return Restored(
                manifest=self.manifest,
                erased_again=tuple(it.pseudonym for it in erased),
                findings=operations.verify(),
            )


def _judged(engine: Engine, work: Callable[[], Result]) -> Result:
    """What the work returns; the engine's errors are ours, and it is let go of in the end."""
    try:
        return work()
    except SQLAlchemyError as error:
        verdict = judge(error)
    finally:
        engine.dispose()
    raise verdict.error


def _rules(clock: Clock | None) -> Rules:
    return rules_for(None, clock, None, None, is_awaited=False)


def _sqlite(file: Path) -> URL:
    return URL.create("sqlite", database=os.fspath(file))
