"""When things are done again while somebody is connected."""

import time
from datetime import timedelta
from math import inf

import attrs

from dmcore.adapters.web._site import IsCurrent
from dmcore.adapters.web._values import Viewer
from dmcore.adapters.web._worlds import World


@attrs.frozen(kw_only=True)
class Rhythm:
    """Seconds. What is said again (``beat``) is forgotten later (``present``) than that.

    - ``beat``: a stream says at least something so often, and that its user is there.
    - ``present``: so long a user is there after this was said.
    - ``told``: that somebody is writing is told no sooner again in the same conversation.
    - ``typed``: so long somebody is taken to be writing after they did.
    - ``stalled``: a stream that nobody read for so long is given up.
    - ``oldest``: a stream ends after so long, and its client opens the next, for which the host is
      asked who it is: a sign-in that ended where nobody told of it ends here.
    - ``pause``: the first wait of a stream after its store failed.
    """

    beat: float = 15.0
    present: float = 40.0
    told: float = 1.0
    typed: float = 6.0
    stalled: float = 60.0
    oldest: float = 900.0
    pause: float = 0.5


class SignIn:
    """Whether a viewer is still signed in, asked of the host now and then."""

    def __init__(
        self, world: World, is_current: IsCurrent | None, every: timedelta, viewer: Viewer
    ) -> None:
        self._world = world
        self._is_current = is_current
        self._every = every.total_seconds()
        self._viewer = viewer
        self.asks_at = inf if is_current is None else time.monotonic() + self._every

    async def holds(self) -> bool:
        """What the host said last, or says now where that is long ago."""
        if self._is_current is None or time.monotonic() < self.asks_at:
            return True
        self.asks_at = time.monotonic() + self._every
        return await self._world.ask(self._is_current, self._viewer)
