"""Restrictions: what a moderator takes from a user, for how long, and what holds now (MOD-4).

A restriction holds ids and words of closed sets, as a report does. What holds now is a user's
``Standing``: instants, so that a restriction ends by itself where it is asked about.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

import attrs

from dmcore.domain.ids import ReportId, TenantId, UserId
from dmcore.domain.instants import LONGEST, is_instant, is_span, to_datetime, to_us
from dmcore.domain.reports import ReportState
from dmcore.domain.words import word_of
from dmcore.errors import InvalidRestriction, Muted, Suspended

FOREVER_US: Final = 1 << 62
"""After every instant: where a restriction ends that has no end."""

FEWEST: Final = 5
"""The smallest count that ``metrics`` tells."""

_MICROSECOND: Final = timedelta(microseconds=1)


class RestrictionKind(StrEnum):
    """What is taken from a user.

    ``MUTE``: they read and do not write. ``SUSPEND``: they neither write nor read.
    ``SHADOW_BAN``: what they write stays with them, and nothing tells them so.
    """

    MUTE = "mute"
    SUSPEND = "suspend"
    SHADOW_BAN = "shadow_ban"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a kind. Raises ``InvalidRestriction``."""
        return word_of(cls, text, "kind", InvalidRestriction)


class RestrictionReason(StrEnum):
    """Why somebody is restricted. A closed set: a free text could hold what others wrote."""

    SPAM = "spam"
    HARASSMENT = "harassment"
    THREAT = "threat"
    ILLEGAL = "illegal"
    EVASION = "evasion"
    OTHER = "other"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reason. Raises ``InvalidRestriction``."""
        return word_of(cls, text, "reason", InvalidRestriction)


@attrs.frozen(kw_only=True)
class Standing:
    """Until when a user is restricted, in each way; ``None`` for one in which they are not.

    An end that has passed says nothing any more.
    """

    muted_until_us: int | None = None
    suspended_until_us: int | None = None
    hidden_until_us: int | None = None

    def until(self, kind: RestrictionKind, until_us: int | None) -> Self:
        """The standing with another end of one kind."""
        return attrs.evolve(self, **{_ENDS[kind]: until_us})

    def is_hidden(self, now_us: int) -> bool:
        """Whether nobody else may observe what this user does."""
        return _holds(self.hidden_until_us, now_us)

    def is_suspended(self, now_us: int) -> bool:
        """Whether messaging is closed to this user."""
        return _holds(self.suspended_until_us, now_us)

    def is_muted(self, now_us: int) -> bool:
        """Whether this user reads and does not write."""
        return _holds(self.muted_until_us, now_us)

    def check_reading(self, now_us: int) -> None:
        """Raises ``Suspended``."""
        check_reader(self.suspended_until_us, now_us)

    def check_writing(self, now_us: int) -> None:
        """Raises ``Suspended`` or ``Muted``."""
        self.check_reading(now_us)
        if self.muted_until_us is not None and _holds(self.muted_until_us, now_us):
            raise Muted(_left(self.muted_until_us, now_us))


_ENDS: Final[Mapping[RestrictionKind, str]] = {
    RestrictionKind.MUTE: "muted_until_us",
    RestrictionKind.SUSPEND: "suspended_until_us",
    RestrictionKind.SHADOW_BAN: "hidden_until_us",
}

UNRESTRICTED: Final = Standing()


def check_reader(suspended_until_us: int | None, now_us: int) -> None:
    """Whether a reader with this end of a suspension may read. Raises ``Suspended``."""
    if suspended_until_us is not None and _holds(suspended_until_us, now_us):
        raise Suspended(_left(suspended_until_us, now_us))


def told_end(until_us: int | None, now_us: int) -> int | None:
    """Where a restriction ends, for who is told; ``None`` where it has no end or does not hold."""
    return until_us if _holds(until_us, now_us) and until_us != FOREVER_US else None


def _holds(until_us: int | None, now_us: int) -> bool:
    return until_us is not None and now_us < until_us


def _left(until_us: int, now_us: int) -> timedelta | None:
    return None if until_us == FOREVER_US else (until_us - now_us) * _MICROSECOND


@attrs.frozen(kw_only=True)
class Restriction:
    """One restriction as it is kept: a line of a user's history, and never content (MOD-2).

    ``number`` counts the restrictions of one user from 1. ``until_us`` is ``None`` where it has no
    end. ``ended_at_us`` and ``ended_by`` are set where somebody lifted it, or put another of its
    kind in its place, before it ended by itself. ``report`` is what led to it.
    """

    tenant: TenantId
    user: UserId
    number: int
    kind: RestrictionKind
    reason: RestrictionReason
    by: UserId
    since_us: int
    until_us: int | None
    report: ReportId | None = None
    ended_at_us: int | None = None
    ended_by: UserId | None = None

    @property
    def since(self) -> datetime:
        """When it was made, in UTC."""
        return to_datetime(self.since_us)

    @property
    def until(self) -> datetime | None:
        """When it ends by itself, in UTC; ``None`` where it does not."""
        return None if self.until_us is None else to_datetime(self.until_us)

    @property
    def ended_at(self) -> datetime | None:
        """When somebody ended it, in UTC."""
        return None if self.ended_at_us is None else to_datetime(self.ended_at_us)

    @property
    def end_us(self) -> int | None:
        """Where it ends, as a standing has it; ``None`` where it was ended."""
        if self.ended_at_us is not None:
            return None
        return FOREVER_US if self.until_us is None else self.until_us

    @property
    def has_instants(self) -> bool:
        """Whether a calendar has each of its instants; what is stored by another hand may not."""
        named = (self.since_us, self.until_us, self.ended_at_us)
        return all(it is None or is_instant(it) for it in named)

    def is_active(self, now_us: int) -> bool:
        """Whether it holds at an instant."""
        return _holds(self.end_us, now_us)

    def ended(self, *, by: UserId, now_us: int) -> Self:
        """The restriction after a moderator ended it."""
        return attrs.evolve(self, ended_at_us=now_us, ended_by=by)


def standing_after(history: Sequence[Restriction]) -> Standing:
    """What a user's restrictions, oldest first, leave of them: the newest of each kind counts."""
    standing = UNRESTRICTED
    for restriction in history:
        standing = standing.until(restriction.kind, restriction.end_us)
    return standing


