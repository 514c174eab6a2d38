"""Opens WhiteBalloon: ``python -m examples.whiteballoon``."""

import argparse
import signal
import socket
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn

from examples.ports import port_of
from examples.whiteballoon.app import WhiteBalloon


class Server(uvicorn.Server):
    """Closes open streams before it waits for the requests that are being answered."""

    def __init__(self, site: WhiteBalloon) -> None:
        self._site = site
        super().__init__(uvicorn.Config(site.app, log_level="warning", access_log=False))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it, after that."""
        self._site.messages.close()
        await super().shutdown(sockets)


def main() -> None:
    """Serve until somebody ends it."""
    parser = argparse.ArgumentParser(prog="python -m examples.whiteballoon", description=__doc__)
    parser.add_argument("--port", type=int, help="0 is any free one; without it 8000, if free")
    parser.add_argument("--folder", type=Path, help="where everything stays; without it, it goes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        TemporaryDirectory(prefix="whiteballoon-") as spare,
        socket.create_server(("127.0.0.1", port_of(options.port))) as listener,
    ):
        server = Server(WhiteBalloon(options.folder or Path(spare)))
        print(f"WhiteBalloon is open at http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
        print("Be Rosa first, and turn messaging on under Admin. Ctrl+C ends it.")
        server.run([listener])


if __name__ == "__main__":
    main()
