"""``dmcore demo --script``: the product in a minute, played and shown on a terminal."""

import shlex
from typing import Final

import typer

from dmcore.adapters.clock import ManualClock
from dmcore.cli.demo_screen import heading, scene_facts, scene_rows
from dmcore.cli.demo_story import BEGIN_US, Stage
from dmcore.cli.operate import counts, verdict, verdict_rows
from dmcore.cli.render import print_json, print_rows, print_whole, sentence
from dmcore.cli.stores import StoreAddress, operator_of

_PROLOGUE: Final = (
    "Ann and Bob use the same website, and dmcore carries their private messages. This is what they"
    " do, and what each of them sees then. The clock is set by hand, so nothing waits."
)


def play(address: StoreAddress, *, as_json: bool) -> None:
    """Let two people meet, write, read, reach a limit and block; show what each of them sees."""
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


def _say_what_next(address: StoreAddress) -> None:
    print_rows(*heading("Next"))
    if address.is_sqlite:
        print_whole(f"this store is a file    {address.place}")
        print_whole(f"look at it              dmcore status --url {shlex.quote(address.url)}")
    print_whole("make one of your own    dmcore init && dmcore mode on")
    print_whole("fill it with people     dmcore seed")
    print_whole("learn every command     dmcore --help")
