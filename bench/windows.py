"""How dmcore stores the window of a limit, as far as floors have to know.

Eight bytes for each number: the window's own time, what the clock showed then, perhaps more about
clocks that were set back, and the instants, oldest first. A floor knows right clocks only: there
the first two are the same and the rest of the head is zero.
"""

from typing import Final

from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from dmcore.adapters.sql import metadata
from dmcore.domain.limits import Window

_NUMBER: Final = 8


def window_bytes(window: Window) -> bytes:
    """A window as it is stored, the same on every database."""
    process = metadata.tables["dm_mailbox"].c.sends.type.bind_processor(SQLiteDialect())
    if process is None:
        raise AssertionError("a window is stored as bytes")
    return bytes(process(window))


HEAD_BYTES: Final = len(window_bytes(Window()))
REST_OF_HEAD: Final = bytes(HEAD_BYTES - 2 * _NUMBER)
# The default message limit: 20 instants in 60 seconds.
LIMIT_BYTES: Final = 20 * _NUMBER
LIMIT_US: Final = 60_000_000
