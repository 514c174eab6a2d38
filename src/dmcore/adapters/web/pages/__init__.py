"""Pages that a server renders and any browser shows, with or without scripts."""

from http import HTTPStatus

from dmcore.adapters.web._errors import MethodNotAllowed, NotSignedIn
from dmcore.adapters.web._routing import Route
from dmcore.adapters.web._site import Site
from dmcore.adapters.web._values import Request, Response
from dmcore.adapters.web._words import heading_of, notice_of
from dmcore.adapters.web.pages import (
    _contacts,
    _erasing,
    _moderation,
    _operations,
    _posting,
    _privacy,
    _reporting,
    _restricting,
)
from dmcore.adapters.web.pages._assets import asset
from dmcore.adapters.web.pages._conversation import show, thread_fragment
from dmcore.adapters.web.pages._drafts import with_wait, written_in
from dmcore.adapters.web.pages._listing import badge_fragment, list_fragment, list_page
from dmcore.adapters.web.pages._rendering import framed, in_document, main_of, rendered
from dmcore.domain.conversation import Folder
from dmcore.errors import DmcoreError

__all__ = ["ROUTES", "asset", "framed", "refuse"]

ROUTES: tuple[Route, ...] = (
    Route(method="GET", pattern="/", handler=list_page(Folder.INBOX)),
    Route(method="GET", pattern="/requests", handler=list_page(Folder.REQUESTS)),
    Route(method="GET", pattern="/archived", handler=list_page(Folder.ARCHIVED)),
    Route(method="GET", pattern="/t/{thread}", handler=show),
    *_posting.ROUTES,
    *_contacts.ROUTES,
    *_reporting.ROUTES,
    *_privacy.ROUTES,
    *_moderation.ROUTES,
    *_restricting.ROUTES,
    *_operations.ROUTES,
    *_erasing.ROUTES,
    Route(method="GET", pattern="/fragments/list", handler=list_fragment),
    Route(method="GET", pattern="/fragments/thread/{thread}", handler=thread_fragment),
    Route(method="GET", pattern="/fragments/badge", handler=badge_fragment),
)


def refuse(site: Site, request: Request, error: DmcoreError) -> Response:
    """A page that says why not, and leads back. The same for everybody who is refused the same."""
    is_known = not isinstance(error, NotSignedIn)
    written = None if is_known else written_in(request)
    body = rendered(
        "refused.html",
        root=request.root,
        heading=heading_of(error),
        notice=notice_of(error),
        upgrade_url=site.upgrade_url,
        main=main_of(site),
        is_known=is_known,
        is_closed=error.http_status == HTTPStatus.SERVICE_UNAVAILABLE,
        sign_in_url=None if is_known else site.sign_in_url,
        written=written,
    )
    response = in_document(site, request, title="Messages", body=body, status=error.http_status)
    if isinstance(error, MethodNotAllowed):
        response = response.with_headers(("Allow", error.allowed))
    return with_wait(response, error)
