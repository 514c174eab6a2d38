"""Where a site puts messaging: at any path, below any prefix of its server, under its rules."""

import re
from collections.abc import Callable
from typing import Any

import flask as flask_itself
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from litestar import Litestar
from litestar import asgi as asgi_handler
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.web import asgi_hosts, django_hosts, flask_hosts
from tests.web.asgi_hosts import StarletteClient
from tests.web.django_hosts import AsyncDjangoClient, DjangoClient
from tests.web.flask_hosts import FlaskClient
from tests.web.hosts import Client

from dmcore import DirectMessages, Mode
from dmcore.adapters import memory
from dmcore.adapters.web import _asgi, asgi, django, fastapi, flask
from dmcore.adapters.web._hosting import request_of
from dmcore.errors import InvalidSetting


@pytest.fixture
def dm() -> DirectMessages:
    """Messaging that is switched on."""
    opened = memory.open_sync()
    opened.operations("operator").set_mode(Mode.ON)
    return opened


def starlette_at(dm: DirectMessages, prefix: str, script: str) -> Client:
    messages = asgi.Messages(dm, identify=asgi_hosts.identify_scope)
    app = Starlette(routes=[Mount(prefix, app=messages.app)])
    return StarletteClient(app, root=script + prefix, root_path=script)


def alone_at(dm: DirectMessages, prefix: str, script: str) -> Client:
    """Served alone below a prefix of the server."""
    messages = asgi.Messages(dm, identify=asgi_hosts.identify_scope)
    return StarletteClient(messages.app, root=script + prefix, root_path=script + prefix)


def nested_at(dm: DirectMessages, prefix: str, script: str) -> Client:
    messages = asgi.Messages(dm, identify=asgi_hosts.identify_scope)
    inner = Starlette(routes=[Mount(prefix, app=messages.app)])
    app = Starlette(routes=[Mount("/inner", app=inner)])
    return StarletteClient(app, root=f"{script}/inner{prefix}", root_path=script)


def litestar_at(dm: DirectMessages, prefix: str, script: str) -> Client:
    messages = asgi.Messages(dm, identify=asgi_hosts.identify_scope)
    mount = asgi_handler(prefix or "/", is_mount=True, copy_scope=True)
    # Its own settings of logging would stay for the tests after this one.
    app = Litestar([mount(messages.app.at(prefix))], logging_config=None)
    return StarletteClient(app, root=script + prefix, root_path=script)


def fastapi_at(dm: DirectMessages, prefix: str, script: str) -> Client:
    messages = fastapi.Messages(dm, identify=asgi_hosts.identify_request)
    app = FastAPI()
    app.include_router(messages.router, prefix=prefix)
    return StarletteClient(app, root=script + prefix, root_path=script)


def flask_at(dm: DirectMessages, prefix: str, script: str) -> Client:
    messages = flask.Messages(dm, identify=flask_hosts.identify_request)
    # Flask's own folder of files would stand at /static.
    app = flask_itself.Flask("site", static_folder="static" if prefix else None)
    app.register_blueprint(messages.blueprint, url_prefix=prefix or None)
    return FlaskClient(app, root=script + prefix, script=script)


def django_at(dm: DirectMessages, prefix: str, script: str) -> Client:
    django_hosts.set_up()
    messages = django.Messages(dm, identify=django_hosts.identify)
    patterns = django_hosts.included(messages.urls, f"{prefix}/".removeprefix("/"))
    return DjangoClient(patterns, root=script + prefix, script=script)


def django_awaited_at(dm: DirectMessages, prefix: str, _script: str) -> Client:
    django_hosts.set_up()
    messages = django.AsyncMessages(dm, identify=django_hosts.identify)
    patterns = django_hosts.included(messages.urls, f"{prefix}/".removeprefix("/"))
    return AsyncDjangoClient(patterns, root=prefix)


SITES = (
    starlette_at,
    alone_at,
    nested_at,
    litestar_at,
    fastapi_at,
    flask_at,
    django_at,
    django_awaited_at,
)


@pytest.mark.parametrize("script", ["", "/proxy"])
@pytest.mark.parametrize("prefix", ["", "/messages", "/a/b", "/t", "/api", "/größe"])
@pytest.mark.parametrize("site", SITES)
def test_every_link_leads_below_the_mount(
    dm: DirectMessages,
    site: Callable[[DirectMessages, str, str], Client],
    prefix: str,
    script: str,
) -> None:
    """``/t`` and ``/api`` begin paths of messaging too, and must not be taken for them."""
    client = site(dm, prefix, script)
    started = client.request(
        "POST", "/api/threads", user="ada", json={"user": "bob", "body": "hello"}
    )
    assert started.status == 201
    page = client.request("GET", "/", user="ada").text
    places = [text for text in re.findall(r'(?:href|action)="([^"#?]+)', page) if text[0] == "/"]
    assert len(places) > 5
    client.root = ""
    for place in places:
        assert client.request("GET", place, user="ada").status == 200, place
    location = started.headers["location"].rpartition("/messages/")[0]
    assert client.request("GET", location, user="ada").status in {200, 405}
    client.close(lambda: None)


