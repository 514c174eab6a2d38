"""Restrictions: the history of what moderators took from users, and gave back (MOD-4).

What holds now is in each user's account, so that nobody who writes or reads asks here.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from dmcore.domain.ids import User
from dmcore.domain.restriction import Restriction, RestrictionKind


class Restrictions(Protocol):
    """Storage of restrictions. What writes MUST be called only while the user's account is held.

    The account is saved in the same transaction. Nothing is ever removed: it is the audit record.
    """

    def add(self, restriction: Restriction) -> None:
        """Store a restriction, whose number is one more than the user had before."""
        ...

    def save(self, restriction: Restriction) -> None:
        """Store the end of a restriction that ``active`` returned in this transaction."""
        ...

    def active(self, user: User, *, now_us: int) -> Sequence[Restriction]:
        """The user's restrictions that hold at an instant, oldest first: see ``holding``.

        Of each kind the newest, if nobody ended it and its time has not passed. In one statement.
        """
        ...

    def history(self, user: User, *, before: int | None, limit: int) -> Sequence[Restriction]:
        """The user's restrictions, newest first, below the number ``before``. In one statement."""
        ...

    def counts(self, moderator: User, *, now_us: int) -> Mapping[RestrictionKind, int]:
        """How many restrictions of each kind hold now in the moderator's tenant.

        Those of the moderator MUST be left out: nobody counts their own. Kinds of which there is
        none MAY be missing. It MAY be slow.
        """
        ...
