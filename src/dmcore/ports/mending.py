"""Mending: the few writes that bring back what can be derived, whatever stands there (OPS-5)."""

from collections.abc import Sequence
from typing import Protocol

from dmcore.domain.conversation import Conversation
from dmcore.domain.events import Entry
from dmcore.domain.ids import User


class Mending(Protocol):
    """Writes that trust nothing that is counted or listed. Only ``repair`` calls these."""

    def relist(self, conversation: Conversation) -> None:
        """Make every listing of a conversation what its stored sides say, while it is held."""
        ...

    def drop_receipts(self, conversation: Conversation) -> None:
        """Remove the receipts of what was removed: those below ``oldest``, all where that is none.

        While the conversation is held. They MUST be gone from the store.
        """
        ...

    def drop_strays(self) -> int:
        """Remove the listings of conversations that are not their user's; return how many."""
        ...

    def ownerless(self, *, limit: int) -> Sequence[User]:
        """At most ``limit`` users with journal entries or restrictions and without an account."""
        ...

    def fill(self, entries: Sequence[Entry]) -> None:
        """Put entries into holes of a journal, while the account of its owner is held."""
        ...
