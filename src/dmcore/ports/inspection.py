"""Inspection: a second, independent count of everything that can be counted twice (OPS-5)."""

from collections.abc import Iterator
from typing import Protocol

from dmcore.domain.ids import ConversationId, User
from dmcore.domain.verification import AccountCensus, ConversationCensus, Orphans


class Inspection(Protocol):
    """Reading for ``verify``. Nothing here returns or looks at a text."""

    def conversations(self, *, only: ConversationId | None = None) -> Iterator[ConversationCensus]:
        """Every conversation, or one, in order of id; MUST stream.

        While the pair of the one is held, what is counted is the newest committed state.
        """
        ...

    def accounts(self, *, only: User | None = None) -> Iterator[AccountCensus]:
        """Every account, or one, in order of (tenant, user); MUST stream. As above where held."""
        ...

    def orphans(self) -> Orphans:
        """Counts of rows that belong to nothing."""
        ...
