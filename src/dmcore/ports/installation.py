"""The one record of an installation: its switch, and its health."""

from enum import StrEnum
from typing import Protocol

import attrs

from dmcore.domain.mode import Mode


class RowSecurity(StrEnum):
    """Whether a store by itself keeps what is not an asker's from being read (OPS-7)."""

    OFF = "off"
    ON = "on"
    BYPASSED = "bypassed"
    """It is on, and this connection is not held to it."""


class StorageHealth(StrEnum):
    """Whether a store keeps what it is given (OPS-3). The worst that is known of it is told."""

    SOUND = "sound"
    NOT_DURABLE = "not_durable"
    """What was acknowledged may be gone with the power: nothing makes sure that it is on a disk."""
    READ_ONLY = "read_only"
    """It is read as always, and nothing can be written: a standby, for one."""
    DAMAGED = "damaged"
    """Parts of it do not read as they were written. What is whole should be saved elsewhere."""


@attrs.frozen(kw_only=True)
class StoreStatus:
    """What an operator may see of a store: mode, versions and counts, never content (OPS-3).

    ``size_bytes`` is what dmcore's tables take with all that belongs to them, and ``free_bytes``
    what is left where they lie; ``None`` where the store does not say. Both are measured, so they
    do not tell one status from another.
    """

    mode: Mode
    schema_version: int
    store: str
    conversations: int
    messages: int
    users: int
    blocks: int
    journal_entries: int
    row_security: RowSecurity = RowSecurity.OFF
    health: StorageHealth = StorageHealth.SOUND
    size_bytes: int | None = attrs.field(default=None, eq=False)
    free_bytes: int | None = attrs.field(default=None, eq=False)


class Installation(Protocol):
    """The installation record.

    A store is born with mode ``off`` and a random namespace of 16 bytes, which never changes: every
    conversation id is derived from it (PAIR-1, OPS-1).
    """

    def mode(self) -> Mode:
        """The mode now."""
        ...

    def hold_mode(self) -> Mode:
        """The mode now, held: nobody else can turn the switch until the transaction ends."""
        ...

    def set_mode(self, mode: Mode) -> None:
        """Change the switch: every transaction begun after this one commits MUST see it."""
        ...

    def status(self) -> StoreStatus:
        """Counts, versions and health; it MAY be slow and MUST NOT hold up writers."""
        ...
