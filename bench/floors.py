"""What a floor is: hand-written SQL that does what dmcore does, and nothing around it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol, Self
from uuid import UUID

from bench.population import NAMESPACE, TENANT

from dmcore.domain.body import Body
from dmcore.domain.franking import franked
from dmcore.domain.ids import ConversationId, MessageId, UserId
from dmcore.domain.message import Message

INBOX_PAGE: Final = 20
THREAD_PAGE: Final = 50

Rows = Sequence[Sequence[Any]]

# To mark as read what is newest, in a conversation of which nothing else needs asking or telling:
# the condition, and what it makes of the conversation.
IS_NEWS: Final = """
    CASE :user
        WHEN low THEN low_newest = :through AND low_heard = :through
            AND (low_read IS NULL OR low_read < :through)
            AND (low_told IS NULL OR low_told < :through)
            AND low_request IS NULL AND NOT low_is_archived AND high_exists
        WHEN high THEN high_newest = :through AND high_heard = :through
            AND (high_read IS NULL OR high_read < :through)
            AND (high_told IS NULL OR high_told < :through)
            AND high_request IS NULL AND NOT high_is_archived AND low_exists
    END
    AND NOT low_blocks AND NOT high_blocks
"""
MARKED: Final = """
    low_read = CASE WHEN low = :user THEN :through ELSE low_read END,
    low_told = CASE WHEN low = :user THEN :through ELSE low_told END,
    low_unread = CASE WHEN low = :user THEN 0 ELSE low_unread END,
    high_read = CASE WHEN high = :user THEN :through ELSE high_read END,
    high_told = CASE WHEN high = :user THEN :through ELSE high_told END,
    high_unread = CASE WHEN high = :user THEN 0 ELSE high_unread END
"""


class Floor(Protocol):
    """The operations of a mailbox on one connection, as fast as SQL by hand makes them.

    Each read returns the rows that dmcore needs for its answer, one more than a page where there
    is a page. Each write changes the rows that dmcore changes, under guards that refuse what
    dmcore refuses, and returns after the commit.
    """

    def inbox(self, owner: str) -> Rows:
        """mode, conversation, other, newest, read, unread, is_muted and the preview; newest first.

        The preview is sender, body, sent_at_us, edited_at_us, reply_to, thread_id, seen_at_us.
        """
        ...

    def thread(self, reader: str, conversation: UUID, before: UUID | None) -> Rows:
        """mode, other, read, id and the message, in the columns of a preview; newest first."""
        ...

    def unread(self, owner: str) -> Rows:
        """mode, unread."""
        ...

    def blocks(self, blocker: str, blocked: str) -> Rows:
        """mode, whether there is a block."""
        ...

    def send(self, sender: str, conversation: UUID, body: str) -> None:
        """Write a message, or fail."""
        ...

    def mark_read(self, reader: str, conversation: UUID, through: UUID) -> None:
        """Move the marker to the newest message, or fail."""
        ...

    def rehearsal(self) -> AbstractContextManager[None]:
        """A block after which everything done in it on this connection is undone."""
        ...

    def rows(self, statement: str) -> Rows:
        """What a statement without parameters finds, a rehearsal's changes included."""
        ...

    def another(self) -> Self:
        """The same on a connection of its own, for another thread."""
        ...

    def close(self) -> None: ...


def proof_of(message: UUID, sender: str, conversation: UUID, body: str, now_us: int) -> bytes:
    """What a row of a message proves: made by dmcore's own code, for it is no part of the SQL."""
    sent = Message(
        id=MessageId(message),
        conversation=ConversationId(conversation),
        sender=UserId(sender),
        body=Body(body),
        sent_at_us=now_us,
    )
    tag = franked(sent, NAMESPACE, TENANT).franking
    assert tag is not None, "it says something"
    return tag
