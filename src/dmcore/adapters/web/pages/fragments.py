"""Pieces for the host's own pages: a button on a profile, a badge in the navigation.

They stand on pages that are not ours, so whatever is wrong with messages, they only say less.
"""

from typing import Final

from dmcore.adapters.web._site import Site
from dmcore.adapters.web.pages._rendering import head, rendered
from dmcore.errors import (
    CannotMessageYourself,
    DmcoreError,
    InvalidId,
    InvalidSetting,
    LimitReached,
    UpgradeRequired,
    YouBlockedThem,
)
from dmcore.mailbox import AsyncMailbox

__all__ = ["badge", "head", "message_button"]


async def badge(mailbox: AsyncMailbox) -> str:
    """How many messages its owner has not read; nothing where there are no messages to read."""
    try:
        unread = await mailbox.unread()
    except DmcoreError:
        return ""
    return rendered("_badge.html", unread=unread)


# What the page behind the button explains, and leads out of.
_EXPLAINED: Final = frozenset({LimitReached.code, YouBlockedThem.code})


async def message_button(mailbox: AsyncMailbox, site: Site, other: str, root: str) -> str:
    """A way to write to somebody, or what stands in the way; nothing on one's own profile.

    Where the two have written to each other it leads there, whether or not one may go on writing.
    Raises ``InvalidSetting`` for an id that is no text.
    """
    if not isinstance(other, str):
        raise InvalidSetting("other", "must be a user id as text")
    try:
        permission = await mailbox.can_message(other)
        is_there = permission.is_allowed or permission.reason in _EXPLAINED
        if not is_there:
            is_there = await mailbox.conversation_with(other) is not None
    except (CannotMessageYourself, InvalidId):
        return ""
    except DmcoreError:
        return rendered("_button.html", kind="unavailable")
    if is_there:
        return rendered("_button.html", kind="open", root=root, user=other)
    if permission.reason == UpgradeRequired.code:
        return rendered("_button.html", kind="upgrade", upgrade_url=site.upgrade_url)
    return rendered("_button.html", kind="unavailable")
