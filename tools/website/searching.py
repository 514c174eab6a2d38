"""What the search of the site knows: each section of each page, as words."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tools.website.pages import Page, plain

# Lists of tests, which nobody looks for by their names.
WITHOUT_LISTS = {"docs/promises.md"}


def index(pages: Iterable[Page]) -> str:
    """A script that hands over the list: a page opened from a file may not ask for JSON."""
    found = [row for page in pages for row in _rows(page)]
    return f"window.dmcoreSearch({json.dumps(found, ensure_ascii=False, separators=(',', ':'))});\n"


def _rows(page: Page) -> list[list[str]]:
    """Title, address with anchor, heading, words."""
    rows: list[list[str]] = []
    headings = iter(page.headings)
    depth = 0
    expects_heading = False
    for token in page.tokens:
        if token.type == "heading_open":
            heading = next(headings)
            rows.append([page.title, f"{page.address}#{heading.anchor}", heading.words, ""])
            expects_heading = True
        elif token.type in {"bullet_list_open", "bullet_list_close"}:
            depth += 1 if token.type.endswith("open") else -1
        elif token.type == "inline" and rows:
            is_skipped = depth and page.source.as_posix() in WITHOUT_LISTS
            if not expects_heading and not is_skipped:
                rows[-1][3] = f"{rows[-1][3]} {plain(token)}".strip()
            expects_heading = False
    return rows
