"""Messaging in Django: addresses to include, with blocking views or with views that await.

The views are exempt from Django's own check of tokens: dmcore asks where a request comes from.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from functools import partial
from inspect import isawaitable
from typing import Any, cast

import attrs

from dmcore._extras import extra

with extra("django"):
    from asgiref.sync import iscoroutinefunction, sync_to_async
    from django.core.handlers.asgi import ASGIRequest  # type: ignore[import-untyped]
    from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse  # type: ignore[import-untyped]
    from django.urls import re_path, reverse  # type: ignore[import-untyped]
    from django.views.decorators.csrf import csrf_exempt  # type: ignore[import-untyped]

    from dmcore.adapters.web._hosting import (
        API_ALONE,
        EVERYTHING,
        Html,
        Mounted,
        Way,
        body_of,
        check_blocking,
        headers_to_send,
        is_known_to_all,
        joined,
        request_of,
        viewer_of,
    )
    from dmcore.adapters.web._site import Site
    from dmcore.adapters.web._values import Request, Response, Viewer
    from dmcore.adapters.web._worlds import (
        BlockingWorld,
        Given,
        LoopWorld,
        Poured,
        Result,
        finished,
    )
    from dmcore.adapters.web.pages import fragments
    from dmcore.direct_messages import AsyncDirectMessages, DirectMessages
    from dmcore.errors import InvalidSetting

Said = Viewer | str | None
# Django comes without types: its address patterns are what ``include`` takes.
Urls = tuple[list[Any], str]


class Messages(Mounted):
    """Messaging as addresses for ``include``: ``urls`` are all, ``api_urls`` the interface.

    ``identify`` is asked with each request.
    """

    def __init__(
        self,
        dm: DirectMessages,
        *,
        identify: Callable[[HttpRequest], Said],
        site: Site = Site(),  # noqa: B008
    ) -> None:
        check_blocking(identify, site)
        super().__init__(BlockingWorld(dm), site)
        self._identify = identify
        self.urls = _urls(self._view(EVERYTHING), "dmcore")
        self.api_urls = _urls(self._view(API_ALONE), "dmcore-api")

    def head(self, *, root: str | None = None) -> Html:
        """The links that a page needs which shows a badge or a button."""
        return Html(fragments.head(_root(root)))

    def badge(self, native: HttpRequest) -> Html:
        """How much this person has not read, for the navigation."""
        viewer = viewer_of(self._identify(native))
        return Html(finished(self._inside.badge(viewer)))

    def message_button(self, native: HttpRequest, other: str, *, root: str | None = None) -> Html:
        """The way to write to somebody, for their profile; nothing where there is none."""
        viewer = viewer_of(self._identify(native))
        button = self._inside.message_button(viewer, other, _root(root))
        return Html(finished(button))

    def _view(self, way: Way) -> Callable[..., HttpResponseBase]:
        def view(native: HttpRequest, rest: str = "", **_of_prefix: object) -> HttpResponseBase:
            if isinstance(native, ASGIRequest):
                # Django would collect a stream to its end before it sends any of it.
                raise InvalidSetting("urls", "under ASGI they must be those of AsyncMessages")
            request = _request(native, rest)
            if not is_known_to_all(request, way):
                request = attrs.evolve(request, viewer=viewer_of(self._identify(native)))
            response = finished(way.answer(self._inside, request))
            poured = None if response.stream is None else Poured(response.stream)
            return _sent(native, response, poured)

        return view


class AsyncMessages(Mounted):
    """As `Messages`, with views that await: an open stream holds no thread.

    A plain function of the site is asked in the thread where Django keeps its connections.
    """

    def __init__(
        self,
        dm: DirectMessages | AsyncDirectMessages,
        *,
        identify: Callable[[HttpRequest], Said | Awaitable[Said]],
        site: Site = Site(),  # noqa: B008
    ) -> None:
        self._world = _DjangoWorld(dm)
        super().__init__(self._world, site)
        self._identify = identify
        self.urls = _urls(self._view(EVERYTHING), "dmcore")
        self.api_urls = _urls(self._view(API_ALONE), "dmcore-api")

    def head(self, *, root: str | None = None) -> Html:
        """As `Messages.head`."""
        return Html(fragments.head(_root(root)))

    async def badge(self, native: HttpRequest) -> Html:
        """As `Messages.badge`."""
        viewer = viewer_of(await self._world.ask(self._identify, native))
        return Html(await self._inside.badge(viewer))

    async def message_button(
        self, native: HttpRequest, other: str, *, root: str | None = None
    ) -> Html:
        """As `Messages.message_button`."""
        viewer = viewer_of(await self._world.ask(self._identify, native))
        button = await self._inside.message_button(viewer, other, _root(root))
        return Html(button)

    def _view(self, way: Way) -> Callable[..., Awaitable[HttpResponseBase]]:
        async def view(
            native: HttpRequest, rest: str = "", **_of_prefix: object
        ) -> HttpResponseBase:
            request = _request(native, rest)
            if not is_known_to_all(request, way):
                said = await self._world.ask(self._identify, native)
                request = attrs.evolve(request, viewer=viewer_of(said))
            response = await way.answer(self._inside, request)
            poured = None if response.stream is None else _Awaited(response.stream, self._world)
            return _sent(native, response, poured)

        return view


class _DjangoWorld(LoopWorld):
    async def ask(
        self,
        function: Callable[Given, Result | Awaitable[Result]],
        /,
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        if iscoroutinefunction(function):
            return await super().ask(function, *args, **kwargs)
        # Anywhere else it would open connections to the site's database that nobody closes.
        answer = await sync_to_async(partial(function, *args, **kwargs))()
        if isawaitable(answer):
            return cast("Result", await answer)
        return answer


class _Awaited:
    """A stream as Django takes it: it calls ``close``, in some thread, when the answer is over."""

    def __init__(self, stream: AsyncIterator[bytes], world: LoopWorld) -> None:
        self._stream = cast("AsyncGenerator[bytes, None]", stream)
        self._world = world
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._begin_to_close)

    def _begin_to_close(self) -> None:
        self._world.begin(self._stream.aclose())


def _request(native: HttpRequest, rest: str) -> Request:
    above = native.path.removesuffix(rest)
    request = request_of(
        method=native.method,
        root=above,
        # Addresses may be included below a path with or without a slash at its end.
        path=f"/{rest}" if above.endswith("/") else rest,
        query=native.META.get("QUERY_STRING", "").encode(),
        headers=native.headers.items(),
        native=native,
    )
    body = body_of(native)
    headers = dict(request.headers)
    if not body and headers.get("content-type") == "text/plain":
        # wsgiref, which serves during development, makes it up where a client named none.
        del headers["content-type"]
    return attrs.evolve(request, headers=headers, body=body)


def _sent(
    native: HttpRequest, response: Response, poured: Poured | _Awaited | None
) -> HttpResponseBase:
    headers = joined(headers_to_send(response))
    if poured is not None and native.method == "HEAD":
        poured.close()
        poured = None
    if poured is None:
        body = b"" if native.method == "HEAD" else response.body
        sent = HttpResponse(body, status=response.status, headers=headers)
    else:
        sent = StreamingHttpResponse(poured, status=response.status, headers=headers)
    if "content-type" not in headers:
        # Nobody guesses what kind of answer it is.
        del sent.headers["content-type"]
    return sent


def _urls(view: Callable[..., object], name: str) -> Urls:
    exempt = csrf_exempt(view)
    # Ids may hold anything, line breaks too; these are no paths that end with a slash.
    return [
        re_path(r"^\Z", exempt, name="home"),
        re_path(r"^(?P<rest>[\s\S]+)\Z", exempt),
    ], name


def _root(root: str | None) -> str:
    return str(reverse("dmcore:home")).rstrip("/") if root is None else root
