"""What one framework alone has: its end, its streams, its templates, what is missing."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import flask as flask_itself
import jinja2
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tests.web import asgi_hosts, django_hosts
from tests.web.asgi_hosts import StarletteClient, identify_request, identify_scope
from tests.web.django_hosts import AsyncDjangoClient, DjangoClient
from tests.web.flask_hosts import make_flask
from tests.web.hosts import PATIENCE_S, Answer, joined

from dmcore import AsyncDirectMessages, DirectMessages, Mode
from dmcore.adapters import memory
from dmcore.adapters.web import Person, Site, Viewer, _asgi, asgi, django, fastapi, flask
from dmcore.adapters.web._hosting import viewer_of
from dmcore.adapters.web._values import Response
from dmcore.errors import InvalidSetting


@pytest.fixture
def dm() -> DirectMessages:
    """Messaging that is switched on, where Bob has one message of Ada's to read."""
    opened = memory.open_sync()
    opened.operations("operator").set_mode(Mode.ON)
    opened.mailbox("ada").start("bob", "hello")
    return opened


# The end of an application, and what is no request ----------------------------------------------


@pytest.mark.parametrize("kind", ["asgi", "fastapi"])
def test_streams_end_with_the_application(dm: DirectMessages, kind: str) -> None:
    if kind == "asgi":
        app: Any = asgi.Messages(dm, identify=identify_scope).app
    else:
        app = FastAPI()
        app.include_router(fastapi.Messages(dm, identify=identify_request).router)
    headers = {"x-user": "ada"}
    with TestClient(app) as client:
        assert client.get("/api/unread-count", headers=headers).status_code == 200
    # This client reads an answer to its end: one that went on would never come back.
    assert "event: " in TestClient(app).get("/api/stream", headers=headers).text


def test_a_websocket_is_refused(dm: DirectMessages) -> None:
    client = TestClient(asgi.Messages(dm, identify=identify_scope).app)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
        pytest.fail("it was accepted")


def asked_of(
    app: asgi_hosts.App,
    *events: dict[str, Any],
    method: str = "POST",
    path: str = "/api/users/bob/block",
    query: bytes = b"",
) -> list[Any]:
    """What an application sends to one who asks in these events."""
    sent: list[Any] = []
    waiting = list(events)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await never()
        return waiting.pop(0)

    async def send(event: Any) -> None:
        sent.append(event)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [(b"x-user", b"ada"), (b"content-type", b"application/json")],
    }
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 20))
    return sent


PART = {"type": "http.request", "body": b" ", "more_body": True}
GONE = {"type": "http.disconnect"}


def test_who_leaves_while_sending_did_not_ask(dm: DirectMessages) -> None:
    messages = asgi.Messages(dm, identify=identify_scope)
    assert asked_of(messages.app, PART, GONE) == []
    app = FastAPI()
    app.include_router(fastapi.Messages(dm, identify=identify_request).router)
    asked_of(app, PART, GONE)
    assert dm.mailbox("ada").blocked().items == ()
    assert asked_of(messages.app, {"type": "http.request"})[0]["status"] == 204
    assert len(dm.mailbox("ada").blocked().items) == 1


def test_who_leaves_while_waiting_for_news_is_not_waited_for(dm: DirectMessages) -> None:
    """Each who waits takes a place of the user's; the next one finds it free."""
    site = Site(most_streams=1)
    after = dm.mailbox("ada").snapshot().cursor
    news: dict[str, Any] = {"method": "GET", "path": "/api/changes"}
    news["query"] = f"wait=25&after={after}".encode()
    end = {"type": "http.request"}
    messages = asgi.Messages(dm, identify=identify_scope, site=site)
    assert asked_of(messages.app, end, GONE, **news) == []
    assert asked_of(messages.app, end, GONE, **news) == []
    app = FastAPI()
    app.include_router(fastapi.Messages(dm, identify=identify_request, site=site).router)
    for _ in range(2):
        asked_of(app, end, GONE, **news)
    dm.mailbox("bob").start("ada", "news")
    start, _ = asked_of(messages.app, end, **news)
    assert start["status"] == 200


def test_a_stream_passes_through_the_middleware_of_a_site(dm: DirectMessages) -> None:
    messages = fastapi.Messages(dm, identify=identify_request, site=Site(most_streams=1))
    app = FastAPI()
    app.include_router(messages.router, prefix="/messages")

    @app.middleware("http")
    async def mark(request: Request, call_next: Any) -> Any:
        answer = await call_next(request)
        answer.headers["x-site"] = "passed"
        return answer

    client = StarletteClient(app)
    stream = client.open_stream("/api/stream", "ada")
    assert stream.headers["x-site"] == "passed"
    assert stream.event()["event"] == "hello"
    dm.mailbox("bob").start("ada", "news")
    assert stream.event()["event"] == "changes"
    stream.close()
    given_up_at = time.monotonic() + PATIENCE_S
    while client.open_stream("/api/stream", "ada").status == 429:
        assert time.monotonic() < given_up_at, "the place is still taken"
    client.close(messages.close)


