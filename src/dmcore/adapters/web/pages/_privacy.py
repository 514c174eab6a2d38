"""What is stored about a user, in plain words, and everything of it to take away (GDPR-1)."""

from collections.abc import AsyncIterator
from queue import SimpleQueue
from typing import Final

from dmcore.adapters.web._errors import NothingHere
from dmcore.adapters.web._routing import Route, Visit
from dmcore.adapters.web._site import SignsTranscripts
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
        is_sealing=policy.sealing != "never",
        is_signing=visit.site.transcripts is not None,
    )


async def download(visit: Visit) -> Response:
    """Everything that the viewer can see, as a file of JSON Lines, sent as it is read."""
    lines = _lines(visit, await visit.mailbox.export(limit=_LINES_AT_ONCE))
    return _file("messages.jsonl", lines)


async def transcript(visit: Visit) -> Response:
    """The same, signed by the site; where it signs nothing there is no such page."""
    signer = visit.site.transcripts
    if signer is None:
        raise NothingHere
    lines = _lines(visit, await visit.mailbox.export(limit=_LINES_AT_ONCE))
    return _file("transcript.jsonl", _signed(visit, signer, lines))


def _file(name: str, pieces: AsyncIterator[list[str]]) -> Response:
    return Response(
        headers=(
            ("Content-Type", "application/jsonl"),
            ("Content-Disposition", f'attachment; filename="{name}"'),
        ),
        stream=_written(pieces),
    )


async def _written(pieces: AsyncIterator[list[str]]) -> AsyncIterator[bytes]:
    async for lines in pieces:
        yield "".join(f"{line}\n" for line in lines).encode()


async def _lines(visit: Visit, found: Page[Exported]) -> AsyncIterator[list[str]]:
    """The lines of all pages. What cannot be read ends it with an error: never a short file."""
    while True:
        yield [json_line(thing) for thing in found.items]
        if found.next is None:
            return
        found = await visit.mailbox.export(limit=_LINES_AT_ONCE, cursor=found.next)


async def _signed(
    visit: Visit, signer: SignsTranscripts, pieces: AsyncIterator[list[str]]
) -> AsyncIterator[list[str]]:
    """The same lines between what begins a transcript and what ends it."""
    given: SimpleQueue[str | None] = SimpleQueue()
    lines = iter(given.get_nowait, None)
    signed = signer.signed(lines, user=visit.mailbox.user, made_at=visit.world.dm.now())
    yield [next(signed)]
    async for piece in pieces:
        for line in piece:
            given.put(line)
        yield [next(signed) for _ in piece]
    given.put(None)
    yield list(signed)


ROUTES: tuple[Route, ...] = (
    Route(method="GET", pattern="/privacy", handler=privacy),
    Route(method="GET", pattern="/privacy/messages.jsonl", handler=download),
    Route(method="GET", pattern="/privacy/transcript.jsonl", handler=transcript),
)
