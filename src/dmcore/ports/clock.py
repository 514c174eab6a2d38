"""The clock: where a use case learns what time it is."""

from typing import Protocol

from dmcore.domain.instants import checked_instant


class Clock(Protocol):
    """A source of instants.

    It MAY jump in either direction: order, limits and read markers stand on what is stored, not on
    a clock that only moves forward (MSG-2, LIMIT-2). It MUST be safe to ask from any thread.
    """

    def now_us(self) -> int:
        """The current instant in microseconds since the epoch, UTC, in the years 1 to 9999."""
        ...


def reading_of(clock: Clock) -> int:
    """What a clock shows. Raises ``InvalidSetting`` where that is no instant."""
    return checked_instant(clock.now_us())