def scope(path: str, root: str, **more: object) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "root_path": root,
        "query_string": b"",
        "headers": [],
        **more,
    }


@pytest.mark.parametrize(
    ("asked", "root", "path"),
    [
        (scope("/m/t/1", "/m"), "/m", "/t/1"),
        (scope("/m", "/m"), "/m", "/"),
        (scope("/m/", "/m"), "/m", "/"),
        (scope("/t/1", "/m"), "/m", "/t/1"),
        (scope("/t/1", "/t", raw_path=b"/t/t/1"), "/t", "/t/1"),
        (scope("/t/t/1", "/t", raw_path=b"/t/t/1"), "/t", "/t/1"),
        (scope("/messages", "/m"), "/m", "/messages"),
        (scope("/m/t/1", "/proxy/m", app_root_path="/proxy"), "/proxy/m", "/t/1"),
        (scope("/", ""), "", "/"),
        (scope("/t/1", "/"), "", "/t/1"),
    ],
)
def test_the_path_below_is_found_whether_or_not_the_mount_is_in_front(
    asked: dict[str, Any], root: str, path: str
) -> None:
    request = _asgi.request_in(asked)
    assert (request.root, request.path) == (root, path)


@pytest.mark.parametrize(
    ("asked", "root", "path"),
    [
        (scope("/t/1/", "", raw_path=b"/m/t/1"), "/m", "/t/1"),
        (scope("/", "", raw_path=b"/m"), "/m", "/"),
        (scope("/", "", raw_path=b"/m/"), "/m", "/"),
        (scope("/u/a/b", "", raw_path=b"/m/u/a//b"), "/m", "/u/a//b"),
        (scope("/u/a%b/", "", raw_path=b"/m/u/a%25b"), "/m", "/u/a%b"),
        (scope("/m/t/1", ""), "/m", "/t/1"),
        (scope("/t/1/", "/proxy", raw_path=b"/proxy/m/t/1"), "/proxy/m", "/t/1"),
        (scope("/t/1/", "/proxy", raw_path=b"/m/t/1"), "/proxy/m", "/t/1"),
        (scope("ore/t/1/", "", raw_path=b"/more/t/1"), "/m", "//"),
    ],
)
def test_a_framework_that_does_not_say_where_it_mounts_changes_no_path(
    asked: dict[str, Any], root: str, path: str
) -> None:
    request = _asgi.request_in(_asgi.below(asked, "/m"))
    assert (request.root, request.path) == (root, path)


def test_beside_a_mount_there_is_nothing(dm: DirectMessages) -> None:
    """Litestar takes ``/settings`` to be below ``/set``, and messaging has a page of that name."""
    client = litestar_at(dm, "/set", "")
    assert client.request("GET", "/settings", user="ada").status == 200
    client.root = ""
    assert client.request("GET", "/settings", user="ada").status == 404
    client.close(lambda: None)


def test_a_header_that_comes_twice_is_one() -> None:
    request = request_of(
        method="GET",
        root="",
        path="",
        query=b"",
        headers=[("Accept", "a"), ("ACCEPT", "b"), ("Cookie", "x=1"), ("Cookie", "y=2")],
        native=None,
    )
    assert request.headers == {"accept": "a, b", "cookie": "x=1; y=2"}


def test_fastapi_behind_a_proxy_that_takes_the_prefix_away(dm: DirectMessages) -> None:
    messages = fastapi.Messages(dm, identify=asgi_hosts.identify_request)
    app = FastAPI()
    app.include_router(messages.router, prefix="/m")
    client = StarletteClient(app, root="/m", root_path="/proxy")
    assert 'data-dm-root="/proxy/m"' in client.request("GET", "/", user="ada").text
    client.close(messages.close)


def fastapi_in_houses(dm: DirectMessages) -> Client:
    messages = fastapi.Messages(dm, identify=asgi_hosts.identify_request)
    app = FastAPI()
    app.include_router(messages.router, prefix="/{house}/m")
    return StarletteClient(app, root="/north/m")


def starlette_in_houses(dm: DirectMessages) -> Client:
    messages = asgi.Messages(dm, identify=asgi_hosts.identify_scope)
    app = Starlette(routes=[Mount("/{house}/m", app=messages.app)])
    return StarletteClient(app, root="/north/m")


