"""How a result is printed: JSON for programs, tables for people. It knows no command."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

Item = TypeVar("Item")

WIDEST: Final = 100


def print_json(facts: Mapping[str, object]) -> None:
    """One JSON object on one line, in ASCII, so that any pipe can carry it."""
    sys.stdout.write(json.dumps(facts) + "\n")
    # Now, while a full disk or a closed pipe can still be told.
    sys.stdout.flush()


def print_rows(*rows: RenderableType) -> None:
    """Lines and tables for a person. Text is text: nothing in it is taken for mark-up."""
    console = terminal()
    for row in rows:
        console.print(row)


def print_whole(line: str) -> None:
    """A line that is to be copied: never broken, whatever the width."""
    terminal().print(Text(line), soft_wrap=True)


def terminal() -> Console:
    """Standard output as it is now: plain where it is not a terminal."""
    console = Console(highlight=False, markup=False, emoji=False)
    # An environment that says 0 columns knows nothing about its screen.
    console.width = min(console.width or 80, WIDEST)
    return console


def sentence(text: str, style: str = "") -> Text:
    """A line of prose."""
    return Text(text, style=style, overflow="fold")


def facts_table(rows: Mapping[str, object]) -> Table:
    """Names on the left, values on the right, numbers with their thousands apart."""
    table = Table.grid(padding=(0, 3))
    for name, value in rows.items():
        shown = f"{value:,}" if isinstance(value, int | float) else str(value)
        table.add_row(Text(name.replace("_", " "), style="dim"), _cell(shown))
    return table


def listing(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table with headings."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(text: str) -> Text:
    """A value as it is, whoever chose it: what draws nothing or turns a line around is spelt out.

    An id may hold a character that makes the rest of its row read backwards.
    """
    spelt = (it if it.isprintable() else it.encode("unicode_escape").decode() for it in text)
    return Text("".join(spelt), overflow="fold")


def teller(*, as_json: bool) -> Callable[[str], None]:
    """Says what is being done, where a person looks on."""
    console = Console(stderr=True)
    if as_json or not (sys.stdout.isatty() and console.is_terminal):
        return lambda _step: None
    return lambda step: console.print(sentence(f"{step} …", style="dim"))


@contextmanager
def progress(items: Iterable[Item], *, total: int, as_json: bool) -> Iterator[Iterable[Item]]:
    """The same items, with a bar that follows them where a person looks on."""
    console = Console(stderr=True)
    if as_json or not (sys.stdout.isatty() and console.is_terminal):
        yield items
        return
    columns = (TextColumn("{task.percentage:>3.0f}%"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        yield bar.track(items, total=total)
