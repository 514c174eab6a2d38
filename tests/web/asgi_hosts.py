"""The ASGI sites, asked through Starlette's test client; uvicorn runs on the same event loop."""

import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

import uvicorn
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from tests.web.hosts import ROOT, Answer, Asked, Client, Server, free_socket, joined, who

from dmcore.adapters.web import Site, Viewer, asgi, fastapi
from dmcore.direct_messages import AsyncDirectMessages, DirectMessages

App = Callable[[Any, Any, Any], Awaitable[None]]


class UvicornServer(Server):
    """uvicorn on the event loop of a portal."""

    def __init__(self, portal: BlockingPortal, app: App) -> None:
        self._socket: socket.socket = free_socket()
        self.address = self._socket.getsockname()
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
        )
        self._server = uvicorn.Server(config)
        self._ending: Future[None] = portal.start_task_soon(self._server.serve, [self._socket])

    def stop(self) -> None:
        self._server.should_exit = True
        self._ending.result()
        self._socket.close()


class StarletteClient(Client):
    """Any ASGI application, with its lifespan."""

    def __init__(self, app: App, *, root: str = ROOT, root_path: str = "") -> None:
        super().__init__(root)
        self._app = app
        self._client = TestClient(app, follow_redirects=False, root_path=root_path)
        self._client.__enter__()

    def _request(self, asked: Asked) -> Answer:
        path, mark, query = asked.target.partition("?")
        # This test client decodes a path twice; no server does.
        target = path.replace("%25", "%2525") + mark + query
        self._client.cookies.clear()
        response = self._client.request(
            asked.method, target, headers=dict(asked.headers), content=asked.body
        )
        return Answer(
            response.status_code, joined(response.headers.multi_items()), response.content
        )

    def _serve(self) -> Server:
        portal = self._client.portal
        assert portal is not None
        return UvicornServer(portal, self._app)

    def _close(self) -> None:
        self._client.__exit__(None, None, None)


def identify_request(request: Request) -> Viewer | None:
    return who(request.headers.get)


def identify_scope(scope: Any) -> Viewer | None:
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    return who(headers.get)


async def identify_scope_awaited(scope: Any) -> Viewer | None:
    return identify_scope(scope)


def make_asgi(
    dm: DirectMessages | AsyncDirectMessages, site: Site
) -> tuple[asgi.Messages, StarletteClient]:
    """Starlette with messaging mounted below ``/messages``, its interface also below ``/json``."""
    is_blocking = isinstance(dm, DirectMessages)
    identify = identify_scope if is_blocking else identify_scope_awaited
    messages = asgi.Messages(dm, identify=identify, site=site)
    app = Starlette(routes=[Mount("/messages", app=messages.app), Mount("/json", app=messages.api)])
    return messages, StarletteClient(app)


def make_fastapi(
    dm: DirectMessages | AsyncDirectMessages, site: Site
) -> tuple[fastapi.Messages, StarletteClient]:
    """FastAPI with the router below ``/messages``, that of the interface below ``/json``."""
    messages = fastapi.Messages(dm, identify=identify_request, site=site)
    app = FastAPI()
    app.include_router(messages.router, prefix="/messages")
    app.include_router(messages.api_router, prefix="/json", include_in_schema=False)
    return messages, StarletteClient(app)
