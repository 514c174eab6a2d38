"""The Django sites in both colours, asked through Django's test clients.

Django has one configuration for a process; which site a request is for is named by a header.
"""

import itertools
import threading
from collections.abc import Mapping
from socketserver import ThreadingMixIn
from types import ModuleType, SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django as framework  # type: ignore[import-untyped]
from anyio.from_thread import BlockingPortal, start_blocking_portal
from django.conf import settings  # type: ignore[import-untyped]
from tests.web.asgi_hosts import UvicornServer
from tests.web.hosts import ROOT, Answer, Asked, Client, Server, joined, who

from dmcore.adapters.web import Site, Viewer, django
from dmcore.direct_messages import AsyncDirectMessages, DirectMessages

SITE = "x-django-site"
_sites: dict[str, ModuleType] = {}
_numbers = itertools.count()


def set_up() -> None:
    """Configure Django, once for all sites of the process."""
    if settings.configured:
        return
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DEBUG=False,
        MIDDLEWARE=[
            f"{__name__}.choosing_site",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        ROOT_URLCONF=ModuleType("nothing"),
        SECRET_KEY="for tests",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", TEMPLATES)]},
            }
        ],
        USE_I18N=False,
    )
    framework.setup()


TEMPLATES: dict[str, str] = {}
"""The templates of every site, by name."""


def choosing_site(answer: Any) -> Any:
    """Middleware: the addresses of a request are those of its site."""
    from asgiref.sync import iscoroutinefunction, markcoroutinefunction

    def chosen(request: Any) -> Any:
        request.urlconf = _sites[request.headers[SITE]]
        # As Django's own sign-in has it.
        user = request.headers.get("x-user")
        request.user = SimpleNamespace(pk=user, is_authenticated=user is not None)
        return answer(request)

    if iscoroutinefunction(answer):
        markcoroutinefunction(chosen)
    return chosen


choosing_site.sync_capable = choosing_site.async_capable = True  # type: ignore[attr-defined]


def new_site(patterns: list[Any]) -> str:
    """A site with these addresses; its name for the header."""
    name = f"site-{next(_numbers)}"
    _sites[name] = ModuleType(name)
    _sites[name].urlpatterns = patterns  # type: ignore[attr-defined]
    return name


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: what is asked is told by the tests."""


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class WsgirefServer(Server):
    """A thread for each request."""

    def __init__(self, app: Any) -> None:
        self._server = make_server("127.0.0.1", 0, app, _ThreadingServer, _Quiet)
        self.address = ("127.0.0.1", self._server.server_port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class DjangoClient(Client):
    """One site, asked in blocking words."""

    def __init__(self, patterns: list[Any], *, root: str = ROOT, script: str = "") -> None:
        from django.test import Client as Blocking  # type: ignore[import-untyped]

        super().__init__(root)
        self._site = new_site(patterns)
        self._client = Blocking(enforce_csrf_checks=True)
        self._script = script

    def asked(self, *args: Any, **kwargs: Any) -> Asked:
        return _for_site(super().asked(*args, **kwargs), self._site)

    def _request(self, asked: Asked) -> Answer:
        response = self._client.generic(
            asked.method,
            asked.target.removeprefix(self._script),
            asked.body,
            asked.headers.get("content-type", ""),
            headers=asked.headers,
            SCRIPT_NAME=self._script,
        )
        return Answer(response.status_code, joined(response.items()), response.getvalue())

    def _serve(self) -> Server:
        from django.core.handlers.wsgi import WSGIHandler  # type: ignore[import-untyped]

        return WsgirefServer(WSGIHandler())

    def _close(self) -> None:
        del _sites[self._site]


class AsyncDjangoClient(Client):
    """One site, asked from an event loop; uvicorn runs on the same."""

    def __init__(self, patterns: list[Any], *, root: str = ROOT) -> None:
        from django.test import AsyncClient

        class Awaiting(AsyncClient):  # type: ignore[misc]
            def _get_path(self, parsed: Any) -> str:
                # The text that a server puts there, not the bytes of WSGI in text's clothes.
                path: str = super()._get_path(parsed)
                return path.encode("latin-1").decode()

            def _base_scope(self, **request: Any) -> Any:
                scope = super()._base_scope(**request)
                # A header that the test names counts, not what the client makes up beside it.
                made_up = (b"cookie", b"")
                named = [it for it in scope["headers"] if it != made_up]
                scope["headers"] = list(dict(named).items())
                return scope

        super().__init__(root)
        self._site = new_site(patterns)
        self._client = Awaiting(enforce_csrf_checks=True)
        self._portal_held = start_blocking_portal()
        self._portal: BlockingPortal = self._portal_held.__enter__()

    def asked(self, *args: Any, **kwargs: Any) -> Asked:
        return _for_site(super().asked(*args, **kwargs), self._site)

    def _request(self, asked: Asked) -> Answer:
        return self._portal.call(self._awaited, asked)

    async def _awaited(self, asked: Asked) -> Answer:
        headers: Mapping[str, str] = asked.headers
        response = await self._client.generic(
            asked.method,
            asked.target,
            asked.body,
            headers.get("content-type", ""),
            headers=headers,
        )
        body = b"".join([piece async for piece in response]) if response.streaming else None
        content = response.content if body is None else body
        return Answer(response.status_code, joined(response.items()), content)

    def _serve(self) -> Server:
        from django.core.handlers.asgi import ASGIHandler  # type: ignore[import-untyped]

        return UvicornServer(self._portal, ASGIHandler())

    def _close(self) -> None:
        self._portal_held.__exit__(None, None, None)
        del _sites[self._site]


def _for_site(asked: Asked, site: str) -> Asked:
    return Asked(asked.method, asked.target, {**asked.headers, SITE: site}, asked.body)


def identify(request: Any) -> Viewer | None:
    return who(request.headers.get)


async def identify_awaited(request: Any) -> Viewer | None:
    return who(request.headers.get)


def make_django(dm: DirectMessages, site: Site) -> tuple[django.Messages, DjangoClient]:
    """Django with blocking views below ``/messages``, those of the interface below ``/json``."""
    set_up()
    messages = django.Messages(dm, identify=identify, site=site)
    return messages, DjangoClient(mounted(messages))


def make_django_async(
    dm: DirectMessages | AsyncDirectMessages, site: Site
) -> tuple[django.AsyncMessages, AsyncDjangoClient]:
    """The same with views that await."""
    set_up()
    messages = django.AsyncMessages(dm, identify=identify_awaited, site=site)
    return messages, AsyncDjangoClient(mounted(messages))


def mounted(messages: django.Messages | django.AsyncMessages) -> list[Any]:
    return [*included(messages.urls, "messages/"), *included(messages.api_urls, "json/")]


def included(urls: Any, prefix: str) -> list[Any]:
    from django.urls import include, path  # type: ignore[import-untyped]

    return [path(prefix, include(urls))]
