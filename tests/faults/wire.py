"""A wire between dmcore and PostgreSQL on which one request goes wrong.

It knows just enough of the protocol to tell requests apart, each of which is answered before the
next is made, and to see when an answer is complete. Which request it is is told by its words, or by
its number from now on.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum, auto
from typing import Any, Final, Self

import attrs
from sqlalchemy import make_url

_CHUNK: Final = 1 << 16
_PATIENCE_S: Final = 30
# After these the server answers: a simple query, the end of an extended one, a wish to be answered.
_ENDS_OF_REQUEST: Final = (b"Q", b"S", b"H")


class Kind(Enum):
    """What goes wrong."""

    UNHEARD = auto()
    """The connection breaks, and the server never hears of the request."""

    UNANSWERED = auto()
    """The server does what was asked, then the connection breaks, and nobody hears of it."""

    HELD = auto()
    """The answer is kept until somebody lets it go."""

    REFUSED = auto()
    """The server fails with an error instead of doing what was asked."""


@attrs.frozen
class Fault:
    """What goes wrong, and with which ``SQLSTATE`` the server fails where it does."""

    kind: Kind
    sqlstate: str = ""

    @property
    def request(self) -> bytes:
        """What the server is asked in the place of what it was asked."""
        code = f"DO $$ BEGIN RAISE SQLSTATE '{self.sqlstate}'; END $$".encode() + b"\0"
        return b"Q" + (len(code) + 4).to_bytes(4, "big") + code


UNHEARD: Final = Fault(Kind.UNHEARD)
UNANSWERED: Final = Fault(Kind.UNANSWERED)


@attrs.define(eq=False)
class _Silence:
    """A server whose answer is kept from dmcore."""

    is_answered: threading.Event = attrs.field(factory=threading.Event)
    is_over: threading.Event = attrs.field(factory=threading.Event)
    kept: bytes = b""


class Wire:
    """Listens on a port of its own and connects each caller with the server."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._words = b""
        self._requests_before = 0
        self._silences: dict[socket.socket, _Silence] = {}
        self._held = _Silence()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.cuts = 0
        self.is_down = False

    @property
    def url(self) -> str:
        """The address of the database through this wire."""
        port = self._listener.getsockname()[1]
        query = {key: it for key, it in self._target.query.items() if key not in ("host", "port")}
        query |= {"sslmode": "disable", "gssencmode": "disable"}
        through = self._target.set(host="127.0.0.1", port=port, query=query)
        return through.render_as_string(hide_password=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.is_down = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.release()
        self.cut_all()
        for thread in self._threads:
            thread.join()

    def break_at(self, request: str | int, fault: Fault) -> None:
        """Let one request go wrong, once: the next with these words, or the one of this number."""
        with self._lock:
            self._words = request.encode() if isinstance(request, str) else b""
            self._requests_before = request - 1 if isinstance(request, int) else 0
            self._held = _Silence()
            self._fault = fault

    def mend(self) -> bool:
        """Let nothing go wrong any more; return whether it would have."""
        with self._lock:
            fault, self._fault = self._fault, None
            return fault is not None

    def wait_until_held(self) -> None:
        """Wait until an answer is kept, or until whoever would wait for it gives up waiting."""
        assert self._held.is_answered.wait(_PATIENCE_S), "nothing was answered"

    def give_up(self) -> None:
        """Whoever waits until an answer is kept need wait no more: none will come."""
        self._held.is_answered.set()

    @property
    def is_holding(self) -> bool:
        """Whether an answer is kept now."""
        return self._held in self._silences.values()

    def release(self) -> None:
        """Let the answer go that was kept, and each one from now on."""
        self._held.is_over.set()

    def cut_all(self) -> None:
        """Break every connection now."""
        with self._lock:
            for it in self._sockets:
                with suppress(OSError):
                    it.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.is_down:
                    client.close()
                    continue
                thread = threading.Thread(target=self._connect, args=(client,))
                self._threads.append(thread)
                thread.start()

    def _connect(self, client: socket.socket) -> None:
        server = self._server()
        with self._lock:
            self._sockets |= {client, server}
        back = threading.Thread(target=self._pass_back, args=(server, client))
        back.start()
        self._pass_on(client, server)
        back.join()
        with self._lock:
            self._sockets -= {client, server}
            self._silences.pop(server, None)
        client.close()
        server.close()

    def _server(self) -> socket.socket:
        host: Any = self._target.host or self._target.query.get("host", "localhost")
        port: Any = self._target.port or self._target.query.get("port", 5432)
        if host.startswith("/"):
            local = socket.socket(socket.AF_UNIX)
            local.connect(f"{host}/.s.PGSQL.{port}")
            return local
        return socket.create_connection((host, int(port)))

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """What dmcore says, until the wire breaks."""
        with suppress(OSError):
            for said, is_request in _said_by(client):
                fault = self._fault_of(said) if is_request else None
                if fault is None:
                    server.sendall(said)
                elif fault.kind is Kind.REFUSED:
                    server.sendall(fault.request)
                elif fault.kind is Kind.HELD:
                    self._silences[server] = self._held
                    server.sendall(said)
                else:
                    if fault.kind is Kind.UNANSWERED:
                        silence = self._silences[server] = _Silence()
                        server.sendall(said)
                        silence.is_answered.wait(_PATIENCE_S)
                    break
        for it in (client, server):
            with suppress(OSError):
                it.shutdown(socket.SHUT_RDWR)

    def _fault_of(self, request: bytes) -> Fault | None:
        """What goes wrong with a request."""
        with self._lock:
            if self._fault is None or self._words not in request:
                return None
            if self._requests_before:
                self._requests_before -= 1
                return None
            fault, self._fault = self._fault, None
            self.cuts += 1
            return fault

    def _pass_back(self, server: socket.socket, client: socket.socket) -> None:
        """What the server says; a silenced server is listened to, and not passed on."""
        with suppress(OSError):
            while chunk := server.recv(_CHUNK):
                silence = self._silences.get(server)
                if silence is None:
                    client.sendall(chunk)
                    continue
                silence.kept += chunk
                if not _is_complete(silence.kept):
                    continue
                silence.is_answered.set()
                if silence is self._held:
                    silence.is_over.wait(_PATIENCE_S)
                    del self._silences[server]
                    client.sendall(silence.kept)
        for it in (client, server):
            with suppress(OSError):
                it.shutdown(socket.SHUT_RDWR)


def _said_by(client: socket.socket) -> Iterator[tuple[bytes, bool]]:
    """What a client says, in pieces that can be passed on, and whether each is a request.

    First comes one message without a letter, then messages with a letter, a length and a body each.
    What has no answer, as a password or the end of it all, is no request.
    """
    heard, at, has_begun = b"", 0, False
    while chunk := client.recv(_CHUNK):
        heard += chunk
        while (end := _end_of_message(heard, at + has_begun)) is not None:
            letter = heard[at : at + 1] if has_begun else b""
            at = end
            is_request = letter in _ENDS_OF_REQUEST
            if is_request or letter not in (b"P", b"B", b"D", b"E", b"C"):
                yield heard[:at], is_request
                heard, at = heard[at:], 0
            has_begun = True


def _end_of_message(heard: bytes, at: int) -> int | None:
    """Where a message ends whose length stands here, if all of it was heard."""
    length = heard[at : at + 4]
    end = at + int.from_bytes(length, "big")
    return end if len(length) == 4 and end <= len(heard) else None


def _is_complete(answer: bytes) -> bool:
    """Whether the messages end with ReadyForQuery: a letter, a length, a body, for each."""
    at = 0
    while at + 5 <= len(answer):
        kind, length = answer[at : at + 1], int.from_bytes(answer[at + 1 : at + 5], "big")
        at += 1 + length
        if kind == b"Z" and at <= len(answer):
            return True
    return False
