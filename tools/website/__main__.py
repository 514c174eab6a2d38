"""Makes the website: `python -m tools.website --out FOLDER`."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from tools.website import searching
from tools.website.pages import (
    FRONT,
    Entry,
    Fault,
    Page,
    Section,
    in_order,
    navigation,
    read,
    way,
)
from tools.website.rendering import Links, article, shown_at, source_lines

ROOT = Path(__file__).resolve().parents[2]
OURS = Path(__file__).parent
SITE = "dmcore"
FEWEST_HEADINGS = 3
# A link may lead away; nothing else may be fetched from anywhere.
_FETCHED = re.compile(
    r"<(?!a\b)[a-z]+[^>]*\b(?:src|href|srcset|data)=\"(?:[a-z]+:)?//", re.IGNORECASE
)


class Website:
    """The pages in one folder, and everything that is wrong with them."""

    def __init__(self, root: Path, out: Path) -> None:
        self._root, self._out = root, out
        self._pages = read(root)
        self._links = Links(root, self._pages)
        self._sections = navigation(self._pages[FRONT])
        self._order = list(in_order(self._sections))
        loader = FileSystemLoader(OURS)
        environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
        self._template = environment.get_template("page.html")

    def make(self) -> list[str]:
        """Write all of it; return what is wrong."""
        if self._out.exists():
            shutil.rmtree(self._out)
        for page in self._pages.values():
            self._write(page.address, page.title, article(page, self._links), page)
        for source in sorted(self._links.sources):
            text = (self._root / source).read_text(encoding="utf-8")
            body = f"<h1><code>{source}</code></h1>\n{source_lines(text)}"
            self._write(shown_at(source), str(source), body, None)
        for image in self._links.images:
            self._copy(self._root / image, PurePosixPath("files", image))
        for name in ("style.css", "search.js", "icon.svg"):
            self._copy(OURS / name, PurePosixPath(name))
        index = searching.index(self._pages.values())
        (self._out / "search-index.js").write_text(index, encoding="utf-8")
        return [*self._links.faults, *self._fetched()]

    def _write(self, address: PurePosixPath, title: str, body: str, page: Page | None) -> None:
        target = self._out / address
        target.parent.mkdir(parents=True, exist_ok=True)
        source = page.source if page else None
        headings = [it for it in page.headings if it.level == 2] if page else []
        before, after = self._beside(source)
        target.write_text(
            self._template.render(
                site=SITE,
                title=title,
                root="../" * (len(address.parts) - 1),
                body=Markup(body),
                sections=[self._shown(section, address, source) for section in self._sections],
                headings=headings if len(headings) >= FEWEST_HEADINGS else [],
                before=before and self._line(before, address, source),
                after=after and self._line(after, address, source),
            ),
            encoding="utf-8",
        )

    def _shown(
        self, section: Section, address: PurePosixPath, source: PurePosixPath | None
    ) -> dict[str, Any]:
        groups = [
            {
                "words": group.words,
                "entries": [self._line(entry, address, source) for entry in group.entries],
            }
            for group in section.groups
        ]
        is_here = source in {entry.source for group in section.groups for entry in group.entries}
        return {
            "words": section.words,
            "groups": groups,
            "is_open": is_here or source == FRONT,
        }

    def _line(
        self, entry: Entry, address: PurePosixPath, source: PurePosixPath | None
    ) -> dict[str, Any]:
        if entry.source not in self._pages:
            raise Fault(f"{FRONT}: {entry.source} is no page")
        return {
            "words": entry.words,
            "href": way(address, self._pages[entry.source].address),
            "is_here": entry.source == source,
        }

    def _beside(self, source: PurePosixPath | None) -> Sequence[Entry | None]:
        """The pages before and after this one, in the order of the navigation."""
        places = [entry.source for entry in self._order]
        if source not in places:
            return None, None
        place = places.index(source)
        before = self._order[place - 1] if place else None
        after = self._order[place + 1] if place + 1 < len(places) else None
        return before, after

    def _copy(self, file: Path, address: PurePosixPath) -> None:
        target = self._out / address
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)

    def _fetched(self) -> Iterator[str]:
        for file in sorted(self._out.rglob("*.html")):
            for found in _FETCHED.findall(file.read_text(encoding="utf-8")):
                yield f"{file.relative_to(self._out)} fetches something from elsewhere: {found}"


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--out", type=Path, required=True, help="the folder; what is in it goes")
    options = parser.parse_args(arguments)
    try:
        faults = Website(options.root, options.out).make()
    except Fault as fault:
        faults = [str(fault)]
    for fault_found in faults:
        print(f"site: {fault_found}", file=sys.stderr)
    if not faults:
        print(f"Open {options.out / 'index.html'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
