"""How large a population is, and the places in it that every one of them must offer."""

from typing import Final
from uuid import UUID

import attrs

DEEP: Final = 5_000
DEEP_CONVERSATIONS: Final = 4
DEEP_SIZE: Final = DEEP + 500
UNREAD_WAITING: Final = 5


@attrs.frozen(kw_only=True)
class Scale:
    """How large a population is.

    Its largest conversation may have been given a number of messages, and the first of its users a
    number of conversations; otherwise they are as large as their ranks make them.
    """

    users: int
    conversations: int
    messages: int
    largest_conversation: int = DEEP_SIZE
    largest_inbox: int = 0

    def __attrs_post_init__(self) -> None:
        pairs = self.users * (self.users - 1) // 2
        if self.conversations > pairs // 4:
            raise ValueError("so many conversations need more users")
        deep = (DEEP_CONVERSATIONS - 1) * DEEP_SIZE + self.largest_conversation
        least = self.conversations * 2 + deep
        if self.messages < least:
            raise ValueError(f"so many conversations need at least {least} messages")

    def __str__(self) -> str:
        return (
            f"{self.users:,} users, {self.conversations:,} conversations,"
            f" {self.messages:,} messages"
        )


@attrs.frozen
class Place:
    """A conversation as one of the two has it."""

    user: str
    conversation: UUID


@attrs.frozen(kw_only=True)
class Waiting:
    """A user with ``UNREAD_WAITING`` unread messages: after ``read``, up to ``newest``."""

    user: str
    conversation: UUID
    read: UUID
    newest: UUID


def zipf(count: int, exponent: float) -> list[float]:
    """The shares of so many, the first the largest."""
    return [1 / rank**exponent for rank in range(1, count + 1)]
