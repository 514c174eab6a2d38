"""The limits: exact by a clock that only goes forward, bounds where it went back."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.oracle.history import Limit, Person, TurnedAway, Wrote
from tests.oracle.oracle_views import Views

from dmcore import errors


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What an attempt must be answered with instead: an error, and all that it says."""

    error: type[errors.DmcoreError]
    mode: str | None = None
    limit: str | None = None
    retry_after_us: int | None = None
    most: int | None = None
    rest: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Accepted:
    """The attempt must succeed; for a retry, with this message of long ago."""

    earlier: Wrote | None = None
    changes_nothing: bool = False


@dataclass(frozen=True)
class Uncertain:
    """A clock went back: a limit may refuse, or must, but never for longer than its window."""

    must_refuse: bool
    longest_us: int


class Limits(Views):
    """What the limits say to an attempt."""

    def _attempts(self, person: Person) -> list[tuple[int, frozenset[str]]]:
        """What the clock showed whenever the limits had a say, and what the attempt counted as."""
        attempts = []
        for index, event in enumerate(self.events):
            if isinstance(event, Wrote) and event.actor == person:
                is_start = not self.has(person, event.other, upto=index)
                counts_as = {"messages", "starts"} if is_start else {"messages"}
                attempts.append((event.at_us, frozenset(counts_as)))
            if isinstance(event, TurnedAway) and event.actor == person:
                attempts.append((event.at_us, frozenset()))
        return attempts

    @staticmethod
    def _wait_us(limit: Limit, instants: list[int], now_us: int) -> int:
        """The first moment from now at which fewer than the limit lie within the window."""
        leaving = sorted(instant + limit.window_us for instant in instants)
        for wait_us in (0, *(moment - now_us for moment in leaving)):
            if wait_us >= 0 and sum(moment > now_us + wait_us for moment in leaving) < limit.count:
                return wait_us
        raise AssertionError("a window that never opens")

    def edges_us(self, person: Person) -> list[int]:
        """The instants at which something of somebody's leaves a window."""
        attempts = self._attempts(person)
        return [
            at_us + limit.window_us
            for name, limit in (
                ("messages", self.product.messages),
                ("starts", self.product.starts),
            )
            if limit is not None
            for at_us, counts_as in attempts
            if name in counts_as
        ]

    def judge_limits(
        self, sender: Person, *, is_start: bool, now_us: int
    ) -> Accepted | Refusal | Uncertain:
        """Exact where the clock never went back for the sender.

        Where it did, no list of readings tells how much time has passed, and the specification
        gives bounds: what was sent since the clock last went back counts as it would anywhere, and
        what lies further back than every jump taken together does not count any more (LIMIT-2).
        """
        attempts = self._attempts(sender)
        names = ("starts", "messages") if is_start else ("messages",)
        limits = {"messages": self.product.messages, "starts": self.product.starts}
        asked = {name: limit for name in names if (limit := limits[name]) is not None}
        readings = [*(at_us for at_us, _ in attempts), now_us]
        jumps = [after - before for before, after in pairwise(readings) if after < before]
        if jumps:
            return self._bounds(asked, attempts, now_us, all_jumps_us=-sum(jumps))
        waits_us = {
            name: self._wait_us(
                limit, [at for at, counts_as in attempts if name in counts_as], now_us
            )
            for name, limit in asked.items()
        }
        for name, wait_us in waits_us.items():
            if wait_us > 0:
                return Refusal(
                    error=errors.LimitReached, limit=name, retry_after_us=max(waits_us.values())
                )
        return Accepted()

    def _bounds(
        self,
        asked: dict[str, Limit],
        attempts: list[tuple[int, frozenset[str]]],
        now_us: int,
        *,
        all_jumps_us: int,
    ) -> Accepted | Uncertain:
        # Backwards from now, as long as the clock shows less and less.
        since_last_jump: list[tuple[int, frozenset[str]]] = []
        for attempt in reversed(attempts):
            if attempt[0] > (since_last_jump[-1][0] if since_last_jump else now_us):
                break
            since_last_jump.append(attempt)
        latest_us = max(at_us for at_us, _ in attempts)
        must_refuse = may_refuse = False
        for name, limit in asked.items():
            surely = [
                at_us
                for at_us, counts_as in since_last_jump
                if name in counts_as and at_us + limit.window_us > now_us
            ]
            perhaps = [at_us for at_us, counts_as in attempts if name in counts_as]
            is_over = now_us >= latest_us + all_jumps_us + limit.window_us
            must_refuse |= len(surely) >= limit.count
            may_refuse |= len(perhaps) >= limit.count and not is_over
        if not may_refuse:
            return Accepted()
        return Uncertain(must_refuse, max(limit.window_us for limit in asked.values()))
