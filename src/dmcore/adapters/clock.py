"""Clocks: the machine's, and one that is set by hand."""

import threading
import time

from dmcore.ports.clock import Clock


class SystemClock:
    """The machine's wall clock."""

    def now_us(self) -> int:
        return time.time_ns() // 1000


class ManualClock:
    """A clock that shows what it was set to: for replays, demonstrations and tests."""

    def __init__(self, now_us: int = 0) -> None:
        self._now_us = now_us
        self._lock = threading.Lock()

    def now_us(self) -> int:
        return self._now_us

    def set_us(self, now_us: int) -> None:
        """Show this instant from now on; it may lie before the last one."""
        with self._lock:
            self._now_us = now_us

    def advance(self, *, seconds: float = 0, us: int = 0) -> None:
        """Move by a span, which may be negative."""
        with self._lock:
            self._now_us += round(seconds * 1_000_000) + us


_system: Clock = SystemClock()
_manual: Clock = ManualClock()
