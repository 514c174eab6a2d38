"""The one way in: finds who answers a request, and turns every refusal into an answer."""

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from dmcore.adapters.web import pages, wire
from dmcore.adapters.web._errors import (
    MethodNotAllowed,
    NothingHere,
    NotSignedIn,
    RequestTooLarge,
)
from dmcore.adapters.web._guard import check_interface, check_page
from dmcore.adapters.web._routing import (
    HEALTH,
    Audience,
    Found,
    Route,
    Visit,
    audience_of,
    find,
)
from dmcore.adapters.web._site import Site
from dmcore.adapters.web._values import MOST_BODY_BYTES, Request, Response, Viewer
from dmcore.adapters.web._worlds import World
from dmcore.adapters.web.live import Live
from dmcore.adapters.web.pages import fragments
from dmcore.errors import DmcoreError, InvalidId
from dmcore.mailbox import AsyncMailbox

Refuse = Callable[[Site, Request, DmcoreError], Response]

# Who asks about health is nobody, and nothing of theirs is looked at.
_NOBODY: Final = Viewer(user="nobody")

_ALWAYS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
)


@attrs.frozen(kw_only=True)
class Part:
    """The interface or the pages: where they lead, and how they say no."""

    routes: Sequence[Route]
    refuse: Refuse
    check: Callable[[Request, frozenset[str]], None]


API = Part(routes=wire.ROUTES, refuse=wire.refuse, check=check_interface)
PAGES = Part(routes=pages.ROUTES, refuse=pages.refuse, check=check_page)


class Inside:
    """Messaging over HTTP at one place of one site. Host files translate to and from it."""

    def __init__(self, world: World, site: Site) -> None:
        self.world = world
        self.site = site
        self.live = Live(world, site)

    async def answer(self, request: Request) -> Response:
        """Any request below the mount: the pages, and the interface below ``/api``."""
        asset = pages.asset(request)
        if asset is not None:
            return asset
        if request.path == HEALTH:
            return await self.answer_api(request)
        if request.path == "/api" or request.path.startswith("/api/"):
            below = attrs.evolve(
                request, root=f"{request.root}/api", path=request.path.removeprefix("/api") or "/"
            )
            return await self.answer_api(below)
        return await self._answered(PAGES, request)

    async def answer_api(self, request: Request) -> Response:
        """A request where the interface alone is mounted."""
        return await self._answered(API, request)

    async def badge(self, viewer: Viewer | None) -> str:
        """The badge for the host's navigation, as HTML; nothing for strangers."""
        mailbox = self._mailbox_of(viewer)
        return "" if mailbox is None else await fragments.badge(mailbox)

    async def message_button(self, viewer: Viewer | None, other: str, root: str) -> str:
        """The button for the profile of ``other``, as HTML; nothing for strangers."""
        mailbox = self._mailbox_of(viewer)
        if mailbox is None:
            return ""
        return await fragments.message_button(mailbox, self.site, other, root)

    def _mailbox_of(self, viewer: Viewer | None) -> AsyncMailbox | None:
        """None, too, for a user of the host whose id dmcore does not take: a page goes on."""
        if viewer is None:
            return None
        try:
            return self.world.dm.mailbox(viewer.user, tenant=viewer.tenant)
        except InvalidId:
            return None

    async def _answered(self, part: Part, request: Request) -> Response:
        if request.method == "HEAD":
            request = attrs.evolve(request, method="GET")
        try:
            response = await self._handled(part, request)
        except DmcoreError as error:
            refusal = error
        else:
            return await self._finished(request, response)
        # Outside the handler: what refusing shows or raises has no chain back into messaging.
        return await self._finished(request, part.refuse(self.site, request, refusal))

    async def _finished(self, request: Request, response: Response) -> Response:
        response = await pages.framed(self.world, self.site, request, response)
        return response.with_headers(*_ALWAYS)

    async def _handled(self, part: Part, request: Request) -> Response:
        part.check(request, self.site.trusted_origins)
        _check_size(part.routes, request)
        audience = audience_of(part.routes, request.path)
        await self._check_role(audience, request.viewer)
        found = find(part.routes, request.method, request.path)
        if not isinstance(found, Found):
            raise MethodNotAllowed(found) if found else NothingHere
        viewer = _NOBODY if audience is Audience.ANYONE else request.viewer
        if viewer is None:
            raise NotSignedIn
        visit = Visit(
            site=self.site,
            world=self.world,
            live=self.live,
            request=request,
            viewer=viewer,
            mailbox=self.world.dm.mailbox(viewer.user, tenant=viewer.tenant),
            arguments=found.arguments,
        )
        response = await found.route.handler(visit)
        if request.method != "GET":
            self.live.look()
        return response

    async def _check_role(self, audience: Audience, viewer: Viewer | None) -> None:
        """See that a path is there for this viewer. Raises ``NothingHere`` and ``NotSignedIn``.

        Without the role it is answered as a path that is not there at all, whatever the method.
        """
        roles = {
            Audience.MODERATORS: self.site.is_moderator,
            Audience.OPERATORS: self.site.is_operator,
        }
        if audience not in roles:
            return
        has_role = roles[audience]
        if has_role is None:
            raise NothingHere
        if viewer is None:
            raise NotSignedIn
        # A coroutine that nobody awaited, or a word, is no yes.
        if await self.world.ask(has_role, viewer) is not True:
            raise NothingHere


def _check_size(routes: Sequence[Route], request: Request) -> None:
    """See that a request is no longer than what its path takes. Raises ``RequestTooLarge``."""
    if len(request.body) <= MOST_BODY_BYTES:
        return
    found = find(routes, request.method, request.path)
    most = found.route.most_bytes if isinstance(found, Found) else MOST_BODY_BYTES
    if len(request.body) > most:
        raise RequestTooLarge(most)
