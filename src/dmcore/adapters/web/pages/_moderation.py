"""Pages of a moderator: the queue, one report, many at once (MOD-2, MOD-3).

Evidence is the answer to a form and never to an address: a look is written down, so nothing that
fetches addresses by itself looks in a moderator's name, and none leads to what somebody wrote.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from dmcore.adapters.web._desks import desk_of, moved
from dmcore.adapters.web._routing import Audience, Route, Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web._words import notice_of, sentence_of
from dmcore.adapters.web.pages._forms import form_of, needed, ticked
from dmcore.adapters.web.pages._people import faces_of
from dmcore.adapters.web.pages._rendering import page, redirect
from dmcore.adapters.web.pages._report_words import (
    MADE_WORDS,
    MOVE_WORDS,
    ORIGINS,
    OUTCOMES,
    REASONS,
    STATES,
    moves_of,
)
from dmcore.adapters.web.pages._reporting import is_shown
from dmcore.adapters.web.pages._restricting import KINDS
from dmcore.domain.paging import LARGEST_PAGE
from dmcore.domain.reports import ReportLine, ReportMove, ReportState
from dmcore.errors import DmcoreError, EvidenceDenied, IllegalMove, InvalidReport, TakenByAnother

QUEUE_TITLE: Final = "Reports"
REPORT_TITLE: Final = "Report"
EVIDENCE_TITLE: Final = "Evidence"
_AT_ONCE: Final = 20
_FILTERS: Final = ("state", "reason", "origin")


# The queue --------------------------------------------------------------------------------------


async def queue(visit: Visit) -> Response:
    """A page of the queue; those that wait, unless something else is chosen."""
    query = visit.request.query
    chosen = {name: query.get(name, "") for name in _FILTERS}
    chosen["state"] = query.get("state", ReportState.PENDING)
    return await _queue(visit, chosen, cursor=query.get("cursor"))


async def _queue(visit: Visit, chosen: Mapping[str, str], *, cursor: str | None) -> Response:
    found = await desk_of(visit).reports(
        state=chosen["state"] or None,
        reason=chosen["reason"] or None,
        origin=chosen["origin"] or None,
        limit=_AT_ONCE,
        cursor=cursor,
    )
    faces = await faces_of(visit, _people(found.items))
    following = None if found.next is None else urlencode({**chosen, "cursor": found.next})
    return page(
        visit,
        "queue.html",
        title=QUEUE_TITLE,
        here="moderation",
        listed=None,
        found=found,
        faces=faces,
        chosen=chosen,
        following=following,
        is_nothing_ticked="none" in visit.request.query,
        metrics=await desk_of(visit).metrics(),
        kinds=KINDS,
        **_WORDS,
    )


async def bulk(visit: Visit) -> Response:
    """Do the same with every report that is ticked; say for each what came of it."""
    form = form_of(visit.request, most=LARGEST_PAGE + len(_FILTERS) + 3)
    asked = ticked(form)
    if not asked:
        return redirect(visit.request, "/moderation?none=1")
    move, outcome = _step(form)
    answers = await desk_of(visit).bulk(asked, move, outcome=outcome)
    lines = [each.report for each in answers if each.report is not None]
    return page(
        visit,
        "bulk.html",
        title=QUEUE_TITLE,
        here="moderation",
        listed=None,
        answers=answers,
        done=len(lines),
        faces=await faces_of(visit, _people(lines)),
        explained={each.error: sentence_of(each.error) for each in answers if each.error},
        **_WORDS,
    )


# One report -------------------------------------------------------------------------------------


async def show(visit: Visit) -> Response:
    """One report: who, whom, why, where it stands, and what can be done with it."""
    return await _shown(visit, None)


async def move(visit: Visit) -> Response:
    """Move it on; where that is not possible any more, show where it stands."""
    step, outcome = _step(form_of(visit.request))
    report = visit.arguments["report"]
    try:
        await moved(desk_of(visit), report, step, outcome)
    except (IllegalMove, InvalidReport, TakenByAnother) as error:
        refusal = error
    else:
        return redirect(visit.request, f"/moderation/reports/{quote(report, safe='')}")
    return await _shown(visit, refusal)


async def look(visit: Visit) -> Response:
    """Look at what the reporter chose to show. The look is written down before it is answered."""
    desk, report = desk_of(visit), visit.arguments["report"]
    try:
        found = await desk.evidence(report)
    except EvidenceDenied as error:
        refusal = error
    else:
        line = await desk.report(report)
        faces = await faces_of(visit, (*_people([line]), *(item.sender for item in found)))
        return page(
            visit,
            "evidence.html",
            title=EVIDENCE_TITLE,
            here="moderation",
            listed=None,
            line=line,
            found=found,
            faces=faces,
            **_WORDS,
        )
    return await _shown(visit, refusal)


async def _shown(visit: Visit, refusal: DmcoreError | None) -> Response:
    desk, report = desk_of(visit), visit.arguments["report"]
    line = await desk.report(report)
    history = await desk.report_history(
        report, limit=_AT_ONCE, cursor=visit.request.query.get("cursor")
    )
    deciding = (made.by for made in history.items)
    policy = visit.world.dm.policy
    return page(
        visit,
        "report_line.html",
        title=REPORT_TITLE,
        status=200 if refusal is None else refusal.http_status,
        here="moderation",
        listed=None,
        line=line,
        history=history,
        faces=await faces_of(visit, (*_people([line]), *deciding)),
        moves=[it for it in moves_of(line, visit.viewer.user) if it is not ReportMove.RESOLVE],
        is_mine=line.state is ReportState.TAKEN and line.taken_by == visit.viewer.user,
        is_shown=is_shown(visit),
        shown_until=line.made_at + policy.evidence_kept,
        notice=None if refusal is None else notice_of(refusal),
        **_WORDS,
    )


def _step(form: Mapping[str, str]) -> tuple[str, str | None]:
    """What is asked for: an outcome counts with the one move that has one."""
    asked = needed(form, "move")
    return asked, form.get("outcome") if asked == ReportMove.RESOLVE else None


def _people(lines: tuple[ReportLine, ...] | list[ReportLine]) -> list[str]:
    return [
        user
        for line in lines
        for user in (line.reporter, line.reported, line.taken_by)
        if user is not None
    ]


_WORDS: Final[Mapping[str, Any]] = {
    "reasons": REASONS,
    "states": STATES,
    "origins": ORIGINS,
    "outcomes": OUTCOMES,
    "move_words": MOVE_WORDS,
    "made_words": MADE_WORDS,
}

ROUTES: tuple[Route, ...] = tuple(
    Route(
        method=method, pattern=f"/moderation{below}", handler=handler, audience=Audience.MODERATORS
    )
    for method, below, handler in (
        ("GET", "", queue),
        ("POST", "/moves", bulk),
        ("GET", "/reports/{report}", show),
        ("POST", "/reports/{report}/moves", move),
        ("POST", "/reports/{report}/looks", look),
    )
)
