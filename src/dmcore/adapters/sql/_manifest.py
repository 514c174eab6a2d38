"""What a backup says of itself: whose it is, what is in it, and how one knows that it is whole."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

import attrs

from dmcore.adapters.sql._files import digest_of, write_new
from dmcore.domain.instants import is_instant, to_datetime
from dmcore.domain.numbers import is_whole_number
from dmcore.errors import InvalidBackup

MANIFEST: Final = "manifest.json"
FILES: Final = {"sqlite": "messages.db", "postgresql": "messages.dump"}

_KIND: Final = "dmcore backup"
_FORMAT: Final = 1
_LARGEST: Final = 1 << 20


@attrs.frozen(kw_only=True)
class Manifest:
    """A backup in numbers; nothing in it is a text, a key or the name of a user.

    ``installation`` is the mark that the ledger of erasures has too, ``keyring`` that of the keys
    which texts are sealed with, if they are. ``rows`` is the number of rows of each table.
    ``schema``, ``roles`` and ``tool`` are PostgreSQL's: where the tables were, how the names of the
    roles of row-level security begin where that was on, and the version of ``pg_dump``.
    """

    store: str
    schema_version: int
    installation: str
    keyring: str | None
    taken_at_us: int
    rows: Mapping[str, int]
    size: int = 0
    sha256: str = ""
    schema: str | None = None
    roles: str | None = None
    tool: int | None = None

    @property
    def file(self) -> str:
        """The name of the file beside the manifest."""
        return FILES[self.store]

    @property
    def taken_at(self) -> datetime:
        """When it was taken, in UTC."""
        return to_datetime(self.taken_at_us)

    @property
    def messages(self) -> int:
        """How many messages are in it."""
        return self.rows.get("dm_message", 0)

    def sealed(self, folder: Path) -> Self:
        """The manifest of the file that lies in a folder now."""
        size, sha256 = digest_of(folder / self.file)
        return attrs.evolve(self, size=size, sha256=sha256)

    def write(self, folder: Path) -> None:
        """Put it beside the file, last of all."""
        facts = {
            "kind": _KIND,
            "format": _FORMAT,
            "file": self.file,
            "taken_at": self.taken_at.isoformat(),
            **attrs.asdict(self),
        }
        whole = facts | {"manifest_sha256": _checksum(facts)}
        write_new(folder / MANIFEST, json.dumps(whole, indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest in a folder. Raises ``InvalidBackup``, and ``OSError`` for no folder."""
        file = folder / MANIFEST
        if folder.is_dir() and not file.exists():
            raise InvalidBackup("there is no manifest in this folder, so it is none or not whole")
        facts = _facts(file)
        if facts is None:
            raise InvalidBackup("its manifest is damaged, or of something else")
        if facts["format"] != _FORMAT:
            raise InvalidBackup("a newer dmcore made it")
        if not _is_manifest(facts):
            raise InvalidBackup("its manifest is damaged, or of something else")
        return cls(**{field.name: facts[field.name] for field in attrs.fields(cls)})

    def check(self, found: tuple[int, str]) -> None:
        """Compare the size and the checksum of the file. Raises ``InvalidBackup``."""
        if found != (self.size, self.sha256):
            raise InvalidBackup("the file is not the one of its manifest: damaged, or exchanged")


def _facts(file: Path) -> dict[str, Any] | None:
    """The facts of a manifest, if it is one and says what it was written to say."""
    with file.open("rb") as found:
        content = found.read(_LARGEST)
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(facts, dict) or facts.get("kind") != _KIND or "format" not in facts:
        return None
    return facts if facts.pop("manifest_sha256", None) == _checksum(facts) else None


def _is_manifest(facts: Mapping[str, Any]) -> bool:
    """Whether somebody who can compute a checksum wrote what we would."""
    names = {field.name for field in attrs.fields(Manifest)}
    return (
        names <= facts.keys()
        and facts["store"] in tuple(FILES)
        and is_instant(facts["taken_at_us"])
        and is_whole_number(facts["schema_version"], least=1)
        and isinstance(facts["rows"], dict)
    )


def _checksum(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
