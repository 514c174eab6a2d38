"""Serving the demo site: the port, the line with the address, and an end that leaves nothing.

It refuses to know what the site shows.
"""

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

import uvicorn
from rich.text import Text

from dmcore.cli.demo_people import CHARACTERS, POLICY, STAFF, StoryClock, settle
from dmcore.cli.demo_site import DemoSite
from dmcore.cli.render import print_json, print_rows
from dmcore.cli.stores import StoreAddress, operator_of

_FIRST_PORT: Final = 8000
_TRIED_PORTS: Final = 20
# So long may requests take that are being answered when the end comes.
_LAST_ANSWERS_S: Final = 3
_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def orderly_end() -> Iterator[None]:
    """Inside, whatever asks this process to end does so once, and in order; it ends the block."""
    before = {
        number: handler
        for number in _ENDINGS
        if (handler := signal.getsignal(number)) is not signal.SIG_IGN
    }

    def interrupted(*_: object) -> None:
        _ignore_endings()
        raise KeyboardInterrupt

    for number in before:
        signal.signal(number, interrupted)
    if signal.SIGHUP in before:
        # The server listens for the other two only.
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_endings() -> None:
    """Nothing interrupts the clearing up."""
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def listening(host: str, port: int | None) -> Iterator[socket.socket]:
    """A socket on this port; without one, on 8000 or the next that is free. Raises ``OSError``."""
    with _bound(host, port) as found:
        yield found


def _bound(host: str, port: int | None) -> socket.socket:
    if port is not None:
        return socket.create_server((host, port))
    for tried in range(_FIRST_PORT, _FIRST_PORT + _TRIED_PORTS):
        with suppress(OSError):
            return socket.create_server((host, tried))
    return socket.create_server((host, 0))


def serve(address: StoreAddress, listener: socket.socket, *, as_json: bool) -> None:
    """Say where the site is, and serve it until somebody ends it."""
    address.initialise()
    clock = StoryClock()
    with address.open(policy=POLICY, clock=clock) as dm:
        settle(dm, operator_of(dm), clock)
        server = _Server(DemoSite(dm))
        host, port = listener.getsockname()[:2]
        _tell(f"http://{host}:{port}/", address.place, as_json=as_json)
        server.run([listener])
        _ignore_endings()


class _Server(uvicorn.Server):
    """Ends when it is asked to, without raising what asked it once more."""

    def __init__(self, site: DemoSite) -> None:
        self._site = site
        super().__init__(
            uvicorn.Config(
                site.app,
                lifespan="off",
                ws="none",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_LAST_ANSWERS_S,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # First, for an open stream is an answer that would be waited for.
        self._site.close()
        await super().shutdown(sockets)


def _tell(url: str, place: str, *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        people = {user: f"{url}as/{user}/" for user in CHARACTERS}
        staff = {user: f"{url}as/{user}/" for user in STAFF}
        print_json({"url": url, "people": people, "staff": staff, "location": place})
        return
    print_rows(Text.assemble("The inbox is open at ", (url, "bold")))
    print_rows(
        Text("Be one person in one window and another in a second one. Ctrl+C ends it.", "dim")
    )
