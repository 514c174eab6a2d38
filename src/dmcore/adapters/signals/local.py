"""Signals within one process."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from dmcore.domain.ids import User
from dmcore.ports.signals import Signal, Signals

Listener = Callable[[Signal], None]


class LocalSignals:
    """The ``Signals`` port for a site of one process; also between the mounts of one process."""

    def __init__(self, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        # Until when; who arrived last is the last in it.
        self._present: dict[User, float] = {}

    def tell(self, signal: Signal) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(signal)

    def listen(self, listener: Listener) -> Callable[[], None]:
        def stop() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        with self._lock:
            self._listeners.append(listener)
        return stop

    def arrive(self, user: User, *, seconds: float) -> None:
        now = self._seconds()
        with self._lock:
            self._present.pop(user, None)
            self._present[user] = now + seconds
            while (first := next(iter(self._present))) != user and self._present[first] <= now:
                del self._present[first]

    def leave(self, user: User) -> None:
        with self._lock:
            self._present.pop(user, None)

    def is_present(self, user: User) -> bool:
        now = self._seconds()
        with self._lock:
            return self._present.get(user, now) > now


if TYPE_CHECKING:

    def _conforms() -> Signals:
        return LocalSignals()
