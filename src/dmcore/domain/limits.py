"""Exact rolling windows, whatever the clock does (LIMIT-1, LIMIT-2).

An event exactly one window old no longer counts. Events are counted at instants of the window's own
time: the clock's, unless a clock shows far less than one did before.
"""

from datetime import timedelta
from typing import Final

import attrs

from dmcore.domain.instants import LONGEST, is_span
from dmcore.domain.numbers import is_whole_number
from dmcore.errors import InvalidSetting

NEVER_US: Final = -(1 << 62)
"""Before every instant."""

_MICROSECOND: Final = timedelta(microseconds=1)
_MOST: Final = 1_000


@attrs.frozen(kw_only=True)
class Window:
    """The last instants at which something counted, oldest first.

    ``time_us`` is the window's own time when it was last noted, and ``reading_us`` what the clock
    showed then; they differ while a clock is far behind. ``jump_us`` is the largest step back since
    they last agreed: the time never runs further ahead of the clock.
    """

    instants: tuple[int, ...] = ()
    time_us: int = NEVER_US
    reading_us: int = NEVER_US
    jump_us: int = 0


NEW_WINDOW: Final = Window()
"""In which nothing has counted yet."""


@attrs.frozen
class RateLimit:
    """At most ``count`` events in any window of length ``window``.

    Raises ``InvalidSetting`` for a count outside 1..1000, or a window that is not positive or
    longer than a hundred years.
    """

    count: int
    window: timedelta

    def __attrs_post_init__(self) -> None:
        if not is_whole_number(self.count, least=1, most=_MOST):
            raise InvalidSetting("limit.count", f"must be a whole number in 1..{_MOST}")
        if not (is_span(self.window) and self.window):
            raise InvalidSetting(
                "limit.window", f"must be a positive timedelta of at most {LONGEST}"
            )

    @property
    def window_us(self) -> int:
        """The length of the window in microseconds."""
        return self.window // _MICROSECOND

    def wait_us(self, window: Window, reading_us: int) -> int:
        """How long from a clock's ``reading_us`` until one more event is allowed; 0 for now."""
        if len(window.instants) < self.count:
            return 0
        noted = self._noted(window, reading_us)
        return max(noted.instants[-self.count] + self.window_us - noted.time_us, 0)

    def counted(self, window: Window, reading_us: int) -> Window:
        """The window after one more event."""
        noted = self._noted(window, reading_us)
        return Window(
            instants=(*noted.instants, noted.time_us)[-self.count :],
            time_us=noted.time_us,
            reading_us=noted.reading_us,
            jump_us=noted.jump_us,
        )

    def refused(self, window: Window, reading_us: int) -> Window:
        """The window after an attempt that was refused: the same, unless a clock went back.

        That has to be noted, for the wait runs from the first refusal.
        """
        return self._noted(window, reading_us) if reading_us < window.reading_us else window

    def _noted(self, window: Window, reading_us: int) -> Window:
        """The window with its time brought to where it is when a clock shows ``reading_us``.

        A clock that is behind by no more than a window is followed: what was counted later than it
        shows was counted now. One that is further behind is wrong, or was: the window's own time
        goes on at its speed, until a clock shows as much. That it cannot run further ahead than the
        clock went back keeps differences from adding up when clocks take turns (ADR 15).
        """
        behind_us = window.time_us - reading_us
        if behind_us <= 0:
            return Window(instants=window.instants, time_us=reading_us, reading_us=reading_us)
        if behind_us <= self.window_us and window.reading_us == window.time_us:
            instants = tuple(min(instant, reading_us) for instant in window.instants)
            return Window(instants=instants, time_us=reading_us, reading_us=reading_us)
        jump_us = max(window.jump_us, window.reading_us - reading_us)
        passed_us = max(reading_us - window.reading_us, 0)
        time_us = min(window.time_us + passed_us, reading_us + jump_us)
        return Window(
            instants=window.instants,
            time_us=max(time_us, window.time_us),
            reading_us=reading_us,
            jump_us=jump_us,
        )
