"""Reporting somebody on a page: why, and which messages to show where the site allows it (MOD-1).

What moderators will see is said before anything is sent. Ticks go along from one page of messages
to another in the form itself.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from dmcore.adapters.web._routing import Route, Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web._words import notice_of
from dmcore.adapters.web.pages._conversation import action_of, path_to
from dmcore.adapters.web.pages._disclosing import disclosed
from dmcore.adapters.web.pages._drafts import with_wait
from dmcore.adapters.web.pages._forms import form_of, fresh_key, needed, ticked
from dmcore.adapters.web.pages._people import faces_of
from dmcore.adapters.web.pages._rendering import page, redirect
from dmcore.adapters.web.pages._report_words import REASONS, span_of
from dmcore.domain.reports import MOST_CHOSEN
from dmcore.errors import AccessDenied, DmcoreError, InvalidKey, InvalidReport, KeyConflict

TITLE: Final = "Report"
_MOST_FIELDS: Final = 200
_LACKING: Final = f"Choose a reason, and {MOST_CHOSEN} messages at most."
_VANISHED: Final = "A message that you chose is not there any more. Please choose again."


@attrs.frozen(kw_only=True)
class Reporting:
    """A report that is about to be made; ``before`` says which messages are offered."""

    key: str = attrs.field(repr=False)
    reason: str | None = None
    chosen: tuple[str, ...] = ()
    before: str | None = None
    after: str | None = None
    refusal: DmcoreError | None = None


async def begin(visit: Visit) -> Response:
    """The form, with the message ticked that it was opened from."""
    query = visit.request.query
    if "sent" in query:
        return await _sent(visit)
    chosen = (query["message"],) if "message" in query else ()
    return await _asked(
        visit,
        Reporting(
            key=fresh_key(), chosen=chosen, before=query.get("before"), after=query.get("after")
        ),
    )


async def report(visit: Visit) -> Response:
    """Report the other one of this conversation; or show other messages to choose from."""
    form, thread = form_of(visit.request, most=_MOST_FIELDS), visit.arguments["thread"]
    asked = Reporting(
        key=needed(form, "key"),
        reason=form.get("reason"),
        chosen=ticked(form) if is_shown(visit) else (),
    )
    if "before" in form:
        return await _asked(visit, attrs.evolve(asked, before=form["before"] or None))
    try:
        shown = disclosed(form) if is_shown(visit) else ()
        named = {str(each.message) for each in shown}
        await visit.mailbox.report(
            conversation=thread,
            messages=[each for each in asked.chosen if each not in named],
            disclosures=shown,
            reason=asked.reason or "",
            key=asked.key,
        )
    except DmcoreError as error:
        refusal = error
    else:
        return redirect(visit.request, f"{path_to(thread)}/report?sent=1")
    return await _asked(visit, _refused(asked, refusal))


def is_shown(visit: Visit) -> bool:
    """Whether messages can be shown to moderators here."""
    return visit.world.dm.policy.evidence == "reporter_selected"


def _refused(asked: Reporting, refusal: DmcoreError) -> Reporting:
    """The same with the reason; what is good for nothing any more is taken out of it."""
    if isinstance(refusal, (KeyConflict, InvalidKey)):
        asked = attrs.evolve(asked, key=fresh_key())
    if isinstance(refusal, AccessDenied):
        asked = attrs.evolve(asked, chosen=())
    return attrs.evolve(asked, refusal=refusal)


async def _asked(visit: Visit, asked: Reporting) -> Response:
    thread = visit.arguments["thread"]
    view = await visit.mailbox.conversation(thread)
    found = (
        await visit.mailbox.thread(thread, before=asked.before, after=asked.after)
        if is_shown(visit)
        else None
    )
    offered = [] if found is None else [it for it in found.items if it.body is not None]
    here = {str(message.id) for message in offered}
    faces = await faces_of(visit, (view.other,))
    response = page(
        visit,
        "report.html",
        title=TITLE,
        status=200 if asked.refusal is None else asked.refusal.http_status,
        here="report",
        listed=None,
        **_shared(visit, view.you_block, faces[view.other]),
        asked=asked,
        offered=offered,
        elsewhere=[it for it in asked.chosen if it not in here],
        older=None if found is None else found.older,
        is_newest=asked.before is None and asked.after is None,
        reasons=REASONS,
        most=MOST_CHOSEN,
        error=None if asked.refusal is None else _said(asked.refusal),
    )
    return with_wait(response, asked.refusal)


async def _sent(visit: Visit) -> Response:
    view = await visit.mailbox.conversation(visit.arguments["thread"])
    faces = await faces_of(visit, (view.other,))
    shared = _shared(visit, view.you_block, faces[view.other])
    return page(visit, "reported.html", title=TITLE, here="report", listed=None, **shared)


def _shared(visit: Visit, you_block: bool, face: object) -> Mapping[str, Any]:
    """What the form and the confirmation say in the same words."""
    return {
        "at": action_of(visit),
        "face": face,
        "you_block": you_block,
        "is_shown": is_shown(visit),
        "kept_for": span_of(visit.world.dm.policy.evidence_kept),
    }


def _said(refusal: DmcoreError) -> str:
    if isinstance(refusal, InvalidReport):
        return _LACKING
    return _VANISHED if isinstance(refusal, AccessDenied) else notice_of(refusal).text


ROUTES: tuple[Route, ...] = (
    Route(method="GET", pattern="/t/{thread}/report", handler=begin),
    Route(method="POST", pattern="/t/{thread}/report", handler=report),
)
