"""What the system keeps about one user: the mailbox row.

It is the unit of locking. Whoever writes for or to a user holds this row, so its counters, its
windows and its journal positions are exact at any isolation level.
"""

from typing import Final

import attrs

from dmcore.domain.events import Entry, Fact
from dmcore.domain.ids import User
from dmcore.domain.limits import Instants

NEVER_US: Final = -(1 << 62)
"""Before every instant."""


@attrs.frozen(kw_only=True)
class Account:
    """One user's standing state; a user never seen before has ``Account(user=…)``.

    ``position`` is that of the newest journal entry, ``unread`` the sum over the conversations in
    the inbox, ``sends`` and ``starts`` the windows of the two limits, oldest instant first.

    ``time_us`` is the user's own time when it was last needed, and ``reading_us`` what the clock
    showed then; they differ once a clock was found behind.
    """

    user: User
    position: int = 0
    unread: int = 0
    sends: Instants = ()
    starts: Instants = ()
    time_us: int = NEVER_US
    reading_us: int = NEVER_US

    def now_us(self, reading_us: int, window_us: int) -> int:
        """The user's own time when a clock shows ``reading_us``, for a limit of that window.

        It is what the clock shows, except behind a clock that was set back: there the user's time
        goes on from where it was, at the speed of the clock, until the clock has passed it by more
        than it was set back. A clock found behind by more than the window is not followed that far:
        it was another clock, and the right one is back (LIMIT-2, ADR 15).
        """
        behind_us = self.time_us - self.reading_us
        if reading_us < self.time_us or 0 < behind_us <= window_us:
            return self.time_us + max(reading_us - self.reading_us, 0)
        return reading_us

    def at(self, reading_us: int) -> "Account":
        """The account with the moment noted at which a clock shows ``reading_us``.

        Its ``time_us`` is the instant to count an event at; it never goes back.
        """
        time_us = self.now_us(reading_us, window_us=0)
        return attrs.evolve(self, time_us=time_us, reading_us=reading_us)

    def noted(self, *facts: Fact) -> tuple["Account", tuple[Entry, ...]]:
        """The account after ``facts`` are written into its journal, with the entries to write."""
        entries = tuple(
            Entry(owner=self.user, position=position, fact=fact)
            for position, fact in enumerate(facts, self.position + 1)
        )
        return attrs.evolve(self, position=self.position + len(facts)), entries
