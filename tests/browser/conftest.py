"""A browser for these tests, a site for each test, and people who look at it."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser
from tests.browser.chromium import launched
from tests.browser.faults import axe_source
from tests.browser.people import Person
from tests.browser.site import NOBODY_IS_COUNTED, LiveSite

from dmcore import Directory, Policy
from dmcore.adapters.web import Site
from dmcore.ports.clock import Clock


class MakeSite(Protocol):
    """How a test asks for a site."""

    def __call__(
        self,
        *,
        policy: Policy = ...,
        site: Site = ...,
        clock: Clock | None = None,
        directory: Directory | None = None,
    ) -> LiveSite: ...


class Meet(Protocol):
    """How a test asks for somebody at a browser."""

    def __call__(self, site: LiveSite, name: str, **options: Any) -> Person: ...


# Not for the whole session: as long as it is there, no event loop of another test can run.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a file; each person has a context of their own in it."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe."""
    return axe_source()


@pytest.fixture
def make_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeSite]:
    """Makes sites that are switched on and count nobody's messages unless the policy does."""
    with ExitStack() as ending:

        def make(
            *,
            policy: Policy = NOBODY_IS_COUNTED,
            site: Site = Site(),  # noqa: B008
            clock: Clock | None = None,
            directory: Directory | None = None,
        ) -> LiveSite:
            made = LiveSite(
                tmp_path_factory.mktemp("site"),
                policy=policy,
                site=site,
                clock=clock,
                directory=directory,
            )
            ending.callback(made.close)
            return made

        yield make


@pytest.fixture
def meet(browser: Browser, make_site: MakeSite) -> Iterator[Meet]:  # noqa: ARG001
    """Gives somebody a browser. In the end nothing went wrong in it, and nothing left the site.

    It asks for ``make_site`` so that browsers are closed before their sites are.
    """
    people: list[Person] = []

    def make(site: LiveSite, name: str, **options: Any) -> Person:
        people.append(Person(browser, site, name, **options))
        return people[-1]

    yield make
    for person in people:
        person.context.close()
    for person in people:
        person.check()


@pytest.fixture
def site(make_site: MakeSite) -> LiveSite:
    """A site as most tests want it."""
    return make_site()
