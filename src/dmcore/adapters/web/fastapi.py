"""Messaging in FastAPI: a router whose interface stands in the site's own OpenAPI document."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs

from dmcore._extras import extra

with extra("fastapi"):
    from fastapi import APIRouter, Request
    from fastapi import Response as NativeResponse
    from fastapi.responses import JSONResponse
    from starlette.requests import ClientDisconnect

    from dmcore.adapters.web._asgi import (
        Receive,
        Scope,
        Send,
        deliver,
        request_in,
        unless_gone,
    )
    from dmcore.adapters.web._documented import documented
    from dmcore.adapters.web._hosting import (
        API_ALONE,
        EVERYTHING,
        METHODS,
        Html,
        Mounted,
        Way,
        is_known_to_all,
        viewer_of,
    )
    from dmcore.adapters.web._site import Site
    from dmcore.adapters.web._values import LARGEST_BODY_BYTES, Response, Viewer
    from dmcore.adapters.web._worlds import LoopWorld
    from dmcore.adapters.web.pages import fragments
    from dmcore.adapters.web.wire import endpoints_of
    from dmcore.direct_messages import AsyncDirectMessages, DirectMessages

_TO_NOBODY = Response()
"""FastAPI wants an answer also for one who left."""

Said = Viewer | str | None
Identify = Callable[[Request], Said | Awaitable[Said]]


class Messages(Mounted):
    """Messaging as two routers to include: ``router`` has all, ``api_router`` the interface.

    ``identify`` is asked with each request, and may be a coroutine function. What a site asks of
    every request by dependencies of ``include_router`` is asked of these too.
    """

    def __init__(
        self,
        dm: DirectMessages | AsyncDirectMessages,
        *,
        identify: Identify,
        site: Site = Site(),  # noqa: B008
    ) -> None:
        self._world = LoopWorld(dm)
        self._identify = identify
        super().__init__(self._world, site)
        self.router = self._routed(EVERYTHING, site, "/api", "dmcore")
        self.api_router = self._routed(API_ALONE, site, "", "dmcore-api")

    def head(self, request: Request, *, root: str | None = None) -> Html:
        """The links that a page needs which shows a badge or a button."""
        return Html(fragments.head(_root(request, root)))

    async def badge(self, request: Request) -> Html:
        """How much this person has not read, for the navigation."""
        viewer = viewer_of(await self._world.ask(self._identify, request))
        badge = await self._inside.badge(viewer)
        return Html(badge)

    async def message_button(
        self, request: Request, other: str, *, root: str | None = None
    ) -> Html:
        """The way to write to somebody, for their profile; nothing where there is none."""
        viewer = viewer_of(await self._world.ask(self._identify, request))
        button = await self._inside.message_button(viewer, other, _root(request, root))
        return Html(button)

    def _routed(self, way: Way, site: Site, above: str, name: str) -> APIRouter:
        router = APIRouter(lifespan=self._living)
        for endpoint in endpoints_of(site):
            path = above + endpoint.pattern
            # A user's id may hold a slash.
            router.add_api_route(
                path.replace("{user}", "{user:path}"),
                self._answering(way, path),
                methods=[endpoint.method],
                response_class=_class(endpoint.media_type),
                **documented(endpoint),
            )
        router.add_api_route(
            "/{rest:path}",
            self._answering(way, "/{rest}"),
            methods=list(METHODS),
            name=name,
            include_in_schema=False,
        )
        return router

    def _answering(self, way: Way, own: str) -> Callable[[Request], Awaitable[NativeResponse]]:
        async def answer(request: Request) -> NativeResponse:
            path = own.format_map(request.path_params)
            return await self._answer(way, request, path)

        return answer

    async def _answer(self, way: Way, request: Request, path: str) -> NativeResponse:
        above, root = request.scope["path"].removesuffix(path), request.scope.get("root_path", "")
        if not f"{above}/".startswith(f"{root.rstrip('/')}/"):
            above = root.rstrip("/") + above
        asked = attrs.evolve(request_in(request.scope, root=above, path=path), native=request)
        if not is_known_to_all(asked, way):
            said = await self._world.ask(self._identify, request)
            asked = attrs.evolve(asked, viewer=viewer_of(said))
        # After the site's own functions, which may have read it: then Starlette kept it.
        body = await _body_of(request)
        if body is None:
            return _Answer(_TO_NOBODY)
        asked = attrs.evolve(asked, body=body)
        answering = way.answer(self._inside, asked)
        return _Answer(await unless_gone(answering, asked, request.receive) or _TO_NOBODY)

    @asynccontextmanager
    async def _living(self, _app: object) -> AsyncIterator[None]:
        yield
        self.close()


async def _body_of(request: Request) -> bytes | None:
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_BODY_BYTES:
                break
    except ClientDisconnect:
        return None
    return bytes(body)


def _class(media_type: str) -> type[NativeResponse]:
    """What tells the document which kind of answer it is; none is made of it."""
    if media_type == JSONResponse.media_type:
        return JSONResponse
    return type("Answer", (NativeResponse,), {"media_type": media_type})


class _Answer(NativeResponse):
    """An answer of ours on its way through a framework of others."""

    def __init__(self, response: Response) -> None:
        super().__init__(status_code=response.status)
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await deliver(self._response, scope, receive, send)


def _root(request: Request, root: str | None) -> str:
    return request.url_for("dmcore", rest="").path.rstrip("/") if root is None else root
