"""Contacts: holding what decides between two people, and the private block lists."""

from collections.abc import Collection, Sequence
from typing import Protocol

from dmcore.domain.contact import Block, Contact
from dmcore.domain.ids import ConversationId, Key, User, UserId
from dmcore.domain.pair import Pair
from dmcore.ports.reading import Reading


class Contacts(Protocol):
    """Pairs under lock, and blocks.

    The lock rule (ADR 13): to hold a pair is to hold those of its two users' accounts that exist,
    the low one first. Everything that belongs to the two (conversation, sides, blocks, the journal
    positions of both) MUST be written under that lock only, and everything returned here MUST be
    read after the lock was granted, so that it is the newest committed state at any isolation
    level. A user without an account has nothing to hold; storing the account of a user who got one
    meanwhile MUST make the transaction start over with fresh facts, never overwrite.

    A store MAY take the locks only with what is written, where it makes sure in the same statement
    that nothing of what was read has changed, and otherwise lets the use case begin again (ADR 53):
    nobody can see a difference.
    """

    def hold(self, pair: Pair, *, actor: UserId, key: Key | None = None) -> Contact:
        """Hold a pair. ``actor`` is one of the two. Accounts never stored come as fresh ones.

        ``earlier`` is the message of ``actor`` under ``key`` in the pair's conversation. In two
        statements at most (PAGE-3).
        """
        ...

    def hold_conversation(
        self, conversation: ConversationId, *, actor: User, key: Key | None = None
    ) -> Contact | None:
        """Hold the pair of a conversation which ``actor`` has.

        ``None`` where there is no such conversation, where it is of another tenant, where ``actor``
        is not one of the pair, and where it exists for the partner only: the four MUST be one
        answer reached by the same work, and hold nothing (CONV-1). In two statements at most.
        """
        ...

    def look(self, pair: Pair, *, actor: UserId) -> Contact:
        """The same facts, held by nobody: for questions, never for a decision that is stored.

        In one statement.
        """
        ...

    def add_block(self, pair: Pair, block: Block) -> None:
        """Add to the list of the pair's other user than ``block.blocked``; MUST be absent."""
        ...

    def remove_block(self, pair: Pair, *, blocked: UserId) -> None:
        """Remove from the same list; MUST be present."""
        ...

    def blockers(self, blocked: User, *, among: Collection[UserId]) -> Reading[frozenset[UserId]]:
        """Who of these users of the same tenant blocks ``blocked``. In one statement."""
        ...

    def blocked_by(
        self, blocker: User, *, before: int | None, limit: int
    ) -> Reading[Sequence[Block]]:
        """The block list, newest first, below the position ``before``. In one statement."""
        ...
