"""Opens the forum: ``python -m examples.community``."""

import argparse
import logging
import signal
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from werkzeug.serving import make_server

from examples.community.app import Community
from examples.ports import port_of


def main() -> None:
    """Serve until somebody ends it."""
    parser = argparse.ArgumentParser(prog="python -m examples.community", description=__doc__)
    parser.add_argument("--port", type=int, help="0 is any free one; without it 8000, if free")
    parser.add_argument("--folder", type=Path, help="where everything stays; without it, it goes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with (
        suppress(KeyboardInterrupt),
        TemporaryDirectory(prefix="community-") as spare,
        Community(options.folder or Path(spare)) as site,
    ):
        server = make_server("127.0.0.1", port_of(options.port), site.app, threaded=True)
        print(f"Community is open at http://127.0.0.1:{server.port}/", flush=True)
        print("Be one person in one window and another in a private one. Ctrl+C ends it.")
        server.serve_forever()


if __name__ == "__main__":
    main()
