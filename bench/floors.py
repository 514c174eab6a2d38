"""What a floor is: hand-written SQL that does what dmcore does, and nothing around it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol, Self
from uuid import UUID

INBOX_PAGE: Final = 20
THREAD_PAGE: Final = 50

Rows = Sequence[Sequence[Any]]


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
