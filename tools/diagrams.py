"""Draws docs/diagrams/*.svg from the *.toml beside them: boxes and arrows, or who says what.

A drawing is a file of its own, so that a page shows it wherever it is read and fetches nothing. It
goes along with a dark page, and says in words what it shows. `--write` draws all anew, `--check`
fails where one is stale.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("docs/diagrams")
LETTER, LINE, PADDING, GAP = 7.7, 19, 14, 14

STYLE = """\
text { font: 14px system-ui, sans-serif; fill: #1d2733 }
.label { font-size: 12.5px; fill: #4a5868 }
.box { fill: #f4f7fa; stroke: #8296a8 }
.ask { fill: #e8f0fb; stroke: #5b7fb3 }
.no { fill: #fdf1ee; stroke: #c07a68 }
.yes { fill: #ebf6ee; stroke: #5f9a70 }
.line { fill: none; stroke: #64748b; stroke-width: 1.4 }
.head { fill: #64748b }
.life { stroke: #a5b3c1; stroke-dasharray: 4 4 }
@media (prefers-color-scheme: dark) {
text { fill: #e4e9ef } .label { fill: #aab7c4 }
.box { fill: #202a34; stroke: #64788c } .ask { fill: #1d2c42; stroke: #6d92c8 }
.no { fill: #3a2521; stroke: #c98a79 } .yes { fill: #1d3324; stroke: #71b083 }
.line { stroke: #94a3b4 } .head { fill: #94a3b4 } .life { stroke: #52616f }
}"""


@attrs.frozen
class Box:
    """A box around lines of text, by its middle."""

    lines: tuple[str, ...]
    kind: str
    x: float
    y: float

    @property
    def width(self) -> float:
        return max(map(len, self.lines)) * LETTER + 2 * PADDING

    @property
    def height(self) -> float:
        return len(self.lines) * LINE + PADDING

    def drawn(self) -> str:
        left, top = self.x - self.width / 2, self.y - self.height / 2
        box = (
            f'<rect class="{self.kind}" x="{left:.1f}" y="{top:.1f}" width="{self.width:.1f}"'
            f' height="{self.height:.1f}" rx="6"/>'
        )
        first = self.y - (len(self.lines) - 1) * LINE / 2 + 5
        return box + "".join(
            _text(line, self.x, first + number * LINE) for number, line in enumerate(self.lines)
        )


def _text(words: str, x: float, y: float, kind: str = "", anchor: str = "middle") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _line(*points: tuple[float, float]) -> str:
    """A line through these points, with a head at its end."""
    path = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    (x0, y0), (x1, y1) = points[-2:]
    length = max(abs(x1 - x0), abs(y1 - y0), 1)
    dx, dy = (x1 - x0) / length * 9, (y1 - y0) / length * 9
    head = f"{x1:.1f},{y1:.1f} {x1 - dx - dy / 2:.1f},{y1 - dy + dx / 2:.1f}"
    head += f" {x1 - dx + dy / 2:.1f},{y1 - dy - dx / 2:.1f}"
    return f'<path class="line" d="M{path}"/><polygon class="head" points="{head}"/>'


def svg(title: str, words: str, width: float, height: float, parts: Iterable[str]) -> str:
    """A whole drawing; whoever cannot see it hears its title and its words."""
    body = "\n".join(parts)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="t d" \
viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">
<title id="t">{escape(title)}</title>
<desc id="d">{escape(words)}</desc>
<style>
{STYLE}
</style>
{body}
</svg>
"""


def boxes(drawing: Mapping[str, Any]) -> str:
    """Boxes on a grid, and arrows between their sides.

    Columns are as wide as their widest box. An arrow goes straight along a row or a column, shifted
    by ``shift``, or else round one corner.
    """
    found = drawing["box"]
    columns = 1 + max(box["at"][0] for box in found.values())
    made = {
        name: Box(tuple(it["text"].split("\n")), it.get("kind", "box"), 0, 0)
        for name, it in found.items()
    }
    widths = [
        max((made[name].width for name, it in found.items() if it["at"][0] == column), default=0)
        for column in range(columns)
    ]
    between = drawing.get("between", 70)
    height_of_row = drawing.get("row", 62)
    middles, left = [], GAP
    for width in widths:
        middles.append(left + width / 2)
        left += width + between
    placed = {
        name: attrs.evolve(
            made[name],
            x=middles[it["at"][0]],
            y=GAP + height_of_row / 2 + it["at"][1] * height_of_row,
        )
        for name, it in found.items()
    }
    arrows = [_arrow(placed[it["from"]], placed[it["to"]], it) for it in drawing.get("arrow", ())]
    rows = 1 + max(box["at"][1] for box in found.values())
    total = (left - between + GAP, rows * height_of_row + 2 * GAP)
    parts = [*arrows, *(box.drawn() for box in placed.values())]
    return svg(drawing["title"], drawing["words"], *total, parts)


def _arrow(one: Box, two: Box, arrow: Mapping[str, Any]) -> str:
    shift = arrow.get("shift", 0)
    label = arrow.get("label", "")
    if one.y == two.y:
        way = 1 if two.x > one.x else -1
        y = one.y + shift
        start, end = one.x + way * one.width / 2, two.x - way * two.width / 2
        middle = (start + end) / 2
        below = 15 if shift > 0 else -6
        return _line((start, y), (end, y)) + _text(label, middle, y + below, "label")
    way = 1 if two.y > one.y else -1
    if one.x == two.x:
        x = one.x + shift
        start, end = one.y + way * one.height / 2, two.y - way * two.height / 2
        middle = (start + end) / 2 + 4
        return _line((x, start), (x, end)) + _text(label, x + 8, middle, "label", "start")
    side = 1 if two.x > one.x else -1
    start = one.x + side * one.width / 2
    end = two.y - way * two.height / 2
    x = two.x + shift
    return _line((start, one.y), (x, one.y), (x, end)) + _text(
        label, start + side * 10, one.y - 6, "label", "start" if side > 0 else "end"
    )


def sequence(drawing: Mapping[str, Any]) -> str:
    """Who says what to whom, from top to bottom."""
    names = list(drawing["who"])
    apart = drawing.get("apart", 260)
    places = {name: 90 + number * apart for number, name in enumerate(names)}
    y = 74.0
    said = []
    for step in drawing["step"]:
        if "note" in step:
            said.append(Box((step["note"],), "ask", places[step["at"]], y).drawn())
        else:
            one, two = places[step["from"]], places[step["to"]]
            said.append(_line((one, y), (two, y)))
            said.append(_text(step["says"], (one + two) / 2, y - 6, "label"))
        y += 40
    lives = [
        f'<line class="life" x1="{x}" x2="{x}" y1="40" y2="{y - 20:.0f}"/>' for x in places.values()
    ]
    heads = [Box((name,), "box", x, 26).drawn() for name, x in places.items()]
    width = 180 + (len(names) - 1) * apart
    return svg(drawing["title"], drawing["words"], width, y, [*lives, *said, *heads])


def ladder(drawing: Mapping[str, Any]) -> str:
    """Questions from top to bottom, each with what is answered where it ends there."""
    steps = drawing["step"]
    made: dict[str, Any] = {"begin": {"text": drawing["begin"], "at": [0, 0]}}
    arrows = []
    for number, step in enumerate(steps, start=1):
        made[f"ask{number}"] = {"text": step["ask"], "at": [0, number], "kind": "ask"}
        if "answer" in step:
            made[f"end{number}"] = {"text": step["answer"], "at": [1, number], "kind": "no"}
            arrows.append({"from": f"ask{number}", "to": f"end{number}", "label": step["when"]})
    made["done"] = {"text": drawing["done"], "at": [0, len(steps) + 1], "kind": "yes"}
    order = ["begin", *(f"ask{number}" for number in range(1, len(steps) + 1)), "done"]
    arrows += [{"from": one, "to": two} for one, two in pairwise(order)]
    return boxes({**drawing, "box": made, "arrow": arrows, "between": 130})


KINDS = {"boxes": boxes, "sequence": sequence, "ladder": ladder}


def drawings(root: Path) -> Iterator[tuple[Path, str]]:
    """Every drawing there is to be: its file, and what stands in it."""
    for source in sorted((root / FOLDER).glob("*.toml")):
        drawing = tomllib.loads(source.read_text(encoding="utf-8"))
        yield source.with_suffix(".svg"), KINDS[drawing["kind"]](drawing)


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=ROOT)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="fail when a drawing is stale")
    what.add_argument("--write", action="store_true", help="draw all of them")
    options = parser.parse_args(arguments)
    stale = []
    for file, drawn in drawings(options.root):
        if options.write:
            file.write_text(drawn, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != drawn:
            stale.append(file.relative_to(options.root))
    for name in stale:
        print(f"diagrams: {name} is stale: run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
