"""What the system keeps about one user: the mailbox row.

It is the unit of locking. Whoever writes for or to a user holds this row, so its counters, its
windows and its journal positions are exact at any isolation level.
"""

import attrs

from dmcore.domain.events import Entry, Fact
from dmcore.domain.ids import User
from dmcore.domain.limits import NEW_WINDOW, Window


@attrs.frozen(kw_only=True)
class Account:
    """One user's standing state; a user never seen before has ``Account(user=…)``.

    ``position`` is that of the newest journal entry, ``unread`` the sum over the conversations in
    the inbox, ``sends`` and ``starts`` the windows of the two limits.
    """

    user: User
    position: int = 0
    unread: int = 0
    sends: Window = NEW_WINDOW
    starts: Window = NEW_WINDOW

    def noted(self, *facts: Fact) -> tuple["Account", tuple[Entry, ...]]:
        """The account after ``facts`` are written into its journal, with the entries to write."""
        entries = tuple(
            Entry(owner=self.user, position=position, fact=fact)
            for position, fact in enumerate(facts, self.position + 1)
        )
        return attrs.evolve(self, position=self.position + len(facts)), entries
