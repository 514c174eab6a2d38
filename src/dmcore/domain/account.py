"""What the system keeps about one user: the mailbox row.

It is the unit of locking. Whoever writes for or to a user holds this row, so its counters, its
windows and its journal positions are exact at any isolation level.
"""

import attrs

from dmcore.domain.events import Entry, Fact
from dmcore.domain.ids import User
from dmcore.domain.limits import NEW_WINDOW, Window
from dmcore.domain.preferences import DEFAULT_PREFERENCES, Preferences
from dmcore.domain.pseudonyms import is_pseudonym
from dmcore.domain.restriction import UNRESTRICTED, Standing


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
