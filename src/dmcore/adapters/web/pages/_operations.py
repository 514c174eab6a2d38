"""The page of an operator: the switch, the health of the store, the journal of a user (OPS-1).

It counts and never shows what was written; no count is of one person (OPS-3).
"""

from typing import Final

from dmcore.adapters.web._desks import operations_of
from dmcore.adapters.web._errors import MalformedRequest
from dmcore.adapters.web._routing import Audience, Route, Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.pages._forms import form_of, needed
from dmcore.adapters.web.pages._people import faces_of
from dmcore.adapters.web.pages._rendering import page, redirect
from dmcore.adapters.web.pages._report_words import HEALTH, MODES
from dmcore.domain.mode import Mode

TITLE: Final = "Operations"
JOURNAL_TITLE: Final = "Journal"


async def overview(visit: Visit) -> Response:
    """Mode, counts and versions, and what can be done about them."""
    status = await operations_of(visit).status()
    return page(
        visit,
        "operations.html",
        title=TITLE,
        here="operations",
        listed=None,
        store=status,
        modes=MODES,
        health=HEALTH,
        is_turned="turned" in visit.request.query,
    )


async def turn(visit: Visit) -> Response:
    """Turn the switch; the page that follows shows where it stands."""
    asked = needed(form_of(visit.request), "mode")
    if asked not in set(Mode):
        raise MalformedRequest("mode", f"it must be one of {', '.join(Mode)}")
    await operations_of(visit).set_mode(asked)
    return redirect(visit.request, "/operations?turned=1")


async def journal(visit: Visit) -> Response:
    """What was done by and to somebody of the operator's tenant, oldest first.

    Asked for by a form, for no address of a page names a person.
    """
    form = form_of(visit.request)
    user = needed(form, "user")
    found = await operations_of(visit).audit(user, cursor=form.get("cursor"))
    facts = [entry.fact for entry in found.items]
    named = [it for fact in facts for it in (fact.actor, fact.other) if it is not None]
    return page(
        visit,
        "journal.html",
        title=JOURNAL_TITLE,
        here="operations",
        listed=None,
        user=user,
        found=found,
        faces=await faces_of(visit, (user, *named)),
    )


ROUTES: tuple[Route, ...] = tuple(
    Route(
        method=method, pattern=f"/operations{below}", handler=handler, audience=Audience.OPERATORS
    )
    for method, below, handler in (
        ("GET", "", overview),
        ("POST", "/mode", turn),
        ("POST", "/journal", journal),
    )
)
