"""Takes one picture of each product in examples; `make screenshots` runs it.

A product is started as its page says, so its messages are as old as the picture.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, ViewportSize, expect
from tests.acceptance.serving import Served
from tests.browser.chromium import launched
from tools.screenshots import FOLDER, LARGEST_BYTES


def _community(page: Page, address: str) -> None:
    """Two have agreed, and a third has written."""
    page.goto(f"{address}/sign-in")
    page.get_by_role("button", name="tessa_k").click()
    _read(page, "brin")


def _talent(page: Page, address: str) -> None:
    """A company that pays wrote first."""
    page.goto(f"{address}/sign-in")
    page.get_by_role("button", name="Ines Vidal").click()
    _read(page, "Northlight Films")


def _residents(page: Page, address: str) -> None:
    """Two have agreed, and a third has written."""
    page.goto(f"{address}/sign-in")
    page.get_by_role("button", name="Marta Nowak").click()
    _read(page, "Jonas Weber")


def _whiteballoon(page: Page, address: str) -> None:
    """The switch was turned, and the figures say so."""
    page.goto(f"{address}/sign-in")
    page.get_by_role("button", name="Rosa Delgado").click()
    page.get_by_role("link", name="Admin").click()
    page.get_by_role("button", name="Turn messaging on").click()
    expect(page.get_by_role("heading", name="Messaging is on")).to_be_visible()


def _care(page: Page, address: str) -> None:
    """One is there and typing while the other reads."""
    browser = page.context.browser
    assert browser is not None
    ivo = browser.new_page()
    for person, name, other in ((ivo, "Ivo", "Noor"), (page, "Noor", "Ivo")):
        person.goto(address)
        person.get_by_role("button", name=f"Be {name}").click()
        _read(person, other)
    expect(page.locator("[data-dm-presence]")).to_be_visible()
    ivo.get_by_role("textbox").press_sequentially("Half past")
    expect(page.locator("[data-dm-typing]")).to_contain_text("is typing")


def _read(page: Page, other: str) -> None:
    page.get_by_role("link", name="Messages").click()
    page.locator("[data-dm-entry]").filter(has_text=other).get_by_role("link").click()
    expect(page.locator("[data-dm-entry]").filter(has_text=other)).not_to_contain_text("unread")


VIEWPORT: Final[ViewportSize] = {"width": 1120, "height": 700}
PRODUCTS: Final[Mapping[str, Callable[[Page, str], None]]] = {
    "care": _care,
    "community": _community,
    "residents": _residents,
    "talent": _talent,
    "whiteballoon": _whiteballoon,
}


def main() -> int:
    """Take all pictures."""
    with launched() as browser, tempfile.TemporaryDirectory() as folder:
        for name, arrange in PRODUCTS.items():
            target = FOLDER / f"example-{name}.png"
            with Served(name, Path(folder) / name) as served:
                page = browser.new_page(viewport=VIEWPORT, reduced_motion="reduce")
                arrange(page, served.address)
                page.screenshot(path=target, animations="disabled", caret="hide")
                page.close()
            size = target.stat().st_size
            print(f"{target}: {size // 1000} kB")
            if size > LARGEST_BYTES:
                raise SystemExit(f"{target} is larger than {LARGEST_BYTES} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
