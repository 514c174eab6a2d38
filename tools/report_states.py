"""Draws the life of a report into docs/how-to/moderation.md, from the table that rules it.

`--write` draws it anew, `--check` fails where the page shows another one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dmcore.domain.reports import MOVES, TAKERS_ALONE, ReportState

PAGE = Path("docs/how-to/moderation.md")
BEGIN = "<!-- Drawn by tools/report_states.py from the table of moves. Do not edit. -->\n"
END = "<!-- The end of the drawing. -->\n"


def diagram() -> str:
    """The table as a diagram."""
    first = next(iter(ReportState))
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}: report"]
    for (state, move), after in MOVES.items():
        who = " (who took it)" if move in TAKERS_ALONE else ""
        lines.append(f"    {state} --> {after}: {move}{who}")
    return "\n".join([*lines, "```"]) + "\n"


def drawn(page: str) -> str:
    """The page with the diagram as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{diagram()}\n{END}{after}"


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="fail when the page is stale")
    what.add_argument("--write", action="store_true", help=f"write {PAGE}")
    options = parser.parse_args(arguments)
    target: Path = options.root / PAGE
    page = target.read_text(encoding="utf-8")
    if options.write:
        target.write_text(drawn(page), encoding="utf-8")
    elif drawn(page) != page:
        print(
            f"report states: {PAGE} is stale: run `python tools/report_states.py --write`",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
