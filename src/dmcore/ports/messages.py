"""Messages: storing them, and reading those that a participant may see.

A message is visible to a participant unless they hid it or cleared the history over it. To the
partner of its sender it is visible only if, besides, it is not sender-only and they do not block
the sender at the moment of reading. ``domain.message.Posting`` says the same in code.

What is below ``since``, where a read is told such an id, MUST be to it as if it were not stored:
left out before any limit, of every list and count (GDPR-2). What is stored knows nothing of that:
it counts everything that was not removed.
"""

from collections.abc import Sequence
from typing import Protocol

import attrs

from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.message import Message, Posting, Receipt
from dmcore.domain.paging import ThreadPlace
from dmcore.domain.viewing import Marking
from dmcore.ports.reading import Reading


@attrs.frozen(kw_only=True)
class ThreadRows:
    """What a thread page is cut from. ``messages`` run in the direction of travel."""

    other: UserId
    read: MessageId | None
    messages: Sequence[Message]


class Messages(Protocol):
    """Storage of messages. Everything that writes MUST be called only while the pair is held."""

    def add(self, posting: Posting) -> None:
        """Store a message, byte for byte (MSG-1), together with its idempotency key.

        The store itself MUST notice a second message of the same (conversation, sender, key), and
        MUST make the transaction start over (MSG-3).
        """
        ...

    def save(self, posting: Posting) -> None:
        """Store the new state of a message that ``find`` returned in this transaction.

        A text that is gone from it MUST be gone from the store (MSG-5).
        """
        ...

    def add_receipt(self, receipt: Receipt) -> None:
        """Store a receipt, whose ``through`` is greater than in any before by this reader."""
        ...

    def find(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        message: MessageId,
        since: MessageId | None,
    ) -> Posting | None:
        """The message, if it is of this conversation and ``reader``, who has it, sees it (CONV-2).

        ``None`` for any other id, whatever the cause. In one statement.
        """
        ...

    def newest_below(
        self, conversation: ConversationId, *, reader: User, message: MessageId
    ) -> MessageId | None:
        """The newest message below ``message`` that ``reader`` would see if they blocked nobody.

        Whether it is expired or not: it is asked for what is stored.
        In one statement, which does not depend on the length of the conversation.
        """
        ...

    def thread(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        place: ThreadPlace,
        limit: int,
        since: MessageId | None,
        root: MessageId | None = None,
    ) -> Reading[ThreadRows | None]:
        """Visible messages: the newest first, or upwards from ``place.after``.

        With ``root``: only that message, if it is visible, and those whose ``thread_id`` it is to
        this reader (MSG-6). Each message as the reader sees it; ``seen_at_us`` on own messages
        where both users show receipts now: when the partner's first receipt that covers it was
        given (READ-2).

        ``None`` for a conversation that ``reader`` does not have, for whatever cause (CONV-1). The
        statement that returns messages MUST itself verify the reader. Filters apply before
        ``limit``. In two statements at most, however long the conversation (PAGE-3).
        """
        ...

    def marking(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        through: MessageId,
        since: MessageId | None,
    ) -> Marking | None:
        """What marking read through ``through`` means for ``reader``, who has the conversation.

        ``None`` where ``through`` is not a message of this conversation (CONV-2) or not one that
        the reader sees. ``unread_after`` counts the partner's messages after it that are not taken
        back and that the reader sees, or would if they did not block the partner. ``seen`` is the
        partner's newest message up to ``through`` as the partner has it, sender-only ones included,
        if it is above what was told before. In one statement.
        """
        ...
