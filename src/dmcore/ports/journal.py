"""The journal: one append-only table of content-free facts (FEED-2, AUD-1)."""

from collections.abc import Sequence
from typing import Protocol

from dmcore.domain.events import Entry
from dmcore.domain.ids import User


class Journal(Protocol):
    """Storage of journal entries.

    Entries are never changed. An entry MUST become visible together with the change that it tells
    of, and in the order of positions: a reader that saw position n MUST have been able to see every
    smaller one. Holding the owner's account is what gives that.
    """

    def record(self, entries: Sequence[Entry]) -> None:
        """Append entries, whose owners' accounts are saved in the same transaction."""
        ...

    def entries_of(self, owner: User, *, after: int, limit: int) -> Sequence[Entry]:
        """Entries of one owner with positions above ``after``, in order. In one statement."""
        ...
