"""The command ``dmcore demo``: the product in a minute, on a store of its own."""

import shlex
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import URL

from dmcore.adapters.clock import ManualClock
from dmcore.cli.demo_screen import heading, scene_facts, scene_rows
from dmcore.cli.demo_story import BEGIN_US, Stage
from dmcore.cli.operate import counts, verdict, verdict_rows
from dmcore.cli.options import AsJson
from dmcore.cli.render import print_json, print_rows, print_whole, sentence
from dmcore.cli.stores import StoreAddress, operator_of
from dmcore.errors import InvalidSetting


def demo(
    *,
    file: Annotated[
        Path | None, typer.Option("--file", help="The SQLite file to play in, if not a new one.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", help="Another store to play in: postgresql://USER@HOST/NAME or memory:."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let two people meet, write, read, reach a limit and block; show what each of them sees.

    It plays in a new SQLite file in the folder for temporary files, which stays there to be looked
    at. Its clock is set by hand, so nothing waits. DMCORE_URL does not count here: a demo never
    plays in a store by accident.
    """
    address = _address(file, url)
    address.initialise()
    clock = ManualClock(BEGIN_US)
    with address.open(clock=clock) as dm:
        operations = operator_of(dm)
        stage = Stage.set_up(dm, operations, clock)
        if as_json:
            scenes = [scene_facts(scene) for scene in stage.play()]
        else:
            print_rows(sentence(_PROLOGUE))
            for number, scene in enumerate(stage.play(), 1):
                print_rows(*scene_rows(number, scene))
        findings = operations.verify()
        found = operations.status()
    if as_json:
        facts = {"location": address.place, "scenes": scenes, "mode": found.mode}
        print_json({**facts, **verdict(findings), **counts(found)})
    else:
        print_rows(*heading("The operator checks the store"))
        print_rows(sentence("An operator sees counts, never a message.", style="italic"))
        print_rows(*verdict_rows(findings, found))
        _say_what_next(address)
    if findings:
        raise typer.Exit(1)


_PROLOGUE: Final = (
    "Ann and Bob use the same website, and dmcore carries their private messages. This is what they"
    " do, and what each of them sees then. The clock is set by hand, so nothing waits."
)


def _address(file: Path | None, url: str | None) -> StoreAddress:
    if file is not None and url is not None:
        raise InvalidSetting("url", "cannot be given together with --file")
    if url is not None:
        return StoreAddress(url)
    if file is None:
        file = Path(tempfile.mkdtemp(prefix="dmcore-demo-")) / "demo.db"
    return StoreAddress(URL.create("sqlite", database=str(file)).render_as_string())


def _say_what_next(address: StoreAddress) -> None:
    print_rows(*heading("Next"))
    if address.is_sqlite:
        print_whole(f"this store is a file    {address.place}")
        print_whole(f"look at it              dmcore status --url {shlex.quote(address.url)}")
    print_whole("make one of your own    dmcore init && dmcore mode on")
    print_whole("fill it with people     dmcore seed")
    print_whole("learn every command     dmcore --help")
