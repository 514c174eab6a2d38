"""The journal: one append-only table of content-free facts (FEED-2, AUD-1)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import attrs

from dmcore.domain.events import Entry
from dmcore.domain.ids import MessageId, User
from dmcore.ports.reading import Reading


@attrs.frozen(kw_only=True)
class FeedRows:
    """A piece of a feed: entries above a position, where it begins and where it ends now.

    The ends are those of the journal, whether the entries there are in the feed or not.

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

    def feed(
        self, owner: User, *, after: int, limit: int, since: MessageId | None
    ) -> Reading[FeedRows]:
        """The same with the ends of the feed, all of one state. In one statement.

        While the owner blocks somebody, no fact whose actor they are is in the feed (BLOCK-1), and
        none that names a message below ``since`` (GDPR-2). They are left out before ``limit``
        counts.
        """
        ...

    def heads(self, users: Collection[User]) -> Reading[Mapping[User, int]]:
        """The newest position in the journal of each user; 0 for an unknown one.

        In one statement by the keys of their accounts, however many they are. Nobody's act, so
        nothing but positions.
        """
        ...

    def expired(self, *, before_us: int, limit: int) -> Sequence[Entry]:
        """For ``limit`` owners at most, the newest of the leading entries older than ``before_us``.

        Leading: nothing younger lies below. It MAY be slow.
        """
        ...

    def prune(self, owner: User, *, through: int) -> None:
        """Forget the entries up to a position, while the owner's account is held and saved."""
        ...
