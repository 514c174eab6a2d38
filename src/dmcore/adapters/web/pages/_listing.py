"""Lists of conversations: the inbox and its sisters, alone or beside something else."""

from collections.abc import Iterator
from typing import Final

import attrs

from dmcore.adapters.web._errors import MalformedRequest
from dmcore.adapters.web._routing import Handler, Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.pages._people import faces_of
from dmcore.adapters.web.pages._rendering import html, page, rendered
from dmcore.domain.conversation import Folder
from dmcore.domain.inbox import InboxEntry
from dmcore.domain.paging import Page

TITLE: Final = "Messages"


@attrs.frozen(kw_only=True)
class Listed:
    """One page of a list. What a page shows is never older than the place in the feed it names."""

    folder: Folder
    page: Page[InboxEntry]
    cursor: str
    unread: int
    has_requests: bool

    @property
    def others(self) -> Iterator[str]:
        """Who is in the list."""
        return (entry.other for entry in self.page.items)


async def listed_in(visit: Visit, folder: Folder, cursor: str | None = None) -> Listed:
    """A page of one folder."""
    if folder is Folder.INBOX and cursor is None:
        found = await visit.mailbox.snapshot()
        shown = found.inbox
    else:
        found = await visit.mailbox.snapshot(limit=1)
        shown = await _folder(visit, folder, cursor)
    return Listed(
        folder=folder,
        page=shown,
        cursor=found.cursor,
        unread=found.unread,
        has_requests=await _has_requests(visit),
    )


def list_page(folder: Folder) -> Handler:
    """The handler of one list with nothing beside it."""

    async def handler(visit: Visit) -> Response:
        listed = await listed_in(visit, folder, visit.request.query.get("cursor"))
        faces = await faces_of(visit, listed.others)
        return page(
            visit,
            "list.html",
            title=TITLE,
            here=folder,
            listed=listed,
            faces=faces,
            current=None,
        )

    return handler


async def list_fragment(visit: Visit) -> Response:
    """One list alone; ``thread`` names the conversation that stands beside it."""
    query = visit.request.query
    asked = query.get("folder", Folder.INBOX)
    if asked not in set(Folder):
        raise MalformedRequest("folder", f"it must be one of {', '.join(Folder)}")
    found = await _folder(visit, Folder(asked), query.get("cursor"))
    faces = await faces_of(visit, (entry.other for entry in found.items))
    text = rendered(
        "_entries.html",
        root=visit.request.root,
        me=visit.viewer.user,
        folder=Folder(asked),
        entries=found.items,
        faces=faces,
        current=query.get("thread"),
        has_requests=await _has_requests(visit),
    )
    return html(visit.site, text)


async def badge_fragment(visit: Visit) -> Response:
    """How much is unread."""
    return html(visit.site, rendered("_badge.html", unread=await visit.mailbox.unread()))


async def _has_requests(visit: Visit) -> bool:
    """Whether somebody waits for an answer whether they may write."""
    return bool((await visit.mailbox.requests(limit=1)).items)


async def _folder(visit: Visit, folder: Folder, cursor: str | None) -> Page[InboxEntry]:
    mailbox = visit.mailbox
    lists = {
        Folder.INBOX: mailbox.inbox,
        Folder.REQUESTS: mailbox.requests,
        Folder.ARCHIVED: mailbox.archived,
    }
    return await lists[folder](cursor=cursor)
