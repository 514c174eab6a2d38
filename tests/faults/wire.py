"""A wire between dmcore and PostgreSQL that can be cut at a chosen moment.

It passes bytes on and knows just enough of the protocol to tell when an answer is complete. Cut
``BEFORE`` a statement, the server never hears it; cut ``AFTER`` it, the server has done it and
dmcore never hears of it.
"""

import socket
import threading
from contextlib import suppress
from enum import Enum, auto
from typing import Any, Self

import attrs
from sqlalchemy import make_url

_CHUNK = 1 << 16
_PATIENCE_S = 30


class When(Enum):
    """On which side of a statement the wire breaks."""

    BEFORE = auto()
    AFTER = auto()


@attrs.frozen
class Cut:
    """Where to cut: at the first message to the server that holds these bytes."""

    marker: bytes
    when: When


class Wire:
    """Listens on a port of its own and connects each caller with the server."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._cut: Cut | None = None
        # Servers whose answers are kept from dmcore, and whether the answer is complete.
        self._silenced: dict[socket.socket, threading.Event] = {}
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
        self.cut_all()
        for thread in self._threads:
            thread.join()

    def cut(self, marker: str, when: When) -> None:
        """Break the next connection that says ``marker``, once."""
        self._cut = Cut(marker.encode(), when)

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
        """What dmcore says, until the wire is cut."""
        with suppress(OSError):
            while chunk := client.recv(_CHUNK):
                cut = self._cut
                if cut is None or cut.marker not in chunk:
                    server.sendall(chunk)
                    continue
                self._cut = None
                self.cuts += 1
                if cut.when is When.AFTER:
                    answered = self._silenced[server] = threading.Event()
                    server.sendall(chunk)
                    answered.wait(_PATIENCE_S)
                break
        for it in (client, server):
            with suppress(OSError):
                it.shutdown(socket.SHUT_RDWR)

    def _pass_back(self, server: socket.socket, client: socket.socket) -> None:
        """What the server says; a silenced server is listened to, and not passed on."""
        kept = b""
        with suppress(OSError):
            while chunk := server.recv(_CHUNK):
                if server in self._silenced:
                    kept += chunk
                    if _is_complete(kept):
                        self._silenced[server].set()
                else:
                    client.sendall(chunk)
        for it in (client, server):
            with suppress(OSError):
                it.shutdown(socket.SHUT_RDWR)


def _is_complete(answer: bytes) -> bool:
    """Whether the messages end with ReadyForQuery: a letter, a length, a body, for each."""
    at = 0
    while at + 5 <= len(answer):
        kind, length = answer[at : at + 1], int.from_bytes(answer[at + 1 : at + 5], "big")
        at += 1 + length
        if kind == b"Z" and at <= len(answer):
            return True
    return False
