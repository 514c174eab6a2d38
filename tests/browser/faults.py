"""What not everybody can use: faults that axe finds, and what does not fit."""

from pathlib import Path
from typing import Any, Final

import pytest
from tests.browser.people import Visitor

AXE: Final = Path(__file__).parents[2] / ".cache/browser/node_modules/axe-core/axe.min.js"

_RUN = """
() => axe.run(document, {
  runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] },
  resultTypes: ["violations"],
})
"""

# What is wider than the window, and headings, buttons and links that hide a part of their words.
_CUT_OFF = """
() => [
  ...[document.scrollingElement, ...document.querySelectorAll(".dm-scroll")]
    .filter((it) => it.checkVisibility() && it.scrollWidth > it.clientWidth),
  ...[...document.querySelectorAll("h1, h2, button, nav a, summary")]
    .filter((it) => it.checkVisibility() && !it.querySelector(".dm-name"))
    .filter((it) => it.scrollWidth > it.clientWidth && getComputedStyle(it).display !== "inline"),
].map((it) => `${it.tagName} ${it.className}: ${it.textContent.trim().slice(0, 30)}`)
"""


def axe_source() -> str:
    """The program of axe; a machine without it fails the tests, never skips them."""
    if not AXE.is_file():
        pytest.fail("axe is not there: `make browser` gets it")
    return AXE.read_text(encoding="utf-8")


def faults(person: Visitor, axe: str) -> list[str]:
    """What axe finds: the rule, and where."""
    person.page.evaluate(axe)
    found: dict[str, Any] = person.page.evaluate(_RUN)
    return [
        f"{it['id']} at {node['target']}: {node['failureSummary']}"
        for it in found["violations"]
        for node in it["nodes"]
    ]


def cut_off(person: Visitor) -> list[str]:
    """What is wider than the window, or hides a part of its words."""
    found: list[str] = person.page.evaluate(_CUT_OFF)
    return found
