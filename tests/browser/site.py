"""A real site for real browsers: uvicorn in a thread, messaging below ``/messages``, on SQLite.

Who somebody is stands in a cookie. A test may make the site fail in the ways that networks do.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import Connection, create_engine

from dmcore import DirectMessages, Directory, Mode, Policy
from dmcore.adapters import sql
from dmcore.adapters.clock import SystemClock
from dmcore.adapters.web import Site, asgi
from dmcore.ports.clock import Clock

MOUNT = "/messages"
PROFILES = "/people/"
COOKIE = "person"
NOBODY_IS_COUNTED = Policy(messages=None, starts=None)

Fails = Callable[[str, str], bool]


class LiveSite:
    """One site, its store and its server, which can go away and come back at the same address."""

    def __init__(
        self,
        folder: Path,
        *,
        policy: Policy,
        site: Site,
        clock: Clock | None = None,
        directory: Directory | None = None,
    ) -> None:
        self._url = f"sqlite:///{folder / 'dm.db'}"
        sql.initialise(self._url)
        self.dm: DirectMessages = sql.open_sync(
            self._url,
            policy=policy,
            clock=clock or SystemClock(),
            directory=directory,
            synchronous="NORMAL",
        )
        self.dm.operations("operator").set_mode(Mode.ON)
        self._site = site
        self.streams = site.live == "stream"
        self._port = 0
        self.fails: Fails = lambda _method, _path: False
        self.asked: list[tuple[str, str]] = []
        self.start()

    @property
    def address(self) -> str:
        """Where the site begins, as a browser writes it."""
        return f"http://127.0.0.1:{self._port}"

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A transaction in the store."""
        engine = create_engine(self._url, hide_parameters=True)
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    @contextmanager
    def at_once(self) -> Iterator[DirectMessages]:
        """Messaging in one transaction and without limits: a long history in a short time."""
        with self.connected() as connection:
            yield sql.join(connection, policy=NOBODY_IS_COUNTED)

    def start(self) -> None:
        """Serve, at the same address as before if there was one."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self._port))
        listening.listen(128)
        self._port = listening.getsockname()[1]
        self.messages = asgi.Messages(self.dm, identify=_person, site=self._site)
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._listening = listening
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="site"
        )
        self._thread.start()

    def stop(self) -> None:
        """Be away: open streams end, and nobody answers at the address."""
        self.messages.close()
        self._server.should_exit = True
        self._thread.join(timeout=20)
        assert not self._thread.is_alive(), "the server did not stop"
        self._listening.close()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self.dm.close()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].startswith(PROFILES):
            await _page(send, await self._profile(scope))
            return
        if not scope["path"].startswith(MOUNT):
            # A browser asks any site for its icon.
            await _status(send, 204)
            return
        self.asked.append((scope["method"], scope["path"]))
        if self.fails(scope["method"], scope["path"]):
            await _status(send, 503)
            return
        await self.messages.app({**scope, "root_path": MOUNT}, receive, send)

    async def _profile(self, scope: Any) -> str:
        """A page of the host: who somebody is, and the way to write to them."""
        name = scope["path"].removeprefix(PROFILES)
        button = await self.messages.message_button(scope, name, root=MOUNT)
        badge = await self.messages.badge(scope)
        head = self.messages.head(root=MOUNT)
        return (
            f"<!doctype html><html lang=en><head><title>A person</title>{head}</head><body>"
            f"<nav><a href='{MOUNT}/'>Messages {badge}</a></nav><main>{button}</main></body></html>"
        )


async def _page(send: Any, page: str) -> None:
    headers = [(b"content-type", b"text/html; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": page.encode()})


async def _status(send: Any, status: int) -> None:
    headers = [(b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _person(scope: Any) -> str | None:
    headers = dict(scope["headers"])
    cookie = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE)
    return None if cookie is None else cookie.value
