"""What a moderator may know of a user, and what they may take from them for a time (MOD-4).

No address names the user: who comes from a report finds them by the report, anybody else by a form.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

import attrs

from dmcore.adapters.web._desks import desk_of
from dmcore.adapters.web._routing import Audience, Route, Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web._words import notice_of
from dmcore.adapters.web.pages._forms import form_of, needed
from dmcore.adapters.web.pages._people import faces_of
from dmcore.adapters.web.pages._rendering import page, redirect
from dmcore.adapters.web.pages._report_words import STATES
from dmcore.domain.restriction import Restriction, RestrictionKind, RestrictionReason
from dmcore.errors import DmcoreError, InvalidRestriction, NotRestricted

TITLE: Final = "Restrictions"
_AT_ONCE: Final = 20

KINDS: Final[Mapping[RestrictionKind, tuple[str, str]]] = {
    RestrictionKind.MUTE: ("Mute", "They can read, and write nothing. They are told."),
    RestrictionKind.SUSPEND: (
        "Suspend",
        "Messages are closed to them; they can still take a copy, block and report. They are told.",
    ),
    RestrictionKind.SHADOW_BAN: (
        "Hide",
        "What they write from now on reaches nobody, for ever, and nothing tells them so.",
    ),
}

RESTRICTION_REASONS: Final[Mapping[RestrictionReason, str]] = {
    RestrictionReason.SPAM: "Spam or advertising",
    RestrictionReason.HARASSMENT: "Harassment",
    RestrictionReason.THREAT: "A threat",
    RestrictionReason.ILLEGAL: "Something illegal",
    RestrictionReason.EVASION: "Getting around another restriction",
    RestrictionReason.OTHER: "Something else",
}

_SPANS: Final[Mapping[str, tuple[str, timedelta | None]]] = {
    "hour": ("an hour", timedelta(hours=1)),
    "day": ("a day", timedelta(days=1)),
    "week": ("a week", timedelta(days=7)),
    "month": ("30 days", timedelta(days=30)),
    "ever": ("good, until somebody lifts it", None),
}


@attrs.frozen(kw_only=True)
class Whom:
    """Who is looked at, and the report that led here, if one did."""

    user: str = attrs.field(repr=False)
    report: str | None = None

    @classmethod
    def named_in(cls, form: Mapping[str, str]) -> "Whom":
        """Whom a form names. Raises ``MalformedRequest``."""
        return cls(user=needed(form, "user"), report=form.get("report") or None)


async def of_report(visit: Visit) -> Response:
    """Whom a report is about."""
    line = await desk_of(visit).report(visit.arguments["report"])
    return await _shown(visit, Whom(user=line.reported, report=str(line.id)))


async def look_up(visit: Visit) -> Response:
    """Somebody whose id is typed; also the way to the older part of their history."""
    form = form_of(visit.request)
    return await _shown(visit, Whom.named_in(form), cursor=form.get("cursor"))


async def restrict(visit: Visit) -> Response:
    """Restrict them, in the place of a restriction of that kind that holds."""
    form = form_of(visit.request)
    whom = Whom.named_in(form)
    try:
        await desk_of(visit).restrict(
            whom.user,
            form.get("kind", ""),
            reason=form.get("reason", ""),
            for_=_span(form.get("span", "")),
            report=whom.report,
        )
    except InvalidRestriction as error:
        refusal = error
    else:
        return await _done(visit, whom)
    return await _shown(visit, whom, refusal=refusal)


async def lift(visit: Visit) -> Response:
    """End a restriction that holds."""
    form = form_of(visit.request)
    whom = Whom.named_in(form)
    try:
        await desk_of(visit).lift(whom.user, needed(form, "kind"))
    except (InvalidRestriction, NotRestricted) as error:
        refusal = error
    else:
        return await _done(visit, whom)
    return await _shown(visit, whom, refusal=refusal)


def _span(asked: str) -> timedelta | None:
    """A time that is offered; ``None`` is for good. Raises ``InvalidRestriction``."""
    if asked not in _SPANS:
        raise InvalidRestriction("it names no time that is offered")
    return _SPANS[asked][1]


async def _done(visit: Visit, whom: Whom) -> Response:
    """By an address where there is one, so that loading the page again does nothing again."""
    if whom.report is None:
        return await _shown(visit, whom, is_done=True)
    report = quote(whom.report, safe="")
    return redirect(visit.request, f"/moderation/reports/{report}/user?done=1")


async def _shown(
    visit: Visit,
    whom: Whom,
    *,
    cursor: str | None = None,
    refusal: DmcoreError | None = None,
    is_done: bool = False,
) -> Response:
    desk = desk_of(visit)
    dossier = await desk.about(whom.user)
    history = await desk.restrictions(whom.user, limit=_AT_ONCE, cursor=cursor)
    faces = await faces_of(visit, (whom.user, *_moderators(history.items)))
    words: dict[str, Any] = {
        "kinds": KINDS,
        "reasons": RESTRICTION_REASONS,
        "spans": {name: words for name, (words, _) in _SPANS.items()},
        "states": STATES,
    }
    return page(
        visit,
        "user.html",
        title=TITLE,
        status=200 if refusal is None else refusal.http_status,
        here="moderation",
        listed=None,
        whom=whom,
        face=faces[whom.user],
        faces=faces,
        dossier=dossier,
        history=history,
        notice=None if refusal is None else notice_of(refusal),
        is_done=is_done or "done" in visit.request.query,
        **words,
    )


def _moderators(history: tuple[Restriction, ...]) -> list[str]:
    return [user for it in history for user in (it.by, it.ended_by) if user is not None]


ROUTES: tuple[Route, ...] = tuple(
    Route(
        method=method,
        pattern=f"/moderation{below}",
        handler=handler,
        audience=Audience.MODERATORS,
    )
    for method, below, handler in (
        ("GET", "/reports/{report}/user", of_report),
        ("POST", "/users", look_up),
        ("POST", "/users/restrict", restrict),
        ("POST", "/users/lift", lift),
    )
)
