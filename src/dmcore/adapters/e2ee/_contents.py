"""What opening a message comes to: its text, or the reason why this device cannot say it."""

from enum import StrEnum
from uuid import UUID

import attrs


class CannotOpen(StrEnum):
    """Why a message was not opened. For logs and tests; people are shown one sentence for all."""

    NOTHING_SEALED = "nothing_sealed"
    """It is no sealed message, or was taken back, or its envelope is damaged."""
    UNKNOWN_PROTOCOL = "unknown_protocol"
    UNKNOWN_DEVICE = "unknown_device"
    """Nobody showed this device the sender's keys: have it learn them, and try again."""
    NOT_FOR_THIS_DEVICE = "not_for_this_device"
    """It was sealed before this device was there, or by somebody who did not know of it."""
    KEY_GONE = "key_gone"
    DAMAGED = "damaged"
    """It was changed, or is not from whom or to whom it is said to be."""
    REPLAYED = "replayed"
    """It was there before, as another message, or the message said something newer before."""
    MISPLACED = "misplaced"
    """It stands where its sender did not put it."""


@attrs.frozen(kw_only=True)
class Opened:
    """A text as its sender sealed it; with ``franking_key`` it can be shown that it is this one."""

    text: str = attrs.field(repr=False)
    franking_key: bytes = attrs.field(repr=False)
    sequence: int
    number: UUID


@attrs.frozen
class Unopened:
    """What could not be opened, and why."""

    reason: CannotOpen
