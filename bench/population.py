"""A made-up population, the same for the same scale: who wrote to whom, and when.

Owns the history and what every row of it must be, so that nothing has to be sent to get there;
refuses to know how a store is filled.
"""

import itertools
import random
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

import attrs
from bench.scale import DEEP_CONVERSATIONS, DEEP_SIZE, UNREAD_WAITING, Place, Scale, Waiting, zipf

from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.events import Action
from dmcore.domain.ids import ConversationId, MessageId, TenantId, UserId, next_message_id
from dmcore.domain.limits import Window
from dmcore.domain.pair import Pair
from dmcore.domain.preferences import DEFAULT_PREFERENCES
from dmcore.domain.restriction import UNRESTRICTED

TENANT: Final = TenantId("")
NAMESPACE: Final = bytes(range(16))

_BEGAN_US: Final = 1_780_000_000_000_000
# Whoever writes all the messages alone still stays below 20 in 60 seconds.
STEP_US: Final = 4_000_000
_DRAWN: Final = 2_000
_SHORTEST_WAITING: Final = UNREAD_WAITING + 1
_USER_EXPONENT: Final = 0.8
_CONVERSATION_EXPONENT: Final = 1.0
_TEXT: Final = (
    "the rain stopped and we walked home along the river talking about nothing much until it got "
    "dark then somebody laughed and said that tomorrow would do as well as any other day for it"
)

Row = tuple[object, ...]


@attrs.define(kw_only=True)
class _Member:
    """What the mailbox row of a user needs to know."""

    position: int = 0
    unread: int = 0
    sends: deque[int] = attrs.field(factory=lambda: deque(maxlen=20))
    starts: deque[int] = attrs.field(factory=lambda: deque(maxlen=5))


