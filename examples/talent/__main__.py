"""Opens the marketplace: ``python -m examples.talent``."""

import argparse
import os
import signal
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import django

from examples.ports import port_of


def main() -> None:
    """Serve until somebody ends it."""
    parser = argparse.ArgumentParser(prog="python -m examples.talent", description=__doc__)
    parser.add_argument("--port", type=int, help="0 is any free one; without it 8000, if free")
    parser.add_argument("--folder", type=Path, help="where everything stays; without it, it goes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), TemporaryDirectory(prefix="talent-") as spare:
        folder = options.folder or Path(spare)
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["TALENT_FOLDER"] = str(folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "examples.talent.settings"
        django.setup()
        _serve(port_of(options.port))


def _serve(port: int) -> None:
    # These know of Django's settings, which are there by now.
    from django.core.management import call_command
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    from examples.talent import departures, messaging, story

    # A site that has to live has migrations; the tables of this one are made as they are.
    call_command("migrate", run_syncdb=True, verbosity=0)
    if messaging.is_new:
        story.begin(messaging.dm)
    departures.finish()
    server = ThreadedWSGIServer(("127.0.0.1", port), WSGIRequestHandler)
    server.set_app(get_wsgi_application())
    print(f"Talent is open at http://127.0.0.1:{server.server_port}/", flush=True)
    print("Be one person in one window and another in a private one. Ctrl+C ends it.", flush=True)
    try:
        server.serve_forever()
    finally:
        messaging.close()
        server.server_close()


if __name__ == "__main__":
    main()
