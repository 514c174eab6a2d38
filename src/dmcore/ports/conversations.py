"""Conversations: the aggregate of a pair, and each user's listing of theirs."""

from collections.abc import Sequence
from typing import Protocol

from dmcore.domain.conversation import Conversation, Folder
from dmcore.domain.ids import ConversationId, User
from dmcore.domain.inbox import ConversationView, InboxEntry, InboxPlace
from dmcore.ports.reading import Reading


class Conversations(Protocol):
    """Storage of conversations.

    Both writing methods MUST keep the listing of each user equal to the aggregate's side, in the
    same transaction, and MUST be called only while the pair is held.
    """

    def add(self, conversation: Conversation) -> None:
        """Store a conversation that is not there yet.

        That the pair has one already MUST be noticed by the store itself (PAIR-1), and MUST make
        the transaction start over with fresh facts (PAIR-2).
        """
        ...

    def save(self, conversation: Conversation) -> None:
        """Store the new state of a conversation that is there."""
        ...

    def inbox(
        self, owner: User, *, folder: Folder, after: InboxPlace | None, limit: int
    ) -> Reading[Sequence[InboxEntry]]:
        """The owner's conversations in ``folder``, newest visible activity first.

        Strictly after ``after``. What stands in another folder, or in none, is left out before
        ``limit`` is applied (PAGE-1). Ties of time are broken by id. In two statements at most,
        whatever the size (PAGE-3).
        """
        ...

    def view(
        self, conversation: ConversationId, *, reader: User
    ) -> Reading[ConversationView | None]:
        """How ``reader`` has a conversation; ``None`` where they do not, whatever the cause
        (CONV-1). In one statement.
        """
        ...
