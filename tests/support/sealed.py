"""Stores whose texts are sealed: what lies in one is opened for tests that look for texts there."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import attrs
from tests.support.stores import Colour, PostgresHarness, SqlHarness, SqliteHarness

from dmcore.adapters import crypto, sql
from dmcore.adapters.sql import metadata
from dmcore.adapters.sql._schema import SealedText
from dmcore.domain.body import Body
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.errors import UnreadableText
from dmcore.ports.keyring import Place, Shelf
from dmcore.testing.harness import Contents

SHELVES = {
    "dm_message": {
        "body": Shelf.BODY,
        "own_body": Shelf.OWN_BODY,
        "fingerprint": Shelf.FINGERPRINT,
    },
    "dm_evidence": {"body": Shelf.EVIDENCE},
}
PARENTS = {
    "dm_message": ("dm_conversation", "conversation_id", "id"),
    "dm_evidence": ("dm_report", "report_id", "message_id"),
}


@attrs.frozen
class Keys:
    """A key file and a keyring in a folder."""

    folder: Any

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'keys.db'}"

    @property
    def file(self) -> Any:
        return self.folder / "dmcore.key"

    def make(self) -> "Keys":
        crypto.KeyFile.make(self.file)
        crypto.initialise(self.url, master=crypto.KeyFile(self.file))
        return self

    def keyring(self) -> crypto.SqlKeyring:
        return crypto.open_keyring(self.url, master=crypto.KeyFile(self.file))

    def encryption(self, **settings: Any) -> crypto.AesGcm:
        return crypto.AesGcm(self.keyring(), **settings)


def set_up(url: str, keys: Keys) -> None:
    """A database whose texts are sealed from the first on."""
    sql.initialise(url)
    encryption = keys.encryption()
    sql.encrypt(url, encryption=encryption)
    encryption.close()


class _Opening(SqlHarness):
    def __init__(self, url: str, colour: Colour, keyring: crypto.SqlKeyring) -> None:
        super().__init__(url, colour)
        self.keyring = keyring
        self.encryption = crypto.AesGcm(keyring)

    def contents(self) -> Contents:
        """Every row, with what is sealed in it opened: sealing twice gives no two equal rows."""
        found = super().contents()
        return {
            name: [self._in_the_open(name, row, found) for row in rows(found, name)]
            for name in found
        }

    def _in_the_open(self, name: str, row: tuple[Any, ...], found: Contents) -> tuple[Any, ...]:
        shelves = SHELVES.get(name)
        if shelves is None:
            return row
        columns = columns_of(name, row)
        parent, scope, message = PARENTS[name]
        owners = (columns_of(parent, it) for it in rows(found, parent))
        tenant = next((it["tenant"] for it in owners if it["id"] == columns[scope]), "")
        owner = User(TenantId(tenant), UserId(columns["sender"]))
        for column, shelf in shelves.items():
            value = columns[column]
            place = Place(owner=owner, scope=columns[scope], message=columns[message], shelf=shelf)
            columns[column] = self._value(value, place)
        return tuple(columns.values())

    def _value(self, value: object, place: Place) -> object:
        assert self.encryption is not None
        if isinstance(value, bytes) and len(value) != 4:
            return self.encryption.open(value, place)
        if isinstance(value, SealedText):
            try:
                return Body(self.encryption.open(value.sealed, place).decode())
            except UnreadableText:
                return value
        return value

    def forget(self) -> None:
        """Every key in memory, as after a start."""
        assert self.encryption is not None
        self.encryption.close()

    def close(self) -> None:
        super().close()
        self.forget()


class SealedSqliteHarness(_Opening, SqliteHarness):
    """A SQLite file whose texts are sealed."""


class SealedPostgresHarness(_Opening, PostgresHarness):
    """A PostgreSQL database whose texts are sealed."""


def rows(found: Contents, name: str) -> list[tuple[Any, ...]]:
    listed = found[name]
    assert isinstance(listed, list)
    return listed


def columns_of(name: str, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(metadata.tables[name].columns.keys(), row, strict=True))


def sealed_in(found: Mapping[str, Any], name: str, id_: UUID) -> dict[str, Any]:
    """The row of one message, as it lies in the store."""
    listed = (columns_of(name, row) for row in found[name])
    return next(it for it in listed if id_ in it.values())
