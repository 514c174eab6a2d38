"""Hearing what is told in other processes, from the first time that it matters."""

import threading
from collections.abc import Callable

from dmcore.ports.signals import Signal, Signals


class Ear:
    """Hands what it hears to ``hear``. Safe between threads."""

    def __init__(self, signals: Signals, hear: Callable[[Signal], None]) -> None:
        self._signals = signals
        self._hear = hear
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None
        self._is_closed = False

    def open(self) -> None:
        """Hear what is told from now on, if not yet."""
        with self._lock:
            if self._stop is None and not self._is_closed:
                self._stop = self._signals.listen(self._hear)

    def close(self) -> None:
        """Hear nothing any more."""
        with self._lock:
            self._is_closed = True
            stop, self._stop = self._stop, None
        if stop is not None:
            stop()
