"""Relaying: which events leave next for a consumer, what failed, and what is set aside (OPS-8).

An event is an entry of somebody's journal: there is no second record of what happened. What is kept
for each consumer is how far it has come in each journal (a ``Mark``), and who works for it (a
``Lease``). A delivery is counted before it is tried, so that one which ends the process counts.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Final

import attrs

from dmcore.domain.events import Entry
from dmcore.domain.ids import ConsumerName, ConversationId, User, UserId
from dmcore.domain.instants import to_datetime
from dmcore.errors import InvalidSetting

_MICROSECOND: Final = timedelta(microseconds=1)
_SECOND_US: Final = 1_000_000

LONGEST_LEASE: Final = timedelta(hours=1)
_LONGEST_LEASE_US: Final = LONGEST_LEASE // _MICROSECOND
LONGEST_DELAY_US: Final = 3_600 * _SECOND_US
_FIRST_DELAY_US: Final = 10 * _SECOND_US
_GROWTH: Final = 6
_MOST_GROWTHS: Final = 10

WORKER_ENDED: Final = "WorkerEnded"
"""In the place of an error's class, where a delivery ended the process before it could say one."""


class Begin(StrEnum):
    """Where a new consumer begins."""

    KEPT = "kept"
    """With everything that journals still tell."""
    NOW = "now"
    """With what happens from now on."""

    @classmethod
    def parse(cls, text: str) -> "Begin":
        """Read the word. Raises ``InvalidSetting``."""
        for word in cls:
            if word.value == text:
                return word
        raise InvalidSetting("begin", f"must be one of {', '.join(cls)}")


@attrs.frozen(kw_only=True)
class Lease:
    """A consumer, and which worker delivers to it until when; ``holder`` is ``None`` for nobody."""

    consumer: ConsumerName
    holder: str | None = None
    until_us: int = 0

    def is_held(self, now_us: int) -> bool:
        """Whether a worker has it. One that ends later than any can is of a clock that was off."""
        return self.holder is not None and now_us < self.until_us <= now_us + _LONGEST_LEASE_US

    def taken(self, holder: str, *, now_us: int, length: timedelta) -> "Lease | None":
        """The lease in the hands of a worker; ``None`` where another one has it.

        As it was, where the worker has it already and not half of it is over.
        """
        length_us = length // _MICROSECOND
        if self.is_held(now_us):
            if self.holder != holder:
                return None
            if self.until_us - now_us > length_us // 2:
                return self
        return attrs.evolve(self, holder=holder, until_us=now_us + length_us)


@attrs.frozen(kw_only=True)
class Mark:
    """How far a consumer has come in somebody's journal.

    The events up to ``position`` were delivered, set aside, or are kept no longer. The next one was
    begun ``attempts`` times and is not begun again before ``due_us``; ``error`` is the class of
    what was raised last, ``None`` where the worker did not live to say.
    """

    owner: User
    position: int = 0
    attempts: int = 0
    due_us: int = 0
    error: str | None = None

    @property
    def is_suspect(self) -> bool:
        """Whether the next event was begun by a worker of which nothing was heard any more."""
        return self.attempts > 0 and self.error is None


@attrs.frozen(kw_only=True)
class SetAside:
    """An event that could not be delivered; what follows it went on without it.

    It names the event by owner and position. ``error`` is the class of what was raised last, never
    its words. ``is_due`` says that somebody asked for one more attempt.
    """

    owner: User
    position: int
    attempts: int
    error: str
    at_us: int
    is_due: bool = False

    @property
    def at(self) -> datetime:
        """When it was set aside, or tried last, in UTC."""
        return to_datetime(self.at_us)


@attrs.frozen(kw_only=True)
class Delivery:
    """The next events of one user for a consumer, in order of position.

    ``mark`` is how far it had come before, and ``head`` where the journal ends. ``aside`` is set
    where the one event is tried again that was set aside.
    """

    mark: Mark
    head: int
    events: tuple[Entry, ...]
    aside: SetAside | None = None


