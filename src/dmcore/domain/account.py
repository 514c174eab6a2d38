"""What the system keeps about one user: the mailbox row.

It is the unit of locking. Whoever writes for or to a user holds this row, so its counters, its
windows and its journal positions are exact at any isolation level.
"""

from datetime import datetime

import attrs

from dmcore.domain.events import Entry, Fact
from dmcore.domain.ids import User
from dmcore.domain.instants import to_datetime
from dmcore.domain.limits import NEW_WINDOW, Window
from dmcore.domain.preferences import DEFAULT_PREFERENCES, Preferences
from dmcore.domain.pseudonyms import is_pseudonym
from dmcore.domain.restriction import UNRESTRICTED, Standing, told_end


@attrs.frozen(kw_only=True)
class OwnAccount:
    """What a user may know of their own account: their choices, and what was taken and they told.

    ``muted_until_us`` and ``suspended_until_us`` are where that ends; ``None`` where it is for good
    and where it does not hold. Nothing here depends on a shadow ban (MOD-4).
    """

    preferences: Preferences
    is_muted: bool = False
    muted_until_us: int | None = None
    is_suspended: bool = False
    suspended_until_us: int | None = None

    @property
    def muted_until(self) -> datetime | None:
        """When they may write again, in UTC; ``None`` for never, and where they may."""
        return None if self.muted_until_us is None else to_datetime(self.muted_until_us)

    @property
    def suspended_until(self) -> datetime | None:
        """When messaging opens to them again, in UTC; ``None`` for never, and where it is open."""
        return None if self.suspended_until_us is None else to_datetime(self.suspended_until_us)


@attrs.frozen(kw_only=True)
class Account:
    """One user's standing state; a user never seen before has ``Account(user=…)``.

    ``position`` is that of the newest journal entry and ``pruned`` that of the newest which is no
    longer kept; ``unread`` is the sum over the conversations in the inbox; ``sends`` and ``starts``
    are the windows of the two limits, ``edits`` that of changes to own messages. ``is_erased``: the
    user was erased, or is being erased; they do nothing any more, and nobody reaches them (GDPR-1).
    ``standing`` is how the user is restricted, and ``restrictions`` how many times they ever were.
    ``removals`` counts how often messages were removed from a conversation of theirs, or it was
    mended: their journal tells nothing of either.
    ``devices`` is how many they have now, ``key_changes`` how often one was added or removed, and
    ``claims`` the window of the keys that they took of others (CRYPT-2).
    """

    user: User
    position: int = 0
    pruned: int = 0
    unread: int = 0
    sends: Window = NEW_WINDOW
    starts: Window = NEW_WINDOW
    preferences: Preferences = DEFAULT_PREFERENCES
    is_erased: bool = False
    standing: Standing = UNRESTRICTED
    restrictions: int = 0
    removals: int = 0
    devices: int = 0
    key_changes: int = 0
    claims: Window = NEW_WINDOW
    edits: Window = NEW_WINDOW

    @property
    def is_gone(self) -> bool:
        """Whether nobody is there: erased, or what is left of somebody, who may have no row yet."""
        return self.is_erased or is_pseudonym(self.user.id)

    def as_told(self, now_us: int) -> OwnAccount:
        """The account as its user may know it at an instant."""
        standing = self.standing
        return OwnAccount(
            preferences=self.preferences,
            is_muted=standing.is_muted(now_us),
            muted_until_us=told_end(standing.muted_until_us, now_us),
            is_suspended=standing.is_suspended(now_us),
            suspended_until_us=told_end(standing.suspended_until_us, now_us),
        )

    def changed_untold(self) -> "Account":
        """The account after a conversation of theirs was changed by nobody of the two.

        Whoever waits for the account must notice (ADR 13). Who was never told anything has nothing
        of a conversation, and maybe no account.
        """
        return attrs.evolve(self, removals=self.removals + 1) if self.position else self

    def noted(self, *facts: Fact) -> tuple["Account", tuple[Entry, ...]]:
        """The account after ``facts`` are written into its journal, with the entries to write."""
        entries = tuple(
            Entry(owner=self.user, position=position, fact=fact)
            for position, fact in enumerate(facts, self.position + 1)
        )
        return attrs.evolve(self, position=self.position + len(facts)), entries
