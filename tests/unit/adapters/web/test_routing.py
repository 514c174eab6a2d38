"""Which handler answers a method and a path."""

import pytest

from dmcore.adapters.web._routing import Audience, Found, Route, Visit, audience_of, find
from dmcore.adapters.web._values import Response


async def _handler(visit: Visit) -> Response:
    raise NotImplementedError


def route(method: str, pattern: str) -> Route:
    return Route(method=method, pattern=pattern, handler=_handler)


LIST = route("GET", "/threads")
START = route("POST", "/threads")
WITH = route("GET", "/threads/with")
THREAD = route("GET", "/threads/{thread}")
DELETE = route("DELETE", "/threads/{thread}/messages/{message}")
BLOCK = route("POST", "/users/{user}/block")
ROUTES = (LIST, START, WITH, THREAD, DELETE, BLOCK)


@pytest.mark.parametrize(
    ("method", "path", "expected", "arguments"),
    [
        ("GET", "/threads", LIST, {}),
        ("POST", "/threads", START, {}),
        ("GET", "/threads/with", WITH, {}),
        ("GET", "/threads/abc", THREAD, {"thread": "abc"}),
        ("GET", "/threads/a\nb", THREAD, {"thread": "a\nb"}),
        ("DELETE", "/threads/a/messages/b", DELETE, {"thread": "a", "message": "b"}),
        ("POST", "/users/ann/block", BLOCK, {"user": "ann"}),
        ("POST", "/users/a/b//c/block", BLOCK, {"user": "a/b//c"}),
        ("POST", "/users//a/block", BLOCK, {"user": "/a"}),
        ("POST", "/users/x/block/block", BLOCK, {"user": "x/block"}),
        ("POST", "/users/{user}.+/block", BLOCK, {"user": "{user}.+"}),
    ],
)
def test_a_path_leads_to_its_route(
    method: str, path: str, expected: Route, arguments: dict[str, str]
) -> None:
    assert find(ROUTES, method, path) == Found(expected, arguments)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/threads", {"GET", "HEAD", "POST"}),
        ("/threads/with", {"GET", "HEAD"}),
        ("/users/ann/block", {"POST"}),
        ("", set()),
        ("/", set()),
        ("/threads/", set()),
        ("/threads/a/b", set()),
        ("/users//block", set()),
        ("/threadsx", set()),
        ("/threads\n", set()),
        ("x/threads", set()),
    ],
)
def test_a_path_that_is_asked_wrongly_says_how_it_can_be_asked(
    path: str, methods: set[str]
) -> None:
    assert find(ROUTES, "PATCH", path) == frozenset(methods)


def test_a_path_is_for_the_same_people_whatever_the_method() -> None:
    desk = Route(method="POST", pattern="/desk", handler=_handler, audience=Audience.MODERATORS)
    assert audience_of((*ROUTES, desk), "/desk") is Audience.MODERATORS
    assert audience_of((*ROUTES, desk), "/threads") is Audience.PARTICIPANTS
    assert audience_of((*ROUTES, desk), "/desk/") is Audience.PARTICIPANTS
