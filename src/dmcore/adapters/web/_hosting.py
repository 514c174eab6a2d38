"""What the host files share: native pieces become a ``Request``, answers become native pieces.

Knows HTTP and no framework.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl, quote

import attrs

from dmcore._extras import extra
from dmcore.adapters.web._routing import HEALTH
from dmcore.adapters.web._site import Site
from dmcore.adapters.web._values import LARGEST_BODY_BYTES, Request, Response, Viewer
from dmcore.adapters.web._worlds import World
from dmcore.errors import InvalidSetting

with extra("web"):
    import markupsafe

    from dmcore.adapters.web._inside import Inside

Html = markupsafe.Markup
"""Text that a template puts into a page as it is."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All that a framework must hand on; which of them a path takes is said inside."""


@attrs.frozen(kw_only=True)
class Way:
    """How requests come in at one place: everything, or the interface alone."""

    is_api: bool

    async def answer(self, inside: Inside, request: Request) -> Response:
        return await (inside.answer_api(request) if self.is_api else inside.answer(request))


EVERYTHING = Way(is_api=False)
API_ALONE = Way(is_api=True)


class Mounted:
    """What a host holds, whatever its framework."""

    def __init__(self, world: World, site: Site) -> None:
        self._inside = Inside(world, site)

    def disconnect(self, user: str, *, tenant: str = "", session: str | None = None) -> None:
        """Close the streams of a user, or of one sign-in: call it when somebody logs out."""
        self._inside.live.disconnect(user, tenant=tenant, session=session)

    def close(self) -> None:
        """End what runs beside requests, and every open stream; ``dm`` stays open."""
        self._inside.live.close()


def request_of(
    *,
    method: str,
    root: str,
    path: str,
    query: bytes,
    headers: Iterable[tuple[str, str]],
    native: object,
) -> Request:
    """A request without a body and without a viewer; ``root`` and ``path`` as text."""
    text = query.decode("latin-1")
    return Request(
        method=method,
        # Two slashes in front would lead to another site.
        root=quote(f"/{root.strip('/')}".rstrip("/")),
        path=path or "/",
        query=dict(parse_qsl(text, keep_blank_values=True, errors="replace")),
        headers=joined(headers),
        native=native,
    )


def is_known_to_all(request: Request, way: Way) -> bool:
    """Whether nobody need be asked who looks: the stylesheet, the module, and health."""
    if request.path == HEALTH:
        return True
    return not way.is_api and (
        request.path == f"/api{HEALTH}" or request.path.startswith("/static/")
    )


def viewer_of(answer: object) -> Viewer | None:
    """What ``identify`` said, as a viewer; an empty id is nobody's.

    Raises ``InvalidSetting`` for anything else.
    """
    if isinstance(answer, str):
        return Viewer(user=answer) if answer else None
    if answer is None or isinstance(answer, Viewer):
        return answer
    raise InvalidSetting("identify", "it must return a Viewer, the id of a user as text, or None")


def check_blocking(identify: Callable[..., object], site: Site) -> None:
    """Refuse a host's coroutine functions where nothing can await them."""
    asked = {
        "identify": identify,
        "people": site.people,
        "layout": site.layout,
        "is_current": site.is_current,
        "is_moderator": site.is_moderator,
        "is_operator": site.is_operator,
    }
    for name, function in asked.items():
        if inspect.iscoroutinefunction(function):
            raise InvalidSetting(name, "a blocking framework cannot await a coroutine function")


class Readable(Protocol):
    """Where the bytes of a request come from."""

    def read(self, size: int, /) -> bytes:
        """So many bytes, or fewer; none at the end."""
        ...


def body_of(source: Readable) -> bytes:
    """The body, or so much of a longer one that it shows to be too long."""
    body = bytearray()
    while len(body) <= LARGEST_BODY_BYTES:
        piece = source.read(LARGEST_BODY_BYTES + 1 - len(body))
        if not piece:
            break
        body += piece
    return bytes(body)


def headers_to_send(response: Response) -> list[tuple[str, str]]:
    """The headers of an answer, with its length where that is known."""
    headers = list(response.headers)
    if response.stream is None and response.status != HTTPStatus.NO_CONTENT:
        headers.append(("Content-Length", str(len(response.body))))
    return headers


def joined(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Repeated headers as one, as RFC 9110 has it; names in small letters."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        separator = "; " if key == "cookie" else ", "
        joined[key] = f"{joined[key]}{separator}{value}" if key in joined else value
    return joined