def holding(history: Sequence[Restriction], now_us: int) -> list[Restriction]:
    """What of a user's restrictions, oldest first, holds: of each kind the newest or none.

    So nothing that ended comes back with a clock that went back.
    """
    newest = {restriction.kind: restriction for restriction in history}
    found = [restriction for restriction in newest.values() if restriction.is_active(now_us)]
    return sorted(found, key=lambda restriction: restriction.number)


@attrs.frozen
class Term:
    """For how long: a span from now, or until an instant, or neither, which is for good.

    Raises ``InvalidRestriction``.
    """

    span: timedelta | None = None
    until: datetime | None = None

    def __attrs_post_init__(self) -> None:
        if self.span is not None and self.until is not None:
            raise InvalidRestriction("it ends after a time or at an instant, not both")
        if self.span is not None and not (is_span(self.span) and self.span):
            raise InvalidRestriction(f"it must last longer than nothing, and {LONGEST} at most")
        if self.until is not None and not _is_aware(self.until):
            raise InvalidRestriction("its end must be an instant with a time zone")

    def until_us(self, now_us: int) -> int | None:
        """Where it ends when it begins now; ``None`` for never. Raises ``InvalidRestriction``."""
        if self.span is not None:
            until_us = now_us + self.span // _MICROSECOND
        elif self.until is not None:
            until_us = to_us(self.until)
        else:
            return None
        if until_us <= now_us:
            raise InvalidRestriction("its end has passed")
        # An aware datetime can be an instant that none in UTC can hold.
        if until_us - now_us > LONGEST // _MICROSECOND or not is_instant(until_us):
            raise InvalidRestriction(f"it must end within {LONGEST}, and before the year 10000")
        return until_us


def _is_aware(value: object) -> bool:
    return isinstance(value, datetime) and value.utcoffset() is not None


@attrs.frozen(kw_only=True)
class Dossier:
    """All that a moderator sees of a user: the allow-list (MOD-2). Counts, and never content.

    ``restrictions`` are those that hold now, oldest first; ``restricted`` counts all there ever
    were. ``reports`` counts those about the user by where they stand.
    """

    user: UserId
    restrictions: tuple[Restriction, ...]
    restricted: int
    reports: Mapping[ReportState, int]


@attrs.frozen(kw_only=True)
class RestrictionAnswer:
    """What came of one item of a bulk act: the restriction, or the code of an error."""

    asked: str
    restriction: Restriction | None = None
    error: str | None = None


@attrs.frozen(kw_only=True)
class DeskMetrics:
    """Counts for a dashboard. ``None`` is a count below ``FEWEST``, which is not told exactly.

    ``reports`` by where they stand, ``restrictions`` that hold now by kind.
    """

    reports: Mapping[ReportState, int | None]
    restrictions: Mapping[RestrictionKind, int | None]


def told(count: int) -> int | None:
    """A count as metrics tell it: nothing where so few could be somebody in particular."""
    return count if count >= FEWEST else None
