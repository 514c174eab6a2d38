"""Opens the Care Collective: ``python -m examples.care``."""

import argparse
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import psycopg
import uvicorn
from litestar import Litestar
from psycopg import sql

from dmcore.testing.postgres import PostgresServer
from examples.care.app import create_app
from examples.care.messaging import Places, set_up
from examples.ports import port_of


def main() -> None:
    """Serve until somebody ends it."""
    parser = argparse.ArgumentParser(prog="python -m examples.care", description=__doc__)
    parser.add_argument("--port", type=int, help="0 is any free one; without it 8000, if free")
    parser.add_argument("--folder", type=Path, help="where keys and log stay; without it, they go")
    parser.add_argument(
        "--url",
        help="the site's database on a PostgreSQL server: postgresql://USER@HOST/NAME. Messages get"
        " NAME_messages; both are made if they are not there, and stay. Without it a server of its"
        " own is started, which goes at the end",
    )
    options = parser.parse_args()
    if options.url is not None and options.folder is None:
        parser.error("messages that stay can be read with keys that stay only: say --folder too")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        socket.create_server(("127.0.0.1", port_of(options.port))) as listener,
        _folder(options.folder) as folder,
        _databases(options.url) as (site_url, messages_url),
    ):
        places = Places(site_url=site_url, messages_url=messages_url, folder=folder)
        set_up(places)
        port = listener.getsockname()[1]
        print(f"Care Collective is open at http://127.0.0.1:{port}/", flush=True)
        print("Be one person in one window and another in a private one. Ctrl+C ends it.")
        _Server(create_app(places)).run([listener])


class _Server(uvicorn.Server):
    """Ends streams first: an open one is an answer that would be waited for."""

    def __init__(self, app: Litestar) -> None:
        self._app = app
        config = uvicorn.Config(
            app,
            lifespan="on",
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state["messages"].close()
        await super().shutdown(sockets)


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with TemporaryDirectory(prefix="care-") as spare:
        yield Path(spare)


@contextmanager
def _databases(given: str | None) -> Iterator[tuple[str, str]]:
    """The site's own, and that of the messages."""
    if given is not None:
        name = urlsplit(given).path.removeprefix("/")
        yield _made(given, name), _made(given, f"{name}_messages")
        return
    with PostgresServer() as server:
        made = server.create_database(), server.create_database()
        try:
            yield made
        finally:
            for url in made:
                server.drop_database(url)


def _made(server: str, name: str) -> str:
    """The address of a database on a server, made if it is not there."""

    def at(database: str) -> str:
        return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))

    with psycopg.connect(at("postgres"), autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount == 0:
            create = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0")
            connection.execute(create.format(sql.Identifier(name)))
    return at(name)


if __name__ == "__main__":
    main()
