"""The journal: one append-only table of content-free facts (FEED-2, AUD-1)."""

from collections.abc import Sequence
from typing import Protocol

import attrs

from dmcore.domain.events import Entry
from dmcore.domain.ids import User
from dmcore.ports.reading import Reading


@attrs.frozen(kw_only=True)
class FeedRows:
    """A piece of a feed: entries above a position, where it begins and where it ends now.

    ``pruned`` is the newest position that is no longer kept, ``position`` the newest there is.
    """

    pruned: int
    position: int
    entries: Sequence[Entry]


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

    def feed(self, owner: User, *, after: int, limit: int) -> Reading[FeedRows]:
        """The same with the ends of the feed, all of one state. In one statement."""
        ...

    def expired(self, *, before_us: int, limit: int) -> Sequence[Entry]:
        """For ``limit`` owners at most, the newest of the leading entries older than ``before_us``.

        Leading: nothing younger lies below. It MAY be slow.
        """
        ...

    def prune(self, owner: User, *, through: int) -> None:
        """Forget the entries up to a position, while the owner's account is held and saved."""
        ...
