"""Retention: removing messages for good that are kept no longer (GDPR-2)."""

from typing import Protocol

from dmcore.domain.ids import ConversationId, MessageId, User
from dmcore.domain.retention import Removed


class Retention(Protocol):
    """Storage of messages seen by age. Nothing here returns or looks at a text.

    What is removed is always the beginning of a conversation. Where pruning stands is read from
    what is stored, never remembered: ``Conversation.oldest`` says where each begins.
    """

    def next_conversation(self, *, below: MessageId) -> tuple[ConversationId, User] | None:
        """A conversation whose ``oldest`` is below an id, with one of its two; ``None`` for none.

        In one statement, which depends neither on how many conversations there are nor on how many
        have been pruned.
        """
        ...

    def remove(self, conversation: ConversationId, *, below: MessageId, limit: int) -> Removed:
        """Remove the ``limit`` oldest messages below an id, where there are any.

        While the pair is held; the conversation is saved after it. With them go their keys and
        marks, and the receipts up to the last of them; they MUST be gone from the store. What is
        removed of unread messages is counted as ``Side.unread`` counts them.
        """
        ...