# Streams under ASGI -----------------------------------------------------------------------------


class Ticks:
    """A stream that goes on until it is closed, or breaks."""

    def __init__(self, error: Exception | None = None) -> None:
        self.is_closed = False
        self._error = error

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        return b"tick"

    async def aclose(self) -> None:
        self.is_closed = True


async def never(*_event: object) -> Any:
    await asyncio.Event().wait()


async def gone() -> Any:
    return GONE


def gone_after_the_rest() -> _asgi.Receive:
    events = [GONE, PART]

    async def receive() -> Any:
        await asyncio.sleep(0)
        return events.pop()

    return receive


async def lost(_event: object) -> None:
    raise OSError


async def lost_after_the_start(event: _asgi.Message) -> None:
    if event["type"] == "http.response.body":
        raise OSError


async def swallow(_event: object) -> None:
    await asyncio.sleep(0)


async def stuck_after_the_start(event: _asgi.Message) -> None:
    if event["type"] == "http.response.body":
        await never()


@pytest.mark.parametrize(
    ("receive", "send", "patience_s"),
    [
        (never, never, 0.01),
        (never, stuck_after_the_start, 0.01),
        (never, lost, 1000),
        (never, lost_after_the_start, 1000),
        (gone, swallow, 1000),
        (gone, never, 1000),
        (gone_after_the_rest(), swallow, 1000),
    ],
    ids=[
        "takes nothing",
        "stops taking",
        "is cut off",
        "is cut off later",
        "leaves",
        "leaves without reading",
        "sends the rest and leaves",
    ],
)
def test_a_stream_is_closed_when_its_reader(
    receive: _asgi.Receive, send: _asgi.Send, patience_s: float
) -> None:
    ticks = Ticks()
    pouring = _asgi.deliver(
        Response(stream=ticks), {"method": "GET"}, receive, send, patience_s=patience_s
    )
    asyncio.run(asyncio.wait_for(pouring, 20))
    assert ticks.is_closed


def test_a_stream_that_breaks_is_closed_and_the_error_is_the_hosts() -> None:
    ticks = Ticks(ZeroDivisionError())
    pouring = _asgi.deliver(Response(stream=ticks), {"method": "GET"}, never, swallow)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(asyncio.wait_for(pouring, 20))
    assert ticks.is_closed


# The identity -----------------------------------------------------------------------------------


def test_an_identity_is_a_viewer_an_id_or_nobody() -> None:
    viewer = Viewer(user="ada", tenant="north")
    assert viewer_of(viewer) is viewer
    assert viewer_of("ada") == Viewer(user="ada")
    assert viewer_of(None) is None
    assert viewer_of("") is None
    for wrong in (7, b"ada", True):
        with pytest.raises(InvalidSetting, match="identify"):
            viewer_of(wrong)


async def nobody(*_asked: object) -> Any:
    return None


@pytest.mark.parametrize("framework", [flask.Messages, django.Messages], ids=["flask", "django"])
def test_a_blocking_framework_refuses_what_it_cannot_await(
    dm: DirectMessages, framework: Callable[..., object]
) -> None:
    identify = lambda *_asked: None  # noqa: E731
    with pytest.raises(InvalidSetting, match="identify"):
        framework(dm, identify=nobody)
    with pytest.raises(InvalidSetting, match="people"):
        framework(dm, identify=identify, site=Site(people=nobody))
    with pytest.raises(InvalidSetting, match="is_current"):
        framework(dm, identify=identify, site=Site(is_current=nobody))
    with pytest.raises(InvalidSetting, match="dm"):
        framework(asyncio.run(memory.open_async()), identify=identify)
    assert framework(dm, identify=identify) is not None


@pytest.mark.parametrize("make", [asgi_hosts.make_asgi, django_hosts.make_django_async])
def test_the_answer_of_a_plain_function_may_be_awaited(
    dm: DirectMessages, make: Callable[[DirectMessages | AsyncDirectMessages, Site], Any]
) -> None:
    async def found() -> dict[str, Person]:
        return {"ada": Person(name="Ada of the North")}

    def people(_viewer: Viewer, _ids: object) -> Awaitable[dict[str, Person]]:
        return found()

    messages, client = make(dm, Site(people=people))
    assert "Ada of the North" in client.request("GET", "/", user="bob").text
    client.close(messages.close)


# Fragments in the templates of a site -----------------------------------------------------------

PROFILE = """<head>{{ head }}</head><nav>{{ badge }}</nav>{{ button }}"""