def flask_in_houses(dm: DirectMessages) -> Client:
    messages = flask.Messages(dm, identify=flask_hosts.identify_request)
    app = flask_itself.Flask("site")
    app.register_blueprint(messages.blueprint, url_prefix="/<house>/m")
    return FlaskClient(app, root="/north/m")


def django_in_houses(dm: DirectMessages) -> Client:
    django_hosts.set_up()
    messages = django.Messages(dm, identify=django_hosts.identify)
    return DjangoClient(django_hosts.included(messages.urls, "<house>/m/"), root="/north/m")


def django_awaited_in_houses(dm: DirectMessages) -> Client:
    django_hosts.set_up()
    messages = django.AsyncMessages(dm, identify=django_hosts.identify)
    return AsyncDjangoClient(django_hosts.included(messages.urls, "<house>/m/"), root="/north/m")


@pytest.mark.parametrize(
    "site",
    [
        fastapi_in_houses,
        starlette_in_houses,
        flask_in_houses,
        django_in_houses,
        django_awaited_in_houses,
    ],
)
def test_a_prefix_may_have_parameters(
    dm: DirectMessages, site: Callable[[DirectMessages], Client]
) -> None:
    client = site(dm)
    assert 'data-dm-root="/north/m"' in client.request("GET", "/", user="ada").text
    assert client.request("GET", "/settings", user="ada").status == 200
    client.close(lambda: None)


@pytest.mark.parametrize("root", ["//evil.example", "///evil.example/x/"])
def test_no_prefix_leads_to_another_site(root: str) -> None:
    request = request_of(method="GET", root=root, path="/", query=b"", headers=[], native=None)
    assert request.root in {"/evil.example", "/evil.example/x"}


def test_blocking_views_of_django_are_refused_where_they_would_hang(dm: DirectMessages) -> None:
    """Under ASGI Django collects what a blocking view streams, and a stream has no end."""
    django_hosts.set_up()
    messages = django.Messages(dm, identify=django_hosts.identify)
    client = AsyncDjangoClient(django_hosts.included(messages.urls, "m/"), root="/m")
    with pytest.raises(InvalidSetting) as caught:
        client.request("GET", "/", user="ada")
    assert caught.value.details["setting"] == "urls"
    client.close(lambda: None)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_site_may_read_what_was_sent_before_we_do(dm: DirectMessages, method: str) -> None:
    read = []

    async def audit(request: Request) -> None:
        read.append(await request.body())

    async def identify(request: Request) -> str:
        read.append(await request.body())
        return "ada"

    messages = fastapi.Messages(dm, identify=identify)
    app = FastAPI()
    app.include_router(messages.router, prefix="/m", dependencies=[Depends(audit)])
    client = StarletteClient(app, root="/m")
    content = {"user": "bob", "body": "hello"} if method == "POST" else None
    answer = client.request(method, "/api/threads", user=None, json=content)
    assert answer.status == (201 if method == "POST" else 200)
    assert [bool(body) for body in read] == [method == "POST"] * 2
    client.close(messages.close)


def test_what_a_site_asks_of_every_request_is_asked_of_these_too(dm: DirectMessages) -> None:
    def refuse() -> None:
        raise HTTPException(418)

    messages = fastapi.Messages(dm, identify=asgi_hosts.identify_request)
    app = FastAPI()
    app.include_router(messages.router, prefix="/m", dependencies=[Depends(refuse)])
    client = StarletteClient(app, root="/m")
    for path in ("/", "/api/unread-count"):
        assert client.request("GET", path, user="ada").status == 418
    client.close(messages.close)


def test_django_urls_below_a_path_without_a_slash_at_its_end(dm: DirectMessages) -> None:
    django_hosts.set_up()
    messages = django.Messages(dm, identify=django_hosts.identify)
    client = DjangoClient(django_hosts.included(messages.urls, "m"), root="/m")
    for path in ("", "/"):
        assert 'data-dm-root="/m"' in client.request("GET", path, user="ada").text
    assert client.request("GET", "/settings", user="ada").status == 200
    client.close(messages.close)


def test_without_its_slash_the_mount_is_found_as_well(dm: DirectMessages) -> None:
    """Each framework does its own: it answers, or leads to the path with a slash."""
    sites = (starlette_at, alone_at, litestar_at, fastapi_at, flask_at, django_at)
    for site in (*sites, django_awaited_at):
        client = site(dm, "/m", "")
        answer = client.request("GET", "", user="ada")
        if answer.status != 200:
            assert answer.status in {301, 307}
            assert answer.headers["location"].endswith("/m/")
        client.close(lambda: None)
