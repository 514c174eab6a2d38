"""Opens Residents: ``python -m examples.residents``."""

import argparse
import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import uvicorn

from dmcore.testing.postgres import PostgresServer
from examples.ports import port_of
from examples.residents.app import Residents
from examples.residents.database import Databases, prepared
from examples.residents.secret import kept_secret
from examples.residents.story import told

VARIABLE = "RESIDENTS_DATABASE_URL"


class Server(uvicorn.Server):
    """Closes open streams before it waits for requests, and ends without raising what ended it."""

    def __init__(self, site: Residents) -> None:
        self._site = site
        super().__init__(uvicorn.Config(site.app, log_level="warning", access_log=False))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Interrupted once: end in order. Twice: at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it, after that."""
        self._site.messages.close()
        await super().shutdown(sockets)


@contextmanager
def _postgres(given: str | None) -> Iterator[str]:
    """An administrator's URL: the one that was given, or that of a server of our own."""
    if given is not None:
        yield given
        return
    with PostgresServer() as server:
        yield server.url()


async def _serve(databases: Databases, listener: socket.socket, folder: Path) -> None:
    site = await Residents.opened(databases, secret=kept_secret(folder / "session.key"))
    print(f"Residents is open at http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
    print("Be one person in one window and another in a private one. Ctrl+C ends it.", flush=True)
    await Server(site).serve([listener])


def main() -> None:
    """Serve until somebody ends it."""
    parser = argparse.ArgumentParser(prog="python -m examples.residents", description=__doc__)
    parser.add_argument("--port", type=int, help="0 is any free one; without it 8000, if free")
    parser.add_argument("--folder", type=Path, help="where keys stay; without it, they go")
    parser.add_argument(
        "--url",
        default=os.environ.get(VARIABLE),
        help="a PostgreSQL login that may make databases and roles, where everything stays; without"
        f" it and without {VARIABLE}, a server is started, and goes at the end",
    )
    parser.add_argument("--name", default="residents", help="how databases and roles begin")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        TemporaryDirectory(prefix="residents-") as spare,
        socket.create_server(("127.0.0.1", port_of(options.port))) as listener,
        _postgres(options.url) as admin,
    ):
        folder = options.folder or Path(spare)
        folder.mkdir(parents=True, exist_ok=True)
        databases, is_new = prepared(admin, name=options.name, folder=folder)
        if is_new:
            asyncio.run(told(databases))
        asyncio.run(_serve(databases, listener, folder))


if __name__ == "__main__":
    main()
