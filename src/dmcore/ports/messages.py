"""Messages: adding them, and reading those that a participant may see.

A message is visible to its sender, and to the partner unless it is sender-only or the partner
blocks the sender at the moment of reading.
"""

from collections.abc import Sequence
from typing import Protocol

import attrs

from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.message import Message, Posting
from dmcore.domain.paging import ThreadPlace
from dmcore.ports.reading import Reading


@attrs.frozen(kw_only=True)
class ThreadRows:
    """What a thread page is cut from. ``messages`` run in the direction of travel."""

    other: UserId
    read: MessageId | None
    messages: Sequence[Message]


@attrs.frozen
class Marking:
    """What a read marker at one visible message would mean: how much stays unread after it."""

    unread_after: int


class Messages(Protocol):
    """Storage of messages."""

    def add(self, posting: Posting) -> None:
        """Store a message, byte for byte (MSG-1), together with its idempotency key.

        The store itself MUST notice a second message of the same (conversation, sender, key), and
        MUST make the transaction start over (MSG-3).
        """
        ...

    def thread(
        self, conversation: ConversationId, *, reader: User, place: ThreadPlace, limit: int
    ) -> Reading[ThreadRows | None]:
        """Visible messages: the newest first, or upwards from ``place.after``.

        ``None`` for a conversation that ``reader`` does not have, for whatever cause (CONV-1). The
        statement that returns messages MUST itself verify the reader. Filters apply before
        ``limit``. In two statements at most, however long the conversation (PAGE-3).
        """
        ...

    def marking(
        self, conversation: ConversationId, *, reader: User, through: MessageId
    ) -> Marking | None:
        """What marking read through ``through`` means for ``reader``, who has the conversation.

        ``None`` where ``through`` is not a message of this conversation (CONV-2) or not one that
        the reader may see. ``unread_after`` counts the partner's messages after it which the reader
        can see, or could if they did not block the partner. In one statement.
        """
        ...
