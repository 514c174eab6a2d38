"""A browser for the products, and people who look at them in it."""

from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser
from tests.acceptance.marketplace import Marketplace
from tests.acceptance.serving import Served
from tests.browser.chromium import launched
from tests.browser.faults import axe_source
from tests.browser.people import Visitor


class Visit(Protocol):
    """How a test asks for somebody at a browser of their own."""

    def __call__(self, address: str, **options: Any) -> Visitor: ...


# Not for the whole session: as long as it is there, no event loop of another test can run.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a product; each person has a context of their own in it."""
    with launched() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Gives somebody a browser. In the end nothing went wrong in it, and nothing left the site."""
    visitors: list[Visitor] = []

    def make(address: str, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, address, **options))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.context.close()
    for visitor in visitors:
        visitor.check()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe."""
    return axe_source()


@pytest.fixture(scope="session")
def marketplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marketplace]:
    """Talent, one for all tests of a process: each brings people of its own."""
    with Served("talent", tmp_path_factory.mktemp("talent")) as served:
        yield Marketplace(served)
        assert served.end() == (0, "")