@attrs.frozen(kw_only=True)
class Batch:
    """What a worker is to deliver next, one after the other.

    ``after`` is where to ask from next time, ``None`` for from the beginning; ``set_aside`` counts
    events that ended too many workers.
    """

    deliveries: tuple[Delivery, ...]
    after: User | None
    set_aside: int = 0


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of a delivery: so many of its events were delivered.

    ``error`` is the class of what the next one raised; ``None`` where it was not tried.
    """

    delivery: Delivery
    delivered: int
    error: str | None = None


@attrs.frozen(kw_only=True)
class Settlement:
    """What was kept of outcomes: nothing, where another worker had taken over meanwhile."""

    is_kept: bool
    set_aside: int = 0


@attrs.frozen(kw_only=True)
class Backlog:
    """How much waits: users with something undelivered, since when, and events set aside."""

    behind: int
    oldest_us: int | None
    set_aside: int


@attrs.frozen(kw_only=True)
class ConsumerStatus:
    """What an operator sees of a consumer: counts and times, nobody's name (OPS-3).

    ``behind`` users wait for an event, the oldest since ``oldest_at``; ``set_aside`` events could
    not be delivered. ``is_running`` says whether a worker has the lease.
    """

    consumer: ConsumerName
    is_running: bool
    behind: int
    oldest_at: datetime | None
    set_aside: int


@attrs.frozen(kw_only=True)
class Reference:
    """All that a host may keep of a conversation for one of its two (OPS-2).

    ``is_listed`` says whether it stands in the owner's inbox, ``unread`` what the line there says,
    and ``is_muted`` whether the owner wants to hear nothing of it.
    """

    conversation: ConversationId
    other: UserId
    unread: int
    is_listed: bool
    is_muted: bool = False


def delay_us(attempts: int) -> int:
    """How long after the so many-th attempt began the next one may begin."""
    delay: int = _FIRST_DELAY_US * _GROWTH ** min(attempts - 1, _MOST_GROWTHS)
    return min(delay, LONGEST_DELAY_US)


def is_due(mark: Mark, now_us: int) -> bool:
    """Whether the next event may be begun. A time that no delay leads to is of another clock."""
    return mark.due_us <= now_us or mark.due_us > now_us + LONGEST_DELAY_US


def claimable(due: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """Those from the beginning that may be begun together.

    A suspect is delivered alone: whoever else was begun beside it would be blamed with it.
    """
    found = tuple(due)
    if found and found[0].mark.is_suspect:
        return found[:1]
    return tuple(takewhile(lambda it: not it.mark.is_suspect, found))


def claimed(mark: Mark, now_us: int) -> Mark:
    """The mark while its next event is being delivered: as if that ended the process."""
    attempts = mark.attempts + 1
    return attrs.evolve(mark, attempts=attempts, due_us=now_us + delay_us(attempts), error=None)


def given_up(mark: Mark, first: Entry, now_us: int) -> tuple[Mark, SetAside]:
    """The mark behind its next event, and that event set aside."""
    aside = SetAside(
        owner=mark.owner,
        position=first.position,
        attempts=mark.attempts,
        error=mark.error or WORKER_ENDED,
        at_us=now_us,
    )
    return Mark(owner=mark.owner, position=first.position), aside


def settled(outcome: Outcome, *, now_us: int, most_attempts: int) -> tuple[Mark, SetAside | None]:
    """The mark after a delivery, and the event that was tried too often, if there is one."""
    before, events = outcome.delivery.mark, outcome.delivery.events
    if outcome.delivered:
        reached = Mark(owner=before.owner, position=events[outcome.delivered - 1].position)
    else:
        reached = before
    if outcome.error is None:
        return reached, None
    attempts = reached.attempts + 1
    failed = attrs.evolve(
        reached, attempts=attempts, due_us=now_us + delay_us(attempts), error=outcome.error
    )
    if attempts < most_attempts:
        return failed, None
    return given_up(failed, events[outcome.delivered], now_us)


def retried(outcome: Outcome, aside: SetAside, now_us: int) -> SetAside | None:
    """What is left of an event that was tried once more; ``None`` where it was delivered."""
    if outcome.delivered:
        return None
    if outcome.error is None:
        return attrs.evolve(aside, is_due=True)
    return attrs.evolve(
        aside, attempts=aside.attempts + 1, error=outcome.error, at_us=now_us, is_due=False
    )
