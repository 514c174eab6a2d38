"""The command ``dmcore demo``: the inbox in a browser, or the product in a minute as a script."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import URL

from dmcore.cli.demo_script import play
from dmcore.cli.failures import INTERRUPTED, MissingExtra
from dmcore.cli.options import AsJson
from dmcore.cli.stores import StoreAddress
from dmcore.errors import InvalidSetting

_SITE_NEEDS: Final = ("jinja2", "starlette", "uvicorn")


def demo(
    *,
    script: Annotated[
        bool, typer.Option("--script", help="Show a play on the terminal instead of a site.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            help="The site's port; 0 is any free one. Without it 8000, or the next free one.",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host", help="Where the site listens. Whoever reaches it can be any of its people."
        ),
    ] = "127.0.0.1",
    file: Annotated[
        Path | None,
        typer.Option("--file", help="The SQLite file to play in, which stays, if not a new one."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", help="Another store to play in: postgresql://USER@HOST/NAME or memory:."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open the inbox in a browser: a site with a few people, any of whom one can be.

    Two windows can be two people, who talk live. It plays in a new SQLite file in the folder for
    temporary files, which is gone when the site ends, by Ctrl+C. Where nobody looks on, or with
    --json, its address is one JSON object.

    --script lets two people meet, write, read, reach a limit and block, and shows what each of them
    sees. Its clock is set by hand, so nothing waits, and its new file stays there to be looked at.

    DMCORE_URL does not count here: a demo never plays in a store by accident.
    """
    if file is not None and url is not None:
        raise InvalidSetting("url", "cannot be given together with --file")
    named = _in_file(file) if file is not None else StoreAddress(url) if url is not None else None
    if script:
        play(named or _in_file(_new_folder() / "demo.db"), as_json=as_json)
        return
    if any(find_spec(package) is None for package in _SITE_NEEDS):
        raise MissingExtra("the demo site", "demo")
    from dmcore.cli.demo_server import listening, orderly_end, serve

    with orderly_end(), listening(host, port) as socket, _playground(named) as address:
        serve(address, socket, as_json=as_json)
    raise typer.Exit(INTERRUPTED)


def _in_file(file: Path) -> StoreAddress:
    return StoreAddress(URL.create("sqlite", database=str(file)).render_as_string())


def _new_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="dmcore-demo-"))


@contextmanager
def _playground(named: StoreAddress | None) -> Iterator[StoreAddress]:
    """The store that was named, or one of its own that is gone afterwards."""
    if named is not None:
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="dmcore-demo-") as folder:
        yield _in_file(Path(folder) / "demo.db")
