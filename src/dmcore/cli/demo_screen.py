"""How the demo's scenes look, as data and on a terminal. It refuses to play them."""

from collections.abc import Iterator
from typing import Final

import attrs
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from dmcore.cli.demo_scene import ACCEPTED, Act, Scene, Spoken, View
from dmcore.domain.instants import to_datetime

# Two screens fit beside each other in a terminal of the usual width.
_NARROWEST_PAIR: Final = 70


def scene_facts(scene: Scene) -> dict[str, object]:
    """A scene as data."""
    return {
        "title": scene.title,
        "meaning": scene.meaning,
        "acts": [
            {
                "at": _iso(act.at_us),
                "who": act.who,
                "does": act.does,
                "says": act.says,
                "answer": act.answer,
                "detail": act.detail,
            }
            for act in scene.acts
        ],
        "views": [
            {
                "who": view.who,
                "unread": view.unread,
                "inbox": [
                    {
                        "other": line.other,
                        "unread": line.unread,
                        "newest": _spoken_facts(line.newest) if line.newest else None,
                    }
                    for line in view.inbox
                ],
                "thread": [_spoken_facts(spoken) for spoken in view.thread],
                "earlier": view.earlier,
            }
            for view in scene.views
        ],
    }


def _spoken_facts(spoken: Spoken) -> dict[str, object]:
    return {"sender": spoken.sender, "text": spoken.text, "at": _iso(spoken.at_us)}


def _iso(at_us: int) -> str:
    return to_datetime(at_us).isoformat()


def scene_rows(number: int, scene: Scene) -> Iterator[RenderableType]:
    """A scene for a person."""
    yield from heading(f"{number}  {scene.title}")
    yield Text(scene.meaning, style="italic")
    yield Text()
    yield _acts(scene.acts)
    if scene.views:
        yield _SideBySide([_screen(view) for view in scene.views])


def heading(text: str) -> tuple[RenderableType, ...]:
    """The line above a part of the transcript."""
    return Text(), Rule(Text(f"{text} ", style="bold"), align="left", style="dim")


def _acts(acts: tuple[Act, ...]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim")
    table.add_column(ratio=1)
    for act in acts:
        does = Text.assemble((act.who, "bold"), " ", act.does)
        if act.says is not None:
            does.append(f": “{act.says}”")
        table.add_row(f"{to_datetime(act.at_us):%H:%M:%S}", does)
        table.add_row("", _answer(act))
    return table


def _answer(act: Act) -> Text:
    if act.answer == ACCEPTED:
        done = "done" if act.says is None else "sent"
        return Text(f"✓ {act.detail or done}", style="green")
    return Text.assemble((f"✗ refused: {act.detail}", "red"), (f"  [{act.answer}]", "dim"))


@attrs.frozen
class _SideBySide:
    """Screens beside each other where the terminal is wide enough, else below each other."""

    screens: list[Panel]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < _NARROWEST_PAIR:
            yield from self.screens
            return
        grid = Table.grid(padding=(0, 1), expand=True)
        for _ in range(2):
            grid.add_column(ratio=1)
        grid.add_row(*self.screens)
        yield grid


def _screen(view: View) -> Panel:
    inbox = [_inbox(view)] if view.inbox else [_NOTHING]
    earlier = [Text(f"({view.earlier} earlier)", style="dim")] if view.earlier else []
    thread = [_spoken(spoken, view.who) for spoken in view.thread] or [_NOTHING]
    rows = (_caption("Inbox"), *inbox, Text(), _caption("Conversation"), *earlier, *thread)
    title = Text.assemble((f"{view.who.capitalize()} sees", "bold"), f" · {view.unread} unread")
    return Panel(Group(*rows), title=title, title_align="left", border_style="dim")


_NOTHING: Final = Text("nothing", style="dim")


def _caption(text: str) -> Text:
    return Text(text, style="dim underline")


def _inbox(view: View) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True, justify="right")
    for line in view.inbox:
        preview = Text() if line.newest is None else _preview(line.newest, view.who)
        unread = Text(f"{line.unread} new" if line.unread else "", style="bold yellow")
        table.add_row(Text(line.other, style="bold"), preview, unread)
    return table


def _preview(spoken: Spoken, reader: str) -> Text:
    return Text(f"you: {spoken.text}" if spoken.sender == reader else spoken.text)


def _spoken(spoken: Spoken, reader: str) -> Text:
    who = "you" if spoken.sender == reader else spoken.sender
    return Text.assemble((f"{to_datetime(spoken.at_us):%H:%M} {who}: ", "dim"), spoken.text)
