"""The sections of docs/benchmarks.md that runs of their own write, each in its place."""

from collections.abc import Mapping
from typing import Final

LARGE: Final = "## What is large"
HOSTS: Final = "## Sites under load"
_HEADINGS: Final = (LARGE, HOSTS)


def with_section(page: str, section: str) -> str:
    """A page with this section in the place of the one with the same heading."""
    own, found = _taken_apart(page)
    heading = section.partition("\n")[0]
    return _put_together(own, {**found, heading: section})


def with_sections_of(page: str, before: str) -> str:
    """A new page with the sections that another one had."""
    own, _ = _taken_apart(page)
    return _put_together(own, _taken_apart(before)[1])


def _taken_apart(page: str) -> tuple[str, dict[str, str]]:
    found = {}
    for heading in reversed(_HEADINGS):
        page, its_own, rest = page.partition(f"{heading}\n")
        if its_own:
            found[heading] = f"{its_own}{rest}"
    return page, found


def _put_together(own: str, sections: Mapping[str, str]) -> str:
    parts = [own, *(sections[it] for it in _HEADINGS if it in sections)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"
