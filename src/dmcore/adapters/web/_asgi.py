"""ASGI itself: what its events say as a request, and how an answer or a stream is sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, MutableMapping
from typing import Any
from urllib.parse import unquote

from dmcore.adapters.web._hosting import headers_to_send, request_of
from dmcore.adapters.web._values import LARGEST_BODY_BYTES, Request, Response

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SLOWEST_READER_S = 20.0
"""A reader of a stream who takes nothing for so long is dropped."""

_NOWHERE = "//"
"""A path that leads nowhere at all."""


def request_in(scope: Scope, *, root: str | None = None, path: str | None = None) -> Request:
    """What is asked, without its body; where it is mounted is in the scope unless it is said."""
    return request_of(
        method=scope["method"],
        root=scope.get("root_path", "") if root is None else root,
        path=_path_below(scope) if path is None else path,
        query=scope["query_string"],
        headers=[
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ],
        native=scope,
    )


def below(scope: Scope, root: str) -> Scope:
    """The scope as frameworks have it that say where they mounted: for those that do not.

    What those make of the path is passed over (Litestar puts a slash at its end and takes double
    ones for one, which may be somebody else's id): it is taken from the request as it came.
    """
    mount = scope.get("root_path", "").rstrip("/") + root
    path = unquote(scope.get("raw_path") or b"") or scope["path"]
    for prefix in (mount, root):
        if path == prefix or path.startswith(f"{prefix}/"):
            return {**scope, "root_path": mount, "path": path[len(prefix) :] or "/"}
    return {**scope, "root_path": mount, "path": _NOWHERE}


async def body_of(receive: Receive) -> bytes | None:
    """The body, or so much of a longer one that it shows; ``None`` if the client is gone."""
    body = bytearray()
    while len(body) <= LARGEST_BODY_BYTES:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        body += event.get("body", b"")
        if not event.get("more_body", False):
            break
    return bytes(body)


async def unless_gone(
    answering: Coroutine[Any, Any, Response], request: Request, receive: Receive
) -> Response | None:
    """The answer; ``None`` for one who asked to wait for news, and left meanwhile."""
    if not request.query.get("wait"):
        return await answering
    answer = asyncio.ensure_future(answering)
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({answer, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return answer.result() if answer.done() else None
    finally:
        for task in (answer, leaving):
            task.cancel()
        await asyncio.gather(answer, leaving, return_exceptions=True)


async def deliver(
    response: Response,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    patience_s: float = SLOWEST_READER_S,
) -> None:
    """Send an answer; a stream until it ends, the client leaves, or it stops reading."""
    start = {
        "type": "http.response.start",
        "status": response.status,
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in headers_to_send(response)
        ],
    }
    if response.stream is None or scope["method"] == "HEAD":
        if response.stream is not None:
            await _closed(response.stream)
        body = b"" if scope["method"] == "HEAD" else response.body
        await send(start)
        await send({"type": "http.response.body", "body": body})
        return
    pouring = asyncio.ensure_future(_pour(start, response.stream, send, patience_s))
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({pouring, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pouring, leaving):
            task.cancel()
        ends = await asyncio.gather(pouring, leaving, return_exceptions=True)
        await _closed(response.stream)
    if isinstance(ends[0], Exception):
        raise ends[0]


async def _pour(
    start: Message, stream: AsyncIterator[bytes], send: Send, patience_s: float
) -> None:
    async def is_taken(event: Message) -> bool:
        try:
            async with asyncio.timeout(patience_s):
                await send(event)
        except OSError:
            # Too slow, which is a TimeoutError; or gone, which a server may say with an OSError.
            return False
        return True

    if not await is_taken(start):
        return
    async for chunk in stream:
        if not await is_taken({"type": "http.response.body", "body": chunk, "more_body": True}):
            break
    else:
        await is_taken({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    is_gone = False
    while not is_gone:
        is_gone = (await receive())["type"] == "http.disconnect"


async def _closed(stream: AsyncIterator[bytes]) -> None:
    """End a stream now, not when it happens to be collected."""
    await stream.aclose()  # type: ignore[attr-defined]


def _path_below(scope: Scope) -> str:
    """The path below the mount: some frameworks leave the mount in front, some take it away."""
    root: str = scope.get("root_path", "").rstrip("/")
    path: str = scope["path"]
    if unquote(scope.get("raw_path") or b"") == root + path:
        return path
    # A proxy may have taken away what the site, but not what the mount, has in front.
    for prefix in (root, root.removeprefix(scope.get("app_root_path", ""))):
        if path == prefix or path.startswith(f"{prefix}/"):
            return path[len(prefix) :]
    return path
