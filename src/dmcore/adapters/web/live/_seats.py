"""Who is connected to this process, and what each has to be told. Safe between threads."""

import hashlib
import threading
import time
from collections.abc import Sequence
from enum import StrEnum

from dmcore.adapters.web._errors import TooManyStreams
from dmcore.adapters.web._values import Viewer
from dmcore.adapters.web._worlds import Bell
from dmcore.domain.ids import ConversationId, User
from dmcore.ports.signals import Typing


class Reason(StrEnum):
    """Why a stream ends that its client did not end."""

    SIGNED_OUT = "signed_out"
    UNAVAILABLE = "unavailable"
    SUSPENDED = "suspended"
    GOING_AWAY = "going_away"
    STALLED = "stalled"
    REFUSED = "refused"


def digest(session: str) -> str:
    """What may be told of a session's name outside of this process."""
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()


class Seat:
    """One who is connected: a stream, or a request that waits.

    It holds no news, only that there are some, so one who reads slowly costs no more than one who
    reads fast. ``resting_since`` is when it was last left alone by its reader; ``None`` while it is
    being read.
    """

    def __init__(self, user: User, viewer: Viewer, bell: Bell) -> None:
        self.user = user
        self.viewer = viewer
        self.bell = bell
        self.has_news = False
        self.ended_for: Reason | None = None
        self.resting_since: float | None = time.monotonic()
        self._lock = threading.Lock()
        self._typing: dict[ConversationId, Typing] = {}

    def tell_news(self) -> None:
        """Something happened to the user."""
        self.has_news = True
        self.bell.ring()

    def tell_typing(self, typing: Typing) -> None:
        """Somebody is writing to the user; only the last is kept of each conversation."""
        with self._lock:
            self._typing[typing.conversation] = typing
        self.bell.ring()

    def taken_typing(self) -> Sequence[Typing]:
        """Who wrote since this was asked last."""
        with self._lock:
            taken, self._typing = self._typing, {}
        return list(taken.values())

    def end(self, reason: Reason) -> None:
        """Let it end as soon as it looks; the first reason counts."""
        self.ended_for = self.ended_for or reason
        self.bell.ring()


class Room:
    """All seats of a process, by user; so many for each, so many in all, and no more."""

    def __init__(self, most: int, most_in_all: int) -> None:
        self._most = most
        self._most_in_all = most_in_all
        self._lock = threading.Lock()
        self._seats: dict[User, set[Seat]] = {}

    def take(self, seat: Seat) -> None:
        """Add a seat. Raises ``TooManyStreams``."""
        with self._lock:
            if sum(map(len, self._seats.values())) >= self._most_in_all:
                raise TooManyStreams(self._most_in_all)
            seats = self._seats.setdefault(seat.user, set())
            if len(seats) >= self._most:
                raise TooManyStreams(self._most)
            seats.add(seat)

    def leave(self, seat: Seat) -> bool:
        """Give a seat back, once or more often; whether that was the last of its user."""
        with self._lock:
            seats = self._seats.get(seat.user, set())
            if seat not in seats:
                return False
            seats.remove(seat)
            if not seats:
                del self._seats[seat.user]
            return not seats

    def users(self) -> Sequence[User]:
        """Everybody who is connected."""
        with self._lock:
            return list(self._seats)

    def of(self, user: User) -> Sequence[Seat]:
        """The seats of one user."""
        with self._lock:
            return list(self._seats.get(user, ()))

    def everyone(self) -> Sequence[Seat]:
        """All seats."""
        with self._lock:
            return [seat for seats in self._seats.values() for seat in seats]
