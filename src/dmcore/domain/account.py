"""What the system keeps about one user: the mailbox row.

It is the unit of locking. Whoever writes for or to a user holds this row, so its counters, its
windows and its journal positions are exact at any isolation level.
"""

import attrs

from dmcore.domain.events import Entry, Fact
from dmcore.domain.ids import User
from dmcore.domain.limits import NEW_WINDOW, Window
from dmcore.domain.preferences import DEFAULT_PREFERENCES, Preferences


@attrs.frozen(kw_only=True)
class Account:
    """One user's standing state; a user never seen before has ``Account(user=…)``.

    ``position`` is that of the newest journal entry and ``pruned`` that of the newest which is no
    longer kept; ``unread`` is the sum over the conversations in the inbox; ``sends`` and ``starts``
    are the windows of the two limits.
    """

    user: User
    position: int = 0
    pruned: int = 0
    unread: int = 0
    sends: Window = NEW_WINDOW
    starts: Window = NEW_WINDOW
    preferences: Preferences = DEFAULT_PREFERENCES

    def noted(self, *facts: Fact) -> tuple["Account", tuple[Entry, ...]]:
        """The account after ``facts`` are written into its journal, with the entries to write."""
        entries = tuple(
            Entry(owner=self.user, position=position, fact=fact)
            for position, fact in enumerate(facts, self.position + 1)
        )
        return attrs.evolve(self, position=self.position + len(facts)), entries
