"""Messaging in any ASGI application: mounted below a path, or served alone. No framework."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import attrs

from dmcore.adapters.web._asgi import (
    Receive,
    Scope,
    Send,
    below,
    body_of,
    deliver,
    request_in,
    unless_gone,
)
from dmcore.adapters.web._hosting import (
    API_ALONE,
    EVERYTHING,
    Html,
    Mounted,
    Way,
    is_known_to_all,
    viewer_of,
)
from dmcore.adapters.web._site import Site
from dmcore.adapters.web._values import Viewer
from dmcore.adapters.web._worlds import LoopWorld
from dmcore.adapters.web.pages import fragments
from dmcore.direct_messages import AsyncDirectMessages, DirectMessages

Said = Viewer | str | None
Identify = Callable[[Any], Said | Awaitable[Said]]


@attrs.frozen
class Application:
    """What is mounted, or handed to a server."""

    # An object, not a method: servers tell the versions of ASGI apart by looking at it.
    _serve: Callable[[Way, Scope, Receive, Send], Awaitable[None]] = attrs.field(repr=False)
    _way: Way
    _root: str | None = None

    def at(self, root: str) -> Self:
        """The same for a framework that does not say where it mounts it, as Litestar."""
        return attrs.evolve(self, root=root.rstrip("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, or the life of the server."""
        if self._root is not None and scope["type"] == "http":
            scope = below(scope, self._root)
        await self._serve(self._way, scope, receive, send)


class Messages(Mounted):
    """Messaging as two ASGI applications: ``app`` has pages and interface, ``api`` the latter.

    ``identify`` is asked with the scope of each request, and may be a coroutine function.
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
        self.app = Application(self._serve, EVERYTHING)
        self.api = Application(self._serve, API_ALONE)

    def head(self, *, root: str) -> Html:
        """The links that a page needs which shows a badge or a button."""
        return Html(fragments.head(root))

    async def badge(self, scope: Mapping[str, object]) -> Html:
        """How much this person has not read, for the navigation."""
        viewer = viewer_of(await self._world.ask(self._identify, scope))
        return Html(await self._inside.badge(viewer))

    async def message_button(self, scope: Mapping[str, object], other: str, *, root: str) -> Html:
        """The way to write to somebody, for their profile; nothing where there is none."""
        viewer = viewer_of(await self._world.ask(self._identify, scope))
        button = await self._inside.message_button(viewer, other, root)
        return Html(button)

    async def _serve(self, way: Way, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            body = await body_of(receive)
            if body is not None:
                request = attrs.evolve(request_in(scope), body=body)
                if not is_known_to_all(request, way):
                    said = await self._world.ask(self._identify, scope)
                    request = attrs.evolve(request, viewer=viewer_of(said))
                response = await unless_gone(way.answer(self._inside, request), request, receive)
                if response is not None:
                    await deliver(response, scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.close()
        await send({"type": "lifespan.shutdown.complete"})
