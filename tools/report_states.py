"""Draws the life of a report into docs/how-to/moderation.md, from the table that rules it.

A drawing beside the page and the same as a table in it. `--write` makes both anew, `--check` fails
where one shows something else.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools import diagrams

from dmcore.domain.reports import MOVES, TAKERS_ALONE, ReportState

PAGE = Path("docs/how-to/moderation.md")
DRAWING = Path("docs/diagrams/report.svg")
BEGIN = "<!-- Drawn by tools/report_states.py from the table of moves. Do not edit. -->\n"
END = "<!-- The end of the drawing. -->\n"
PLACES = {
    ReportState.PENDING: (1, 1),
    ReportState.TAKEN: (2, 1),
    ReportState.RESOLVED: (2, 0),
    ReportState.DISMISSED: (2, 2),
}


def table() -> str:
    """Every move there is."""
    lines = ["| from | move | to | by |", "|---|---|---|---|"]
    for (state, move), after in MOVES.items():
        who = "who took it" if move in TAKERS_ALONE else "any moderator"
        lines.append(f"| {state} | `{move}` | {after} | {who} |")
    return "\n".join(lines) + "\n"


def drawing() -> str:
    """The same as boxes and arrows."""
    made = {state.value: {"text": state.value, "at": list(at)} for state, at in PLACES.items()}
    arrows = [{"from": "made", "to": ReportState.PENDING.value, "label": "report"}]
    for (state, move), after in MOVES.items():
        one, two = PLACES[state], PLACES[after]
        # Two arrows between the same two boxes go side by side.
        shift = 0 if one[1] != two[1] else 9 if one[0] > two[0] else -9
        arrows.append(
            {"from": state.value, "to": after.value, "label": move.value, "shift": shift}  # type: ignore[dict-item]
        )
    return diagrams.boxes(
        {
            "title": "The life of a report",
            "words": ". ".join(
                f"{state}, {move}: {after}" for (state, move), after in MOVES.items()
            ),
            "between": 150,
            "row": 76,
            "box": {"made": {"text": "made", "at": [0, 1], "kind": "ask"}, **made},
            "arrow": arrows,
        }
    )


def drawn(page: str) -> str:
    """The page with the life as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    link = f"![Four states and the moves between them](../{DRAWING.relative_to('docs')})"
    return f"{before}{BEGIN}\n{link}\n\n{table()}\n{END}{after}"


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="fail when the page is stale")
    what.add_argument("--write", action="store_true", help=f"write {PAGE}")
    options = parser.parse_args(arguments)
    target: Path = options.root / PAGE
    image: Path = options.root / DRAWING
    page = target.read_text(encoding="utf-8")
    if options.write:
        target.write_text(drawn(page), encoding="utf-8")
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_text(drawing(), encoding="utf-8")
        return 0
    shown = image.read_text(encoding="utf-8") if image.exists() else ""
    if drawn(page) != page or shown != drawing():
        print(
            f"report states: {PAGE} is stale: run `python -m tools.report_states --write`",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
