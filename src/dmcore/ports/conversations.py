"""Conversations: the aggregate of a pair, and each user's listing of theirs."""

from collections.abc import Sequence
from typing import Protocol

from dmcore.domain.conversation import Conversation, Folder
from dmcore.domain.ids import ConversationId, MessageId, User
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
        """Store the new state of a conversation that is there.

        One of its pair may have another name than before, and then maybe another place in it.
        """
        ...

    def inbox(
        self,
        owner: User,
        *,
        folder: Folder,
        after: InboxPlace | None,
        limit: int,
        since: MessageId | None,
    ) -> Reading[Sequence[InboxEntry]]:
        """The owner's conversations in ``folder``, newest visible activity first.

        Strictly after ``after``. One whose newest visible message is below ``since`` is in no list,
        and what is below it is not counted as unread (GDPR-2). What stands in another folder, or in
        none, is left out before ``limit`` is applied (PAGE-1). Ties of time are broken by id. In
        two statements at most, whatever the size (PAGE-3).
        """
        ...

    def view(
        self, conversation: ConversationId, *, reader: User, since: MessageId | None
    ) -> Reading[ConversationView | None]:
        """How ``reader`` has a conversation; ``None`` where they do not, whatever the cause
        (CONV-1). Of what is below ``since`` it tells nothing. In one statement.
        """
        ...

    def of(
        self, owner: User, *, after: ConversationId | None, limit: int, since: MessageId | None
    ) -> Sequence[ConversationView]:
        """Every conversation that the owner has, in whatever list or in none (GDPR-1).

        In order of their ids, strictly after ``after``: no erasure changes one, whoever of the two
        gets another name. The switch does not matter. ``since`` as in ``view``. In one
        statement, whatever the size.
        """
        ...
