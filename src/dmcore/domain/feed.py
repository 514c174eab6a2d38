"""The feed: what happened to a user since a place in it, and the state to begin from (FEED-1)."""

from collections.abc import Mapping

import attrs

from dmcore.domain.events import Fact
from dmcore.domain.ids import User
from dmcore.domain.inbox import InboxEntry
from dmcore.domain.mode import Mode
from dmcore.domain.paging import Cursor, Page
from dmcore.domain.preferences import Preferences


@attrs.frozen(kw_only=True)
class Changes:
    """What happened, oldest first, each once: references, never content.

    ``next`` is where to ask from next time, also when nothing happened; ``has_more`` says that
    asking at once brings more.
    """

    items: tuple[Fact, ...]
    next: Cursor
    has_more: bool


@attrs.frozen(kw_only=True)
class Snapshot:
    """A user's state at one instant, and the place in the feed that continues from just there."""

    cursor: Cursor
    unread: int
    preferences: Preferences
    inbox: Page[InboxEntry]


@attrs.frozen(kw_only=True)
class Heads:
    """How far the feeds of some users have come, for whoever watches on their behalf.

    A position grows with each fact; that of a user who was never seen is 0.
    """

    mode: Mode
    positions: Mapping[User, int] = attrs.field(repr=False)