class Population:
    """A history with Zipf activity: few people and few conversations do most of it.

    Message number n was sent ``STEP_US`` after number n - 1; every fourth conversation that is
    long enough ends with five messages that its low user has not read.
    """

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self._random = random.Random("dmcore")
        self.users = [UserId(f"member-{number:06d}") for number in range(scale.users)]
        self.pairs = self._draw_pairs()
        self.ids = [pair.conversation_id(NAMESPACE) for pair in self.pairs]
        self._turns = self._draw_turns()
        self._tails: list[deque[int]] = [deque(maxlen=UNREAD_WAITING + 1) for _ in self.pairs]
        self._sizes = [0] * len(self.pairs)
        self._firsts: dict[int, int] = {}
        for number, index in enumerate(self._turns):
            self._firsts.setdefault(index, number)
            self._tails[index].append(number)
            self._sizes[index] += 1
        self._by_high = self._draw_senders()
        self._heard = self._find_heard()
        self._bodies = [self._draw_body() for _ in range(997)]

    # What is drawn ------------------------------------------------------------------------------

    def _draw_pairs(self) -> list[Pair]:
        weights = list(itertools.accumulate(zipf(len(self.users), _USER_EXPONENT)))
        popular, *others = self.users
        found = {Pair.of(TENANT, popular, it): None for it in others[: self.scale.largest_inbox]}
        while len(found) < self.scale.conversations:
            one, other = self._random.choices(self.users, cum_weights=weights, k=2)
            if one != other:
                found[Pair.of(TENANT, one, other)] = None
        return list(found)

    def _draw_turns(self) -> list[int]:
        """For each message, in order of time, the number of its conversation."""
        count = len(self.pairs)
        ranks = self._random.sample(range(count), count)
        weights = zipf(count, _CONVERSATION_EXPONENT)
        sizes = [2] * count
        for rank in range(DEEP_CONVERSATIONS):
            sizes[ranks[rank]] = DEEP_SIZE
        sizes[ranks[0]] = self.scale.largest_conversation
        spare, total = self.scale.messages - sum(sizes), sum(weights)
        for rank, weight in zip(ranks, weights, strict=True):
            sizes[rank] += int(spare * weight / total)
        sizes[ranks[0]] += self.scale.messages - sum(sizes)
        turns = [index for index, size in enumerate(sizes) for _ in range(size)]
        self._random.shuffle(turns)
        return turns

    def _draw_senders(self) -> bytearray:
        """For each message, whether the high user of its pair wrote it."""
        by_high = bytearray(self._random.getrandbits(1) for _ in self._turns)
        for index in self._waiting:
            for number in list(self._tails[index])[1:]:
                by_high[number] = 1
        return by_high

    def _find_heard(self) -> list[tuple[int | None, int | None]]:
        """For each conversation, the newest message to its low user and that to its high user."""
        to_low: list[int | None] = [None] * len(self.pairs)
        to_high: list[int | None] = [None] * len(self.pairs)
        for number, index in enumerate(self._turns):
            (to_low if self._by_high[number] else to_high)[index] = number
        return list(zip(to_low, to_high, strict=True))

    def _draw_body(self) -> str:
        return " ".join(self._random.choices(_TEXT.split(), k=self._random.randint(3, 40)))

    @cached_property
    def _waiting(self) -> list[int]:
        """The conversations whose low user has five messages to read."""
        long = (index for index, size in enumerate(self._sizes) if size >= _SHORTEST_WAITING)
        return list(itertools.islice(long, 0, None, 4))

    # What to measure with -----------------------------------------------------------------------

    @property
    def ended_us(self) -> int:
        """The instant after the history."""
        return self._instant(len(self._turns))

    def waiting(self) -> list[Waiting]:
        """Who has messages to read, and where."""
        return [
            Waiting(
                user=self.pairs[index].low,
                conversation=self.ids[index],
                read=self._message(self._tails[index][0]),
                newest=self._message(self._tails[index][-1]),
            )
            for index in self._waiting
        ]

    def deep(self) -> list[Place]:
        """Both users of each conversation with more than ``DEEP`` messages, by activity."""
        weights = [size if size >= DEEP_SIZE else 0 for size in self._sizes]
        return [
            Place(user, self.ids[index])
            for index in self._drawn(weights, "deep")
            for user in (self.pairs[index].low, self.pairs[index].high)
        ]

    def busy(self, page: int) -> list[str]:
        """Users whose inbox has more than a page, by activity."""
        counts = dict.fromkeys(self.users, 0)
        for pair in self.pairs:
            counts[pair.low] += 1
            counts[pair.high] += 1
        weights = [
            self._members[user].position if counts[user] > page else 0 for user in self.users
        ]
        return [self.users[index] for index in self._drawn(weights, "busy")]

    def _drawn(self, weights: Sequence[int], seed: str) -> list[int]:
        """Places in a list, each as often as its weight says: much happens where much happened."""
        return random.Random(seed).choices(range(len(weights)), weights=weights, k=_DRAWN)

    def active(self, count: int, seed: str) -> list[Place]:
        """Conversations in proportion to their activity, none of them among ``waiting``."""
        chance = random.Random(seed)
        weights = list(self._sizes)
        for index in self._waiting:
            weights[index] = 0
        drawn = chance.choices(range(len(weights)), weights=weights, k=count)
        return [
            Place(chance.choice((self.pairs[index].low, self.pairs[index].high)), self.ids[index])
            for index in drawn
        ]

    def long(self, size: int) -> list[Place]:
        """One user of conversations of more than ``size`` messages, by activity."""
        weights = [length if length > size else 0 for length in self._sizes]
        return [Place(self.pairs[it].low, self.ids[it]) for it in self._drawn(weights, "long")]

    @property
    def most_popular(self) -> str:
        """Who has the largest inbox that the scale asks for."""
        return self.users[0]

    @cached_property
    def largest(self) -> Place:
        """The conversation with the most messages, as its low user has it."""
        index = max(range(len(self._sizes)), key=self._sizes.__getitem__)
        return Place(self.pairs[index].low, self.ids[index])

    def message_in(self, place: Place, part: int) -> MessageId:
        """The message at one part of so many of a conversation, by its age."""
        index = self.ids.index(place.conversation)
        numbers = [number for number, it in enumerate(self._turns) if it == index]
        return self._message(numbers[len(numbers) // part])

    def places_of(self, user: str, count: int) -> list[Place]:
        """Some conversations of somebody."""
        of_theirs = (
            Place(user, id_)
            for pair, id_ in zip(self.pairs, self.ids, strict=True)
            if user in (pair.low, pair.high)
        )
        return list(itertools.islice(of_theirs, count))

    def blocks(self) -> list[tuple[str, str]]:
        """Who blocks whom: pairs without a conversation, since a block ends one's sight of it."""
        known = set(self.pairs)
        chance = random.Random("blocks")
        found: dict[str, str] = {}
        while len(found) < len(self.users) // 10:
            blocker, blocked = chance.sample(self.users, k=2)
            if Pair.of(TENANT, blocker, blocked) not in known:
                found.setdefault(blocker, blocked)
        return list(found.items())

    # Rows, each in the order of the table's columns ---------------------------------------------

    def conversation_rows(self) -> Iterator[Row]:
        for each in self._conversations:
            yield (
                *(each.id, TENANT, each.pair.low, each.pair.high, each.newest, each.oldest),
                *attrs.astuple(each.low),
                *attrs.astuple(each.high),
            )

    def side_rows(self) -> Iterator[Row]:
        for each in self._conversations:
            pair = each.pair
            for user in (pair.low, pair.high):
                listing = each.side_of(user).listing
                if listing is not None:
                    yield (TENANT, user, each.id, pair.other_than(user), *attrs.astuple(listing))

    def message_rows(self) -> Iterator[Row]:
        for number, index in enumerate(self._turns):
            pair = self.pairs[index]
            sender = pair.high if self._by_high[number] else pair.low
            body = self._bodies[number % len(self._bodies)]
            yield (
                *(self.ids[index], self._message(number), sender, body),
                *(self._instant(number), None, None, None),
                # Neither for one of them alone nor hidden nor changed; without a key, in the clear.
                *(False, False, False, None, None, None, None, None, None, False, None),
            )

    def journal_rows(self) -> Iterator[Row]:
        positions = dict.fromkeys(self.users, 0)
        begun = bytearray(len(self.pairs))
        for number, index in enumerate(self._turns):
            pair = self.pairs[index]
            action = Action.MESSAGE_SENT if begun[index] else Action.CONVERSATION_STARTED
            begun[index] = 1
            actor = pair.high if self._by_high[number] else pair.low
            fact: Row = (
                *(self._instant(number), action.value, actor, pair.other_than(actor)),
                *(self.ids[index], self._message(number), None, None),
            )
            for owner in (pair.low, pair.high):
                positions[owner] += 1
                yield (TENANT, owner, positions[owner], *fact)
        for blocker, blocked in self.blocks():
            positions[UserId(blocker)] += 1
            fact = (self.ended_us, Action.USER_BLOCKED.value, blocker, blocked, *(None,) * 4)
            yield (TENANT, blocker, positions[UserId(blocker)], *fact)

    def block_rows(self) -> Iterator[Row]:
        for blocker, blocked in self.blocks():
            position = self._members[UserId(blocker)].position
            yield (TENANT, blocker, blocked, self.ended_us, position)

    def mailbox_rows(self) -> Iterator[Row]:
        for user, member in self._members.items():
            counts = (member.position, 0, member.unread)
            windows = (_window(member.sends), _window(member.starts))
            # Neither erased nor restricted, and never was; nothing was removed, and no device.
            unused = _window(())
            standing = (False, *attrs.astuple(UNRESTRICTED), 0, 0, 0, 0, unused, unused)
            choices = attrs.astuple(DEFAULT_PREFERENCES)
            yield (TENANT, user, *counts, *windows, *choices, *standing)

    # What follows from the draws ----------------------------------------------------------------

    @cached_property
    def _conversations(self) -> Sequence[Conversation]:
        waiting = set(self._waiting)
        return [self._conversation(index, waits=index in waiting) for index in range(len(self.ids))]

    def _conversation(self, index: int, *, waits: bool) -> Conversation:
        tail = list(self._tails[index])
        newest = self._message(tail[-1])

        def side(left: int, *, partner_is_high: bool) -> Side:
            unread = [it for it in tail[len(tail) - left :] if self._by_high[it] == partner_is_high]
            read = self._message(tail[-left - 1]) if left < len(tail) else None
            said, heard = (
                self._heard[index][partner_is_high],
                self._heard[index][not partner_is_high],
            )
            return Side(
                exists=True,
                newest=newest,
                read=read,
                said=None if said is None else self._message(said),
                heard=None if heard is None else self._message(heard),
                unread=len(unread),
            )

        return Conversation(
            id=ConversationId(self.ids[index]),
            pair=self.pairs[index],
            newest=newest,
            oldest=self._message(self._firsts[index]),
            low=side(UNREAD_WAITING if waits else index % 3, partner_is_high=True),
            high=side(0, partner_is_high=False),
        )

    @cached_property
    def _members(self) -> dict[UserId, _Member]:
        members = {user: _Member() for user in self.users}
        begun = bytearray(len(self.pairs))
        for number, index in enumerate(self._turns):
            pair = self.pairs[index]
            sender = members[pair.high if self._by_high[number] else pair.low]
            sender.sends.append(self._instant(number))
            if not begun[index]:
                sender.starts.append(self._instant(number))
                begun[index] = 1
            members[pair.low].position += 1
            members[pair.high].position += 1
        for each in self._conversations:
            members[each.pair.low].unread += each.low.unread
            members[each.pair.high].unread += each.high.unread
        for blocker, _ in self.blocks():
            members[UserId(blocker)].position += 1
        return members

    def _instant(self, number: int) -> int:
        return _BEGAN_US + number * STEP_US

    def _message(self, number: int) -> MessageId:
        # Any fixed spread of the number serves as entropy: it has to look random, not to be it.
        return next_message_id(self._instant(number), (number + 1) * 0x9E3779B97F4A7C15F39, None)


def _window(instants: Sequence[int]) -> Window:
    """A window whose clock was always right."""
    return (
        Window(instants=tuple(instants), time_us=instants[-1], reading_us=instants[-1])
        if instants
        else Window()
    )
