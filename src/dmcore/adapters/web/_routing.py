"""Routes: which handler answers a method and a path. No framework, no HTTP beyond the method."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Final

import attrs

from dmcore.adapters.web._site import Site
from dmcore.adapters.web._values import MOST_BODY_BYTES, Request, Response, Viewer
from dmcore.adapters.web._worlds import World
from dmcore.adapters.web.live import Live
from dmcore.mailbox import AsyncMailbox


@attrs.frozen(kw_only=True)
class Visit:
    """A request of somebody who is signed in, with everything that a handler may use.

    ``arguments`` are the parts of the path that the route names.
    """

    site: Site
    world: World
    live: Live
    request: Request
    viewer: Viewer
    mailbox: AsyncMailbox
    arguments: Mapping[str, str] = attrs.field(factory=dict, repr=False)


HEALTH: Final = "/health"
"""The one path that answers whoever asks, below every mount."""


class Audience(Enum):
    """Whom a route is for. To others than ``PARTICIPANTS`` a site says who has the role."""

    ANYONE = "anyone"
    PARTICIPANTS = "participants"
    MODERATORS = "moderators"
    OPERATORS = "operators"


Handler = Callable[[Visit], Awaitable[Response]]

_PLACE = re.compile(r"\{(\w+)\}")
# A user's id may hold a slash, which no framework keeps apart from one of the path.
_PARTS = {"user": ".+"}


@attrs.frozen(kw_only=True)
class Route:
    """One method on one kind of path: ``/threads/{thread}/messages/{message}``.

    A request of it holds at most ``most_bytes``.
    """

    method: str
    pattern: str
    handler: Handler
    audience: Audience = Audience.PARTICIPANTS
    most_bytes: int = MOST_BODY_BYTES

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The pattern as a regular expression over the whole path."""
        pieces = _PLACE.split(self.pattern)
        names, fixed = pieces[1::2], [re.escape(piece) for piece in pieces[::2]]
        parts = [f"(?P<{name}>{_PARTS.get(name, '[^/]+')})" for name in names]
        joined = "".join(text + part for text, part in zip(fixed, [*parts, ""], strict=True))
        return re.compile(joined, re.DOTALL)


@attrs.frozen
class Found:
    """The route of a request and the arguments in its path."""

    route: Route
    arguments: Mapping[str, str]


def audience_of(routes: Sequence[Route], path: str) -> Audience:
    """Whom a path is for, whatever the method; participants, where there is no such path."""
    for route in routes:
        if route.expression.fullmatch(path):
            return route.audience
    return Audience.PARTICIPANTS


def find(routes: Sequence[Route], method: str, path: str) -> Found | frozenset[str]:
    """The first route that fits; else the methods that this path has, none for no such path."""
    methods = set()
    for route in routes:
        match = route.expression.fullmatch(path)
        if match is None:
            continue
        if route.method == method:
            return Found(route, match.groupdict())
        # What can be got can be asked for without its content too (RFC 9110).
        methods |= {"GET", "HEAD"} if route.method == "GET" else {route.method}
    return frozenset(methods)
