"""Inspection: a second, independent count of everything that can be counted twice (OPS-5)."""

from collections.abc import Iterator
from typing import Protocol

from dmcore.domain.verification import AccountCensus, ConversationCensus, Orphans


class Inspection(Protocol):
    """Reading for ``verify``. Nothing here returns or looks at a text."""

    def conversations(self) -> Iterator[ConversationCensus]:
        """Every conversation, in order of id; MUST stream."""
        ...

    def accounts(self) -> Iterator[AccountCensus]:
        """Every account, in order of (tenant, user); MUST stream."""
        ...

    def orphans(self) -> Orphans:
        """Counts of rows that belong to nothing."""
        ...
