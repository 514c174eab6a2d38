"""Erasing a user on a page: how much it would be, the id once more, and what was done (GDPR-1).

An erasure that was interrupted stands in the ledger as not finished; erasing again goes on with it.
"""

from typing import Final

from dmcore.adapters.web._desks import erased, operations_of, previewed
from dmcore.adapters.web._routing import Audience, Route, Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.pages._forms import form_of, needed
from dmcore.adapters.web.pages._people import faces_of
from dmcore.adapters.web.pages._rendering import page

TITLE: Final = "Erasure"
LEDGER_TITLE: Final = "Erasures"
_OTHER_ID: Final = "This is another id. Nothing was erased."


async def preview(visit: Visit) -> Response:
    """How much there is under an id; nothing is erased."""
    return await _asked(visit, needed(form_of(visit.request), "user"), None)


async def erase(visit: Visit) -> Response:
    """Erase whom the form names, if the id was typed once more and is the same."""
    form = form_of(visit.request)
    user = needed(form, "user")
    if needed(form, "typed") != user:
        return await _asked(visit, user, _OTHER_ID)
    done = await erased(visit, user)
    return page(visit, "erased.html", title=TITLE, here="operations", listed=None, done=done)


async def ledger(visit: Visit) -> Response:
    """Who was erased, by pseudonym, and whether it is finished."""
    found = await operations_of(visit).erasures(cursor=visit.request.query.get("cursor"))
    return page(
        visit, "erasures.html", title=LEDGER_TITLE, here="operations", listed=None, found=found
    )


async def _asked(visit: Visit, user: str, refusal: str | None) -> Response:
    found = await previewed(visit, user)
    faces = await faces_of(visit, (user,))
    return page(
        visit,
        "erasure.html",
        title=TITLE,
        status=200 if refusal is None else 422,
        here="operations",
        listed=None,
        user=user,
        face=faces[user],
        found=found,
        refusal=refusal,
    )


ROUTES: tuple[Route, ...] = tuple(
    Route(
        method=method,
        pattern=f"/operations/erasures{below}",
        handler=handler,
        audience=Audience.OPERATORS,
    )
    for method, below, handler in (
        ("GET", "", ledger),
        ("POST", "", erase),
        ("POST", "/preview", preview),
    )
)
