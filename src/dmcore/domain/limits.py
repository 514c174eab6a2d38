"""Exact rolling windows (LIMIT-1).

A window is the last ``count`` instants at which something counted, oldest first. An event exactly
one window old no longer counts. Instants are those of the user's own time (``domain.account``),
which never goes back, so a clock that does cannot open a window (LIMIT-2).
"""

from datetime import timedelta
from typing import Final

import attrs

from dmcore.errors import InvalidSetting

Instants = tuple[int, ...]

_MICROSECOND: Final = timedelta(microseconds=1)
_MOST: Final = 1_000


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

    def wait_us(self, instants: Instants, now_us: int) -> int:
        """How long from ``now_us`` until one more event is allowed; 0 when it is allowed now."""
        if len(instants) < self.count:
            return 0
        return max(instants[-self.count] + self.window_us - now_us, 0)

    def counted(self, instants: Instants, now_us: int) -> Instants:
        """The window after one more event at ``now_us``."""
        return (*instants, now_us)[-self.count :]


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_positive(value: object) -> bool:
    return isinstance(value, timedelta) and value > timedelta(0)
