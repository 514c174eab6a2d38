"""The browser that tests look at pages with: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser; as long as it is there, no event loop of another test can run in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


def _chromium() -> str:
    """Where it is; a machine without one fails the tests, never skips them."""
    asked = os.environ.get("DMCORE_TEST_CHROMIUM")
    found = asked or shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(found).is_file():
        pytest.fail("there is no Chromium: `make browser` gets it")
    return found
