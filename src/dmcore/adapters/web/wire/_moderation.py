"""The moderator's interface: the queue, the life of a report, evidence (MOD-2, MOD-3).

Looking at evidence is written down, so it is an act and not a look: no GET does it, and no browser
that fetches ahead, no crawler and no preview looks in a moderator's name.
"""

from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import WithJsonSchema

from dmcore.adapters.web._desks import desk_of, moved
from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire import _contents, _models, _parameters
from dmcore.adapters.web.wire._answering import answer, next_link
from dmcore.domain import reports
from dmcore.domain.paging import LARGEST_PAGE, Page
from dmcore.domain.reports import (
    ReportMove,
    ReportOrigin,
    ReportOutcome,
    ReportReason,
    ReportState,
)

USUAL_REPORTS: Final = 50

_Move = Annotated[str, WithJsonSchema({"type": "string", "enum": [*ReportMove]})]
_Outcome = Annotated[str, WithJsonSchema({"type": "string", "enum": [*ReportOutcome]})]
_Reports = Annotated[
    list[str],
    WithJsonSchema(
        {
            "type": "array",
            "items": _contents.ID_SCHEMA,
            "minItems": 1,
            "maxItems": LARGEST_PAGE,
        }
    ),
]


# What is sent ------------------------------------------------------------------------------------


class ReportStep(_contents.Content):
    """What to do with a report."""

    move: _Move
    outcome: _Outcome | None = None
    """What came of it: needed to resolve, and nothing else has one."""


class BulkStep(_contents.Content):
    """The same for many reports."""

    reports: _Reports
    move: _Move
    outcome: _Outcome | None = None
    """What came of them: needed to resolve, and nothing else has one."""


# What is answered --------------------------------------------------------------------------------


class Report(_models.Answer):
    """All that a moderator sees of a report: ids and words of closed sets."""

    id: UUID
    origin: ReportOrigin
    reporter: str | None
    """Null where screening reports."""
    reported: str
    thread: UUID | None
    messages: int
    """How many messages the reporter chose."""
    reason: ReportReason | None
    flags: list[str]
    """What the screeners called the message; none where somebody reports, who gives a reason."""
    state: ReportState
    taken_by: str | None
    """Who works on it, or finished it."""
    outcome: ReportOutcome | None
    made_at: _models.Instant
    changed_at: _models.Instant

    @classmethod
    def of(cls, found: reports.ReportLine) -> Self:
        """The same."""
        return cls(
            id=found.id,
            origin=found.origin,
            reporter=found.reporter,
            reported=found.reported,
            thread=found.conversation,
            messages=found.messages,
            reason=found.reason,
            flags=list(found.flags),
            state=found.state,
            taken_by=found.taken_by,
            outcome=found.outcome,
            made_at=found.made_at,
            changed_at=found.changed_at,
        )


class Reports(_models.Answer):
    """A page of reports, oldest first."""

    items: list[Report]
    next: str | None
    """The cursor of the following page; null at the end."""

    @classmethod
    def of(cls, found: Page[reports.ReportLine]) -> Self:
        """The same."""
        return cls(items=[Report.of(line) for line in found.items], next=found.next)


class MadeMove(_models.Answer):
    """One move that a moderator made with a report."""

    number: int
    move: ReportMove
    by: str
    at: _models.Instant
    outcome: ReportOutcome | None
    """What came of it by then; what follows takes nothing of it back."""


class History(_models.Answer):
    """A page of what was done with a report, oldest first."""

    items: list[MadeMove]
    next: str | None
    """The cursor of the following page; null at the end."""

    @classmethod
    def of(cls, found: Page[reports.MadeMove]) -> Self:
        """The same."""
        items = [
            MadeMove(
                number=made.number, move=made.move, by=made.by, at=made.at, outcome=made.outcome
            )
            for made in found.items
        ]
        return cls(items=items, next=found.next)


class BulkAnswer(_models.Answer):
    """What came of one report: the report as it is now, or the code of the refusal."""

    asked: str
    report: Report | None
    error: str | None


class BulkAnswers(_models.Answer):
    """One answer for each report that was named, in their order."""

    answers: list[BulkAnswer]

    @classmethod
    def of(cls, found: tuple[reports.ReportAnswer, ...]) -> Self:
        """The same."""
        answers = [
            BulkAnswer(
                asked=each.asked,
                report=None if each.report is None else Report.of(each.report),
                error=each.error,
            )
            for each in found
        ]
        return cls(answers=answers)


class EvidenceMessage(_models.Answer):
    """One message as its reporter saw it when they reported it."""

    message: UUID
    sender: str
    body: str | None
    """Its text; null where it was deleted before, or is sealed."""
    sent_at: _models.Instant
    edited_at: _models.Instant | None
    verdict: reports.EvidenceVerdict | None
    """What is known of it besides."""


class Evidence(_models.Answer):
    """Exactly the messages that the reporter chose, oldest first; none once they are too old."""

    items: list[EvidenceMessage]

    @classmethod
    def of(cls, found: tuple[reports.EvidenceItem, ...]) -> Self:
        """The same."""
        items = [
            EvidenceMessage(
                message=item.message,
                sender=item.sender,
                body=None if item.body is None else item.body.text,
                sent_at=item.sent_at,
                edited_at=item.edited_at,
                verdict=item.verdict,
            )
            for item in found
        ]
        return cls(items=items)


# What is done ------------------------------------------------------------------------------------


async def list_reports(visit: Visit) -> Response:
    """The queue of reports, oldest first."""
    query = visit.request.query
    limit = _parameters.limit(visit.request, USUAL_REPORTS)
    chosen = {name: query.get(name) for name in ("state", "reason", "origin")}
    page = await desk_of(visit).reports(limit=limit, cursor=query.get("cursor"), **chosen)
    following = {**chosen, "limit": limit, "cursor": page.next}
    onward = [next_link(visit, following)] if page.has_more else []
    return answer(Reports.of(page), *onward)


async def read_report(visit: Visit) -> Response:
    """One report, without anything that was written."""
    return answer(Report.of(await desk_of(visit).report(visit.arguments["report"])))


async def read_history(visit: Visit) -> Response:
    """What was done with a report: by whom, when, and what came of it."""
    limit = _parameters.limit(visit.request, USUAL_REPORTS)
    page = await desk_of(visit).report_history(
        visit.arguments["report"], limit=limit, cursor=visit.request.query.get("cursor")
    )
    onward = [next_link(visit, {"limit": limit, "cursor": page.next})] if page.has_more else []
    return answer(History.of(page), *onward)


async def move_report(visit: Visit) -> Response:
    """Take, release, resolve, dismiss or reopen a report."""
    step = _contents.content(visit.request, ReportStep)
    found = await moved(desk_of(visit), visit.arguments["report"], step.move, step.outcome)
    return answer(Report.of(found))


async def move_reports(visit: Visit) -> Response:
    """Do the same with many reports, each by itself, and answer for each."""
    step = _contents.content(visit.request, BulkStep)
    found = await desk_of(visit).bulk(step.reports, step.move, outcome=step.outcome)
    return answer(BulkAnswers.of(found))


async def look_at_evidence(visit: Visit) -> Response:
    """Look at what the reporter chose to show.

    Each look is written down, refused ones too. Only where the site allows evidence, and only of a
    report that one took and has not finished.
    """
    _contents.nothing(visit.request)
    found = await desk_of(visit).evidence(visit.arguments["report"])
    return answer(Evidence.of(found))