def check_profile(answer: Answer, root: str) -> None:
    assert f'<link rel="stylesheet" href="{root}/static/dmcore.css' in answer.text
    assert "1 unread message" in answer.text
    assert f'action="{root}/open"' in answer.text
    assert "&lt;" not in answer.text


def test_fragments_in_a_template_of_jinja(dm: DirectMessages) -> None:
    messages = fastapi.Messages(dm, identify=identify_request)
    app = FastAPI()
    app.include_router(messages.router, prefix="/messages")
    template = jinja2.Environment(autoescape=True).from_string(PROFILE)

    @app.get("/people/{other}", response_class=HTMLResponse)
    async def profile(request: Request, other: str) -> str:
        return template.render(
            head=messages.head(request),
            badge=await messages.badge(request),
            button=await messages.message_button(request, other),
        )

    client = StarletteClient(app, root="", root_path="")
    check_profile(client.request("GET", "/people/ada", user="bob"), "/messages")
    client.close(messages.close)


def test_fragments_for_any_asgi_application(dm: DirectMessages) -> None:
    messages = asgi.Messages(dm, identify=identify_scope)
    template = jinja2.Environment(autoescape=True).from_string(PROFILE)
    scope = {"headers": [(b"x-user", b"bob")]}

    async def profile() -> str:
        return template.render(
            head=messages.head(root="/m"),
            badge=await messages.badge(scope),
            button=await messages.message_button(scope, "ada", root="/m"),
        )

    check_profile(Answer(200, {}, asyncio.run(profile()).encode()), "/m")


def test_fragments_in_a_template_of_flask(dm: DirectMessages) -> None:
    messages = flask.Messages(dm, identify=lambda request: request.headers.get("x-user"))
    app = flask_itself.Flask("site")
    app.register_blueprint(messages.blueprint, url_prefix="/messages")
    app.jinja_env.globals["messages"] = messages

    @app.get("/people/<other>")
    def profile(other: str) -> str:
        text = "{{ messages.head() }}{{ messages.badge() }}{{ messages.message_button(other) }}"
        return flask_itself.render_template_string(text, other=other)

    found = app.test_client().get("/people/ada", headers={"x-user": "bob"})
    check_profile(Answer(200, joined(list(found.headers)), found.data), "/messages")


@pytest.mark.parametrize("is_awaited", [False, True])
def test_fragments_in_a_template_of_django(dm: DirectMessages, is_awaited: bool) -> None:
    from django.http import HttpResponse  # type: ignore[import-untyped]
    from django.template import engines  # type: ignore[import-untyped]
    from django.urls import path  # type: ignore[import-untyped]

    django_hosts.set_up()
    template = engines["django"].from_string(PROFILE)
    blocking = django.Messages(dm, identify=django_hosts.identify)
    awaited = django.AsyncMessages(dm, identify=django_hosts.identify)

    def profile(request: Any, other: str) -> Any:
        found = {
            "head": blocking.head(),
            "badge": blocking.badge(request),
            "button": blocking.message_button(request, other),
        }
        return HttpResponse(template.render(found, request))

    async def profile_awaited(request: Any, other: str) -> Any:
        found = {
            "head": awaited.head(),
            "badge": await awaited.badge(request),
            "button": await awaited.message_button(request, other),
        }
        return HttpResponse(template.render(found, request))

    patterns = [
        *django_hosts.included((awaited if is_awaited else blocking).urls, "messages/"),
        path("people/<other>", profile_awaited if is_awaited else profile),
    ]
    client = (AsyncDjangoClient if is_awaited else DjangoClient)(patterns, root="")
    check_profile(client.request("GET", "/people/ada", user="bob"), "/messages")
    client.close(blocking.close)


def test_what_flask_was_asked_before_and_read_is_still_there(dm: DirectMessages) -> None:
    messages = flask.Messages(dm, identify=lambda request: request.headers.get("x-user"))
    app = flask_itself.Flask("site")
    app.register_blueprint(messages.blueprint)

    @app.before_request
    def look() -> None:
        assert flask_itself.request.get_data()

    answer = app.test_client().post(
        "/api/threads", json={"user": "cyd", "body": "hello"}, headers={"x-user": "ada"}
    )
    assert answer.status_code == 201


def test_the_site_is_asked_about_an_open_stream_in_the_context_of_its_request(
    dm: DirectMessages,
) -> None:
    asked: list[str] = []

    def is_current(_viewer: Viewer) -> bool:
        asked.append(flask_itself.request.path)
        return len(asked) < 3

    site = Site(is_current=is_current, check_every=timedelta(milliseconds=1))
    messages, client = make_flask(dm, site)
    with client.open_stream("/api/stream", "ada") as stream:
        assert stream.event()["event"] == "hello"
        stream.read()
    assert asked == ["/messages/api/stream"] * 3
    client.close(messages.close)
