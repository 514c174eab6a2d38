"""What is stored about a user, in plain words, and everything of it to take away (GDPR-1)."""

from collections.abc import AsyncIterator
from typing import Final

from dmcore.adapters.web._routing import Route, Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.pages._rendering import page
from dmcore.adapters.web.pages._report_words import span_of
from dmcore.adapters.web.pages._reporting import is_shown
from dmcore.domain.paging import Page
from dmcore.errors import MessagingUnavailable, Suspended
from dmcore.mailbox import Exported, json_line

TITLE: Final = "Your privacy"
_LINES_AT_ONCE: Final = 100


async def privacy(visit: Visit) -> Response:
    """The page; it is there whatever the switch says, and for whom messages are closed."""
    try:
        preferences = await visit.mailbox.preferences()
    except (MessagingUnavailable, Suspended):
        preferences = None
    policy = visit.world.dm.policy
    return page(
        visit,
        "privacy.html",
        title=TITLE,
        here="privacy",
        listed=None,
        preferences=preferences,
        is_shown=is_shown(visit),
        kept_for=span_of(policy.evidence_kept),
    )


async def download(visit: Visit) -> Response:
    """Everything that the viewer can see, as a file of JSON Lines, sent as it is read."""
    first = await visit.mailbox.export(limit=_LINES_AT_ONCE)
    return Response(
        headers=(
            ("Content-Type", "application/jsonl"),
            ("Content-Disposition", 'attachment; filename="messages.jsonl"'),
        ),
        stream=_lines(visit, first),
    )


async def _lines(visit: Visit, found: Page[Exported]) -> AsyncIterator[bytes]:
    """The lines of all pages. What cannot be read ends it with an error: never a short file."""
    while True:
        yield "".join(f"{json_line(thing)}\n" for thing in found.items).encode()
        if found.next is None:
            return
        found = await visit.mailbox.export(limit=_LINES_AT_ONCE, cursor=found.next)


ROUTES: tuple[Route, ...] = (
    Route(method="GET", pattern="/privacy", handler=privacy),
    Route(method="GET", pattern="/privacy/messages.jsonl", handler=download),
)
