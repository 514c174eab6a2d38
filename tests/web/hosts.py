"""One site with messaging in it for each framework, asked in the same words by every test.

A test speaks of paths below the place where messaging is mounted. Requests go through the test
client of the framework; streams, and whatever is asked while one is open, through a real server.
"""

import http.client
import json
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self
from urllib.parse import quote, unquote, urlencode

import attrs

from dmcore.adapters.clock import ManualClock
from dmcore.adapters.web import Viewer
from dmcore.adapters.web._hosting import Mounted
from dmcore.direct_messages import DirectMessages

ROOT = "/messages"
PATIENCE_S = 20


@attrs.frozen
class Answer:
    """What came back; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def json(self) -> Any:
        return json.loads(self.body)


@attrs.frozen
class Asked:
    """A request as it goes out: ``target`` is the whole path, with the query, percent-encoded."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Stream:
    """An answer that goes on, line by line, until somebody closes it."""

    def __init__(self, address: tuple[str, int], asked: Asked) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=PATIENCE_S)
        self._connection.request(asked.method, asked.target, headers=dict(asked.headers))
        self._response = self._connection.getresponse()
        self.status = self._response.status
        self.headers = {name.lower(): value for name, value in self._response.getheaders()}

    def __iter__(self) -> Iterator[bytes]:
        """The lines with their ends, until the other side ends the stream."""
        while line := self._response.readline():
            yield line

    def event(self) -> dict[str, str]:
        """The next event by its fields; lines of comment are passed over. Empty at the end."""
        fields: dict[str, str] = {}
        for line in self:
            name, _, value = line.decode("utf-8").rstrip("\n").partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
            elif "event" in fields or "data" in fields:
                return fields
        return {}

    def read(self) -> bytes:
        """All that comes until the other side ends the stream."""
        return self._response.read()

    def close(self) -> None:
        self._response.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Server(ABC):
    """The site on a free port."""

    address: tuple[str, int]

    @abstractmethod
    def stop(self) -> None: ...


class Client(ABC):
    """Asks the site as a browser would whose user is signed in, or is nobody."""

    def __init__(self, root: str = ROOT) -> None:
        self.root = root
        self._server: Server | None = None
        self._streams: list[Stream] = []

    def request(
        self,
        method: str,
        path: str,
        *,
        user: str | None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Ask for a percent-encoded path below the mount; a header that is ``None`` is not sent."""
        asked = self.asked(
            method, path, user=user, value=json, form=form, headers=headers, body=body
        )
        if self._server is None:
            return self._request(asked)
        connection = http.client.HTTPConnection(*self._server.address, timeout=PATIENCE_S)
        try:
            connection.request(
                asked.method, asked.target, body=asked.body, headers=dict(asked.headers)
            )
            response = connection.getresponse()
            return Answer(response.status, joined(response.getheaders()), response.read())
        finally:
            connection.close()

    def open_stream(
        self, path: str, user: str | None, headers: Mapping[str, str | None] | None = None
    ) -> Stream:
        """What a GET answers as it comes; whoever does not close it is helped at the end."""
        asked = self.asked("GET", path, user=user, headers=headers)
        stream = Stream(self.address, asked)
        self._streams.append(stream)
        return stream

    @property
    def address(self) -> tuple[str, int]:
        """Where the real server listens; it is started when somebody asks."""
        if self._server is None:
            self._server = self._serve()
        return self._server.address

    def asked(
        self,
        method: str,
        path: str,
        *,
        user: str | None,
        value: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: bytes | None = None,
    ) -> Asked:
        sent: dict[str, str | None] = {"host": "site.test"}
        if user is not None:
            sent["x-user"] = quote(user, safe="")
        if method not in {"GET", "HEAD", "OPTIONS"}:
            sent["sec-fetch-site"] = "same-origin"
        if value is not None:
            body = json.dumps(value).encode()
        elif form is not None:
            body = urlencode(form).encode()
            sent["content-type"] = "application/x-www-form-urlencoded"
        if form is None and "sec-fetch-site" in sent:
            sent["content-type"] = "application/json"
        for name, text in (headers or {}).items():
            sent[name.lower()] = text
        kept = {name: text for name, text in sent.items() if text is not None}
        return Asked(method, self.root + path, kept, body or b"")

    def close(self, end_streams: Callable[[], None]) -> None:
        for stream in self._streams:
            stream.close()
        end_streams()
        if self._server is not None:
            self._server.stop()
        self._close()

    @abstractmethod
    def _request(self, asked: Asked) -> Answer:
        """Through the test client."""

    @abstractmethod
    def _serve(self) -> Server:
        """Start a real server."""

    @abstractmethod
    def _close(self) -> None:
        """Give back what the test client holds."""


@attrs.frozen
class Host:
    """A site with messaging in it, switched on, and its store to arrange the scene with."""

    kind: str
    client: Client
    dm: DirectMessages
    clock: ManualClock
    messages: Mounted


def joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Headers by their small names, repeated ones as one."""
    found: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def who(header: Callable[[str], str | None]) -> Viewer | None:
    """Who a request says its viewer is: no site would believe it, a test does."""
    user = header("x-user")
    if user is None:
        return None
    return Viewer(
        user=unquote(user),
        tenant=unquote(header("x-tenant") or ""),
        session=header("x-session") or "",
    )


def free_socket() -> socket.socket:
    """A listening socket: who connects before the server runs waits in it."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    return listening
