"""The demo site: a host of dmcore, as small as one can be that shows what a host does.

Cookies are shared by all windows of a browser, so who somebody is stands in the path. It refuses to
know where the people come from and how it is served.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Scope

from dmcore.adapters.web import Document, Person, Site, Viewer
from dmcore.adapters.web.asgi import Messages
from dmcore.cli.demo_people import CHARACTERS, MODERATOR, OPERATOR, STAFF, TENANT
from dmcore.direct_messages import DirectMessages

_TEMPLATES: Final = Environment(
    loader=PackageLoader("dmcore.cli"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_EVERYBODY: Final = {**CHARACTERS, **STAFF}
_DESKS: Final = {MODERATOR: ("Reports", "moderation"), OPERATOR: ("Operations", "operations")}


class DemoSite:
    """``app`` is the site; ``close`` ends what runs beside its requests."""

    def __init__(self, dm: DirectMessages) -> None:
        site = Site(
            people=_people,
            layout=self._framed,
            is_moderator=lambda viewer: viewer.user == MODERATOR,
            is_operator=lambda viewer: viewer.user == OPERATOR,
        )
        self._messages = Messages(dm, identify=_viewer, site=site)
        self._headers = {
            "Content-Security-Policy": site.csp or "",
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }
        self.app = Starlette(
            routes=[
                Route("/", self._start),
                Route("/demo.css", self._stylesheet),
                Route("/as/{user}/", self._home),
                Mount("/as/{user}/messages", app=self._messages.app),
            ]
        )

    def close(self) -> None:
        """End every open stream."""
        self._messages.close()

    async def _start(self, _: Request) -> Response:
        return self._page("demo_start.html", user=None, staff=STAFF)

    async def _stylesheet(self, _: Request) -> Response:
        return Response(_shown("demo.css"), media_type="text/css", headers=self._headers)

    async def _home(self, request: Request) -> Response:
        viewer = _viewer(request.scope)
        if viewer is None:
            raise HTTPException(404)
        root = _root(viewer)
        return self._page(
            "demo_home.html",
            user=viewer.user,
            head=self._messages.head(root=root),
            badge=await self._messages.badge(request.scope),
            buttons={
                user: await self._messages.message_button(request.scope, user, root=root)
                for user in CHARACTERS
                if user != viewer.user
            },
        )

    async def _framed(self, document: Document, native: object) -> str:
        scope = cast("Scope", native)
        viewer = _viewer(scope)
        return _shown(
            "demo_messages.html",
            document=document,
            user=viewer and viewer.user,
            badge=await self._messages.badge(scope),
        )

    def _page(self, template: str, **values: object) -> Response:
        return HTMLResponse(_shown(template, **values), headers=self._headers)


def _shown(template: str, **values: object) -> str:
    shared = {"characters": CHARACTERS, "everybody": _EVERYBODY, "desks": _DESKS}
    return _TEMPLATES.get_template(template).render(**shared, **values)


def _viewer(scope: Any) -> Viewer | None:
    user = scope["path_params"]["user"]
    return Viewer(user=user, tenant=TENANT) if user in _EVERYBODY else None


def _root(viewer: Viewer) -> str:
    return f"/as/{viewer.user}/messages"


def _people(viewer: Viewer, users: Sequence[str]) -> Mapping[str, Person]:
    return {
        user: Person(
            name=_EVERYBODY[user].name,
            url=f"/as/{viewer.user}/#{user}" if user in CHARACTERS else None,
        )
        for user in users
        if user in _EVERYBODY
    }
