"""Exact rolling windows, whatever the clock does (LIMIT-1, LIMIT-2).

An event exactly one window old no longer counts. Events are counted at instants of the window's own
time, which never goes back: it is the clock's time, except behind a clock that was set back.
"""

from datetime import timedelta
from typing import Final

import attrs

from dmcore.errors import InvalidSetting

NEVER_US: Final = -(1 << 62)
"""Before every instant."""

_MICROSECOND: Final = timedelta(microseconds=1)
_MOST: Final = 1_000


@attrs.frozen
class Window:
    """The last instants at which something counted, oldest first.

    ``time_us`` is the window's own time when it was last noted, and ``reading_us`` what the clock
    showed then; they differ once a clock was found to show less than the window's time.
    """

    instants: tuple[int, ...] = ()
    time_us: int = NEVER_US
    reading_us: int = NEVER_US


NEW_WINDOW: Final = Window()
"""In which nothing has counted yet."""


@attrs.frozen
class RateLimit:
    """At most ``count`` events in any window of length ``window``.

    Raises ``InvalidSetting`` for a count outside 1..1000 or a window that is not positive.
    """

    count: int
    window: timedelta

    def __attrs_post_init__(self) -> None:
        if not _is_count(self.count, _MOST):
            raise InvalidSetting("limit.count", f"must be a whole number in 1..{_MOST}")
        if not _is_positive(self.window):
            raise InvalidSetting("limit.window", "must be a positive timedelta")

    @property
    def window_us(self) -> int:
        """The length of the window in microseconds."""
        return self.window // _MICROSECOND

    def wait_us(self, window: Window, reading_us: int) -> int:
        """How long from a clock's ``reading_us`` until one more event is allowed; 0 for now."""
        if len(window.instants) < self.count:
            return 0
        expires_us = window.instants[-self.count] + self.window_us
        return max(expires_us - self._own_time_us(window, reading_us), 0)

    def counted(self, window: Window, reading_us: int) -> Window:
        """The window after one more event."""
        time_us = self._own_time_us(window, reading_us)
        return Window((*window.instants, time_us)[-self.count :], time_us, reading_us)

    def refused(self, window: Window, reading_us: int) -> Window:
        """The window after an attempt that was refused: the same, unless a clock went back.

        That has to be noted, for the wait runs from the first refusal.
        """
        if reading_us >= window.reading_us:
            return window
        return attrs.evolve(window, reading_us=reading_us)

    def _own_time_us(self, window: Window, reading_us: int) -> int:
        """The window's own time when a clock shows ``reading_us``.

        Behind a clock that was set back it goes on from where it was, at the speed of the clock. A
        clock that is right again after it was behind by more than a window is believed at once: an
        event of that time is not to be taken for one long past (ADR 15).
        """
        behind_us = window.time_us - window.reading_us
        if reading_us < window.time_us or 0 < behind_us <= self.window_us:
            return window.time_us + max(reading_us - window.reading_us, 0)
        return reading_us


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_positive(value: object) -> bool:
    return isinstance(value, timedelta) and value > timedelta(0)
