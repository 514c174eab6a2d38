"""Invented people who write invented texts to each other, the same ones for the same seed.

The script goes through the real rules and the default limits: where a limit refuses, its clock
moves on to the moment at which it allows. So a store holds nothing that could not have happened.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import isqrt
from typing import Final

import attrs

from dmcore.adapters.clock import ManualClock
from dmcore.adapters.ids import SeededEntropy
from dmcore.cli.interrupts import Check, checked, go_on
from dmcore.direct_messages import DirectMessages
from dmcore.domain.instants import to_us
from dmcore.domain.message import Message
from dmcore.errors import InvalidSetting, LimitReached
from dmcore.ports.ids import Entropy

BEGIN_US: Final = to_us(datetime(2025, 1, 6, 8, tzinfo=UTC))

_MICROSECOND: Final = timedelta(microseconds=1)
_MOST: Final = 1_000_000
_OPENINGS: Final = (
    "Hello!",
    "Good morning,",
    "Quick question:",
    "By the way,",
    "Thanks!",
    "Sorry,",
)
_MIDDLES: Final = (
    "is the ladder free on Friday?",
    "the parcel is with the neighbours.",
    "shall we say seven o'clock?",
    "I found the key under the mat.",
    "the choir meets in the blue room.",
    "could you water the tomatoes?",
    "the bread turned out rather flat.",
    "I can bring two chairs and a lamp.",
)
_ENDINGS: Final = ("", " See you soon.", " Let me know.", " No hurry.", " That would be lovely.")


@attrs.frozen(kw_only=True)
class Size:
    """How much is wanted. Raises ``InvalidSetting`` for what cannot be."""

    users: int
    conversations: int
    messages: int
    blocks: int

    def __attrs_post_init__(self) -> None:
        pairs = self.users * (self.users - 1) // 2
        bounds = (
            ("users", self.users, 2, _MOST, ""),
            ("conversations", self.conversations, 1, min(pairs, _MOST), "each pair has one"),
            (
                "messages",
                self.messages,
                self.conversations,
                10 * _MOST,
                "each conversation has one",
            ),
            ("blocks", self.blocks, 0, 2 * self.conversations, "each side can block once"),
        )
        for name, value, least, most, why in bounds:
            if not least <= value <= most:
                reason = f"must be in {least}..{most}"
                raise InvalidSetting(name, f"{reason}: {why}" if why else reason)


@attrs.frozen(kw_only=True)
class Planted:
    """How much there is."""

    users: int
    conversations: int
    messages: int
    blocks: int


@attrs.frozen(kw_only=True)
class Line:
    """One message of the script; ``wait_s`` passes before it, and it may be read at once."""

    sender: str
    receiver: str
    text: str
    wait_s: int
    is_read: bool


@attrs.frozen
class Chance:
    """Choices that are the same for the same seed."""

    _entropy: Entropy

    def below(self, bound: int) -> int:
        """A number of 0..bound-1."""
        return self._entropy.draw() % bound

    def one_of(self, choices: tuple[str, ...]) -> str:
        return choices[self.below(len(choices))]

    def some_below(self, bound: int, count: int) -> list[int]:
        """``count`` different numbers of 0..bound-1 (Floyd's sampling)."""
        chosen: dict[int, None] = {}
        for top in range(bound - count, bound):
            candidate = self.below(top + 1)
            chosen[top if candidate in chosen else candidate] = None
        return list(chosen)


def plant(
    dm: DirectMessages, clock: ManualClock, *, size: Size, seed: int, check: Check = go_on
) -> Planted:
    """Let the script of ``seed`` happen on a store without messages, whose switch is on."""
    chance = Chance(SeededEntropy(f"fixtures {seed}"))
    pairs = [_pair(index) for index in chance.some_below(_pairs_of(size.users), size.conversations)]
    for line in checked(script(pairs, size.messages, chance), check):
        clock.advance(seconds=line.wait_s)
        message = _written(dm, clock, line)
        if line.is_read:
            dm.mailbox(line.receiver).mark_read(message.conversation, through=message.id)
    for index in checked(chance.some_below(2 * len(pairs), size.blocks), check):
        blocker, blocked = pairs[index // 2] if index % 2 else pairs[index // 2][::-1]
        clock.advance(seconds=60)
        dm.mailbox(blocker).block(blocked)
    return Planted(
        users=len({user for pair in pairs for user in pair}),
        conversations=len(pairs),
        messages=size.messages,
        blocks=size.blocks,
    )


def script(pairs: list[tuple[str, str]], messages: int, chance: Chance) -> Iterator[Line]:
    """``messages`` messages, at least one for each pair, conversations beginning all along."""
    begun = 0
    for left in range(messages, 0, -1):
        if begun == 0 or chance.below(left) < len(pairs) - begun:
            pair = pairs[begun]
            begun += 1
        else:
            pair = pairs[chance.below(begun)]
        sender, receiver = pair if chance.below(2) else pair[::-1]
        yield Line(
            sender=sender,
            receiver=receiver,
            text=f"{chance.one_of(_OPENINGS)} {chance.one_of(_MIDDLES)}{chance.one_of(_ENDINGS)}",
            wait_s=5 + chance.below(300),
            is_read=chance.below(3) == 0,
        )


def _written(dm: DirectMessages, clock: ManualClock, line: Line) -> Message:
    mailbox = dm.mailbox(line.sender)
    try:
        return mailbox.start(line.receiver, line.text)
    except LimitReached as refusal:
        clock.advance(us=refusal.retry_after // _MICROSECOND)
    return mailbox.start(line.receiver, line.text)


def _pairs_of(users: int) -> int:
    return users * (users - 1) // 2


def _pair(index: int) -> tuple[str, str]:
    """The pair at a place in the order (1, 2), (1, 3), (2, 3), (1, 4) and so on."""
    high = (isqrt(8 * index + 1) + 1) // 2
    low = index - _pairs_of(high)
    return f"user-{low + 1:03}", f"user-{high + 1:03}"
