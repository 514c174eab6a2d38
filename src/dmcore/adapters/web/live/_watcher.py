"""The one who looks at the journal for everybody connected: one statement, however many they are.

Knows positions only; what happened is read by each in its own name.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from dmcore.adapters.web._worlds import Bell, World
from dmcore.adapters.web.live._seats import Room, Seat
from dmcore.domain.ids import User
from dmcore.domain.mode import Mode
from dmcore.errors import StoreError

_LONGEST_PAUSE: Final = 5.0

_log = logging.getLogger("dmcore.web")


class Watcher:
    """Wakes who has news. It runs while anybody is connected, and starts again with the next.

    ``give_up`` is told of seats that nobody read for ``stalled`` seconds.
    """

    def __init__(
        self,
        world: World,
        room: Room,
        *,
        every: float,
        stalled: float,
        give_up: Callable[[Seat], None],
    ) -> None:
        self._world = world
        self._room = room
        self._every = every
        self._stalled = stalled
        self._give_up = give_up
        self._lock = threading.Lock()
        self._bell: Bell | None = None
        self._mode: Mode | None = None
        self._known: Mapping[User, int] = {}
        self._is_closed = False

    def begin(self) -> None:
        """Watch, now that somebody is there."""
        with self._lock:
            if self._bell is not None or self._is_closed:
                return
            bell = self._bell = self._world.bell()
        self._world.begin(self._watch(bell))

    def look(self) -> None:
        """Do not wait for the next time; from any thread."""
        bell = self._bell
        if bell is not None:
            bell.ring()

    def close(self) -> None:
        """Watch no more."""
        self._is_closed = True
        self.look()

    async def _watch(self, bell: Bell) -> None:
        pause = self._every
        try:
            while users := self._watched():
                try:
                    pause = await self._looked(users, pause)
                except Exception as error:  # noqa: BLE001
                    # Whatever it was: without a look every stream would stay silent. What the
                    # error says may hold anything, so only its kind is told.
                    _log.error("live updates were interrupted: %s", type(error).__name__)
                    pause = _LONGEST_PAUSE
                await bell.wait(pause)
        finally:
            with self._lock:
                if self._bell is bell:
                    self._bell = None

    def _watched(self) -> Sequence[User]:
        # With the lock: who comes now finds either a watcher that will see them, or none.
        with self._lock:
            users = [] if self._is_closed else self._room.users()
            if not users:
                self._bell = None
            return users

    async def _looked(self, users: Sequence[User], pause: float) -> float:
        """Look once; return how long to wait before the next time."""
        self._drop_stalled()
        try:
            heads = await self._world.dm.heads(users)
        except StoreError as error:
            _log.warning("live updates wait for the store: %s", error.code)
            return min(pause * 2, _LONGEST_PAUSE)
        is_other_mode = heads.mode is not self._mode
        # Of somebody new it is not known what they saw before the first look: they read once more.
        moved = [user for user in users if heads.positions[user] != self._known.get(user)]
        self._mode, self._known = heads.mode, heads.positions
        for user in users if is_other_mode else moved:
            for seat in self._room.of(user):
                seat.tell_news()
        return self._every

    def _drop_stalled(self) -> None:
        before = time.monotonic() - self._stalled
        for seat in self._room.everyone():
            since = seat.resting_since
            if since is not None and since < before:
                self._give_up(seat)
