"""The installation record in SQL."""

from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, update

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._health import storage_of
from dmcore.adapters.sql._row_security import look
from dmcore.adapters.sql._schema import block, conversation, installation, journal, mailbox, message
from dmcore.domain.mode import Mode
from dmcore.ports.installation import Installation, StoreStatus

_RECORD = select(installation)
_HELD_RECORD = _RECORD.with_for_update()
_STATUS = select(
    installation.c.mode,
    installation.c.schema_version,
    *(
        select(func.count()).select_from(table).scalar_subquery().label(name)
        for name, table in (
            ("conversations", conversation),
            ("messages", message),
            ("users", mailbox),
            ("blocks", block),
            ("journal_entries", journal),
        )
    ),
)


class SqlInstallation:
    """The ``Installation`` port."""

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._batch = batch

    def mode(self) -> Mode:
        return Mode(self._connection.execute(_RECORD).one().mode)

    def hold_mode(self) -> Mode:
        return Mode(self._connection.execute(_HELD_RECORD).one().mode)

    def set_mode(self, mode: Mode) -> None:
        row = self._connection.execute(_RECORD).one()
        before = dict(row._mapping)
        self._batch.update(installation, before | {"mode": mode.value}, before)

    def hold_keyring(self) -> bytes | None:
        """Whose keys the texts are sealed with, held; ``None`` where they are not (CRYPT-1)."""
        marked = self._connection.execute(_HELD_RECORD).one().keyring
        return None if marked is None else bytes(marked)

    def set_keyring(self, identity: bytes) -> None:
        """Have texts sealed with the keys of a keyring from here on."""
        self._connection.execute(update(installation).values(keyring=identity))

    def status(self) -> StoreStatus:
        row = self._connection.execute(_STATUS).one()
        security = look(self._connection)
        storage = storage_of(self._connection, is_spread=security.is_spread)
        return StoreStatus(
            mode=Mode(row.mode),
            schema_version=row.schema_version,
            store=self._connection.dialect.name,
            conversations=row.conversations,
            messages=row.messages,
            users=row.users,
            blocks=row.blocks,
            journal_entries=row.journal_entries,
            row_security=security.found,
            health=storage.health,
            size_bytes=storage.size_bytes,
            free_bytes=storage.free_bytes,
        )


if TYPE_CHECKING:

    def _conforms(connection: Connection, batch: Batch) -> Installation:
        return SqlInstallation(connection, batch)
