"""What the relay is tried on: stores of each kind, and a receiver of webhooks on this machine."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs
import pytest
from tests.support.stores import Harness, MemoryHarness, PostgresHarness, SqliteHarness

from dmcore.adapters import sql
from dmcore.testing.world import World


@attrs.frozen(kw_only=True)
class Request:
    """What a receiver was sent."""

    path: str
    headers: dict[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


class WebhookServer:
    """Receives webhooks, and answers as it is told to."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.status = 204
        self.location = ""
        # A receiver that hangs does so until this is set.
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.arrived = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.requests.append(Request(path=self.path, headers=headers, body=body))
                outer.arrived.set()
                outer.goes_on.wait()
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("location", outer.location)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing to say."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook?site=1"

    def close(self) -> None:
        self.goes_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    made = WebhookServer()
    yield made
    made.close()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def harness(kind: str, request: pytest.FixtureRequest) -> Iterator[Harness]:
    """An empty store."""
    made: Harness
    if kind == "memory":
        made = MemoryHarness()
    else:
        url = request.getfixturevalue("sqlite_url" if kind == "sqlite" else "postgres_url")
        sql.initialise(url)
        made = SqliteHarness(url) if kind == "sqlite" else PostgresHarness(url)
    yield made
    made.close()


@pytest.fixture
def world(harness: Harness) -> World:
    """People on it."""
    return World(harness)
