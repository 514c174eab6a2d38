"""The moderator's interface to restrictions: who is restricted, how, and the counts (MOD-4)."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import WithJsonSchema

from dmcore.adapters.web._desks import desk_of
from dmcore.adapters.web._errors import MalformedRequest
from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire import _contents, _models, _parameters
from dmcore.adapters.web.wire._answering import answer, next_link
from dmcore.domain import restriction
from dmcore.domain.instants import LONGEST
from dmcore.domain.paging import LARGEST_PAGE, Page
from dmcore.domain.reports import ReportState
from dmcore.domain.restriction import RestrictionKind, RestrictionReason

USUAL_RESTRICTIONS: Final = 50

_Kind = Annotated[str, WithJsonSchema({"type": "string", "enum": [*RestrictionKind]})]
_Reason = Annotated[str, WithJsonSchema({"type": "string", "enum": [*RestrictionReason]})]
_Seconds = Annotated[
    int,
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LONGEST // timedelta(seconds=1)}),
]
_Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
_Id = Annotated[str, WithJsonSchema(_contents.ID_SCHEMA)]
_Users = Annotated[
    list[str],
    WithJsonSchema(
        {
            "type": "array",
            "items": _contents.USER_SCHEMA,
            "minItems": 1,
            "maxItems": LARGEST_PAGE,
        }
    ),
]


# What is sent ------------------------------------------------------------------------------------


class NewRestriction(_contents.Content):
    """Why somebody is restricted, and until when; for good where neither is said."""

    reason: _Reason
    for_s: _Seconds | None = None
    """For how many seconds from now."""
    until: _Instant | None = None
    """Or until this instant."""
    report: _Id | None = None
    """The report that led to it, which must be about this user."""


class BulkRestriction(_contents.Content):
    """The same restriction for many users."""

    users: _Users
    kind: _Kind
    reason: _Reason
    for_s: _Seconds | None = None
    """For how many seconds from now."""
    until: _Instant | None = None
    """Or until this instant."""


class BulkLift(_contents.Content):
    """Of whom to lift which restriction."""

    users: _Users
    kind: _Kind


# What is answered --------------------------------------------------------------------------------


class Restriction(_models.Answer):
    """One restriction: what was taken from a user, why, by whom, for how long."""

    user: str
    number: int
    """Counts the restrictions of this user from 1."""
    kind: RestrictionKind
    reason: RestrictionReason
    by: str
    since: _models.Instant
    until: _models.Instant | None
    """When it ends by itself; null where it does not."""
    report: UUID | None
    ended_at: _models.Instant | None
    """When somebody lifted it, or put another one in its place."""
    ended_by: str | None

    @classmethod
    def of(cls, found: restriction.Restriction) -> Self:
        """The same."""
        return cls(
            user=found.user,
            number=found.number,
            kind=found.kind,
            reason=found.reason,
            by=found.by,
            since=found.since,
            until=found.until,
            report=found.report,
            ended_at=found.ended_at,
            ended_by=found.ended_by,
        )


class Restrictions(_models.Answer):
    """A page of a user's restrictions, newest first, ended ones included."""

    items: list[Restriction]
    next: str | None
    """The cursor of the following page; null at the end."""

    @classmethod
    def of(cls, found: Page[restriction.Restriction]) -> Self:
        """The same."""
        return cls(items=[Restriction.of(each) for each in found.items], next=found.next)


class Dossier(_models.Answer):
    """All that a moderator sees of a user: what holds now, and counts."""

    user: str
    restrictions: list[Restriction]
    """Those that hold now, oldest first."""
    restricted: int
    """How many there ever were."""
    reports: dict[ReportState, int]
    """How many reports about the user stand where."""

    @classmethod
    def of(cls, found: restriction.Dossier) -> Self:
        """The same."""
        return cls(
            user=found.user,
            restrictions=[Restriction.of(each) for each in found.restrictions],
            restricted=found.restricted,
            reports=dict(found.reports),
        )


class RestrictionAnswer(_models.Answer):
    """What came of one user: the restriction, or the code of the refusal."""

    asked: str
    restriction: Restriction | None
    error: str | None


class RestrictionAnswers(_models.Answer):
    """One answer for each user who was named, in their order."""

    answers: list[RestrictionAnswer]

    @classmethod
    def of(cls, found: tuple[restriction.RestrictionAnswer, ...]) -> Self:
        """The same."""
        answers = [
            RestrictionAnswer(
                asked=each.asked,
                restriction=(
                    None if each.restriction is None else Restriction.of(each.restriction)
                ),
                error=each.error,
            )
            for each in found
        ]
        return cls(answers=answers)


class Metrics(_models.Answer):
    """Counts for a dashboard; null where it is so few that it could be somebody in particular."""

    reports: dict[ReportState, int | None]
    restrictions: dict[RestrictionKind, int | None]
    """Those that hold now."""

    @classmethod
    def of(cls, found: restriction.DeskMetrics) -> Self:
        """The same."""
        return cls(reports=dict(found.reports), restrictions=dict(found.restrictions))


# What is done ------------------------------------------------------------------------------------


async def read_dossier(visit: Visit) -> Response:
    """What a moderator may know of a user: what holds now, and counts."""
    return answer(Dossier.of(await desk_of(visit).about(visit.arguments["user"])))


async def list_restrictions(visit: Visit) -> Response:
    """The restrictions of a user, newest first."""
    limit = _parameters.limit(visit.request, USUAL_RESTRICTIONS)
    page = await desk_of(visit).restrictions(
        visit.arguments["user"], limit=limit, cursor=visit.request.query.get("cursor")
    )
    onward = [next_link(visit, {"limit": limit, "cursor": page.next})] if page.has_more else []
    return answer(Restrictions.of(page), *onward)


async def restrict_user(visit: Visit) -> Response:
    """Restrict a user, in the place of a restriction of this kind that holds."""
    new = _contents.content(visit.request, NewRestriction)
    made = await desk_of(visit).restrict(
        visit.arguments["user"],
        visit.arguments["kind"],
        reason=new.reason,
        for_=_span(new.for_s),
        until=_instant(new.until),
        report=new.report,
    )
    return answer(Restriction.of(made))


async def lift_restriction(visit: Visit) -> Response:
    """End a restriction that holds; what was hidden by it stays hidden."""
    _contents.nothing(visit.request)
    ended = await desk_of(visit).lift(visit.arguments["user"], visit.arguments["kind"])
    return answer(Restriction.of(ended))


async def restrict_users(visit: Visit) -> Response:
    """Restrict many users, each by itself, and answer for each."""
    new = _contents.content(visit.request, BulkRestriction)
    found = await desk_of(visit).restrict_each(
        new.users, new.kind, reason=new.reason, for_=_span(new.for_s), until=_instant(new.until)
    )
    return answer(RestrictionAnswers.of(found))


async def lift_restrictions(visit: Visit) -> Response:
    """Lift the same restriction of many users, each by itself, and answer for each."""
    new = _contents.content(visit.request, BulkLift)
    return answer(RestrictionAnswers.of(await desk_of(visit).lift_each(new.users, new.kind)))


async def read_metrics(visit: Visit) -> Response:
    """How many reports and restrictions there are; small counts are not told exactly."""
    return answer(Metrics.of(await desk_of(visit).metrics()))


def _span(seconds: int | None) -> timedelta | None:
    """So many seconds; too many are as long as it can be and a second, which is refused."""
    if seconds is None:
        return None
    most = LONGEST // timedelta(seconds=1) + 1
    return timedelta(seconds=min(max(seconds, 0), most))


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise MalformedRequest("until", "it must be an instant of ISO 8601")
