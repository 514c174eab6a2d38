"""Entropy for message ids: the operating system's, and one that can be repeated."""

import random
import secrets
import threading

from dmcore.ports.ids import Entropy

_BITS = 62


class SystemEntropy:
    """The operating system's cryptographic source."""

    def draw(self) -> int:
        return secrets.randbits(_BITS)


class SeededEntropy:
    """The same bits for the same seed: for replays, fixtures and tests, never for production."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._lock = threading.Lock()

    def draw(self) -> int:
        with self._lock:
            return self._random.getrandbits(_BITS)


_system: Entropy = SystemEntropy()
_seeded: Entropy = SeededEntropy(0)
