"""The sites that every test of the web adapter runs on, one for each framework and colour."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import attrs
import pytest
from tests.conftest import IS_NIGHTLY
from tests.web import asgi_hosts, django_hosts, flask_hosts
from tests.web.hosts import Client, Host

from dmcore import AsyncDirectory, Directory, Introduction, Mode, Policy
from dmcore.adapters import memory
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.web import Site
from dmcore.adapters.web._hosting import Mounted
from dmcore.domain.ids import User
from dmcore.ports.directory import knows_connections
from dmcore.ports.screening import Screener

# Each makes a site; those that await are given messaging that awaits.
BLOCKING: dict[str, Callable[[Any, Site], tuple[Mounted, Client]]] = {
    "asgi-blocking": asgi_hosts.make_asgi,
    "flask": flask_hosts.make_flask,
    "django": django_hosts.make_django,
}
AWAITED: dict[str, Callable[[Any, Site], tuple[Mounted, Client]]] = {
    "asgi": asgi_hosts.make_asgi,
    "fastapi": asgi_hosts.make_fastapi,
    "django-async": django_hosts.make_django_async,
}
PAGES_BY_DAY = ("asgi", "flask")
KINDS = ("asgi", "asgi-blocking", "fastapi", "flask", "django", "django-async")


class MakeHost(Protocol):
    """How a test asks for a site of its own."""

    def __call__(
        self,
        *,
        policy: Policy | None = None,
        site: Site | None = None,
        directory: Directory | None = None,
        screeners: Sequence[Screener] = (),
    ) -> Host: ...


@attrs.frozen
class _AwaitedDirectory:
    _directory: Directory

    @property
    def knows_connections(self) -> bool:
        return knows_connections(self._directory)

    async def introduce(self, sender: User, recipient: User) -> Introduction:
        return self._directory.introduce(sender, recipient)


def _awaited(directory: Directory | None) -> AsyncDirectory | None:
    return None if directory is None else _AwaitedDirectory(directory)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test on every site; those of pages, which are all made in one place, by night only."""
    if "host_kind" in metafunc.fixturenames and not _names_its_kinds(metafunc):
        is_of_pages = metafunc.module.__name__.rpartition(".")[2].startswith("test_pages_")
        kinds = PAGES_BY_DAY if is_of_pages and not IS_NIGHTLY else KINDS
        metafunc.parametrize("host_kind", kinds)


def _names_its_kinds(metafunc: pytest.Metafunc) -> bool:
    marks = metafunc.definition.iter_markers("parametrize")
    return hasattr(metafunc.module, "host_kind") or any("host_kind" in it.args[0] for it in marks)


@pytest.fixture
def make_host(host_kind: str) -> Iterator[MakeHost]:
    """Makes sites on a new store in memory, switched on, with a clock that stands still."""
    with ExitStack() as ending:

        def make(
            *,
            policy: Policy | None = None,
            site: Site | None = None,
            directory: Directory | None = None,
            screeners: Sequence[Screener] = (),
        ) -> Host:
            store, clock = memory.Store(), ManualClock()
            rules: dict[str, Any] = {"policy": policy, "clock": clock, "screeners": screeners}
            dm = memory.open_sync(directory=directory, store=store, **rules)
            dm.operations("operator").set_mode(Mode.ON)
            if host_kind in BLOCKING:
                messages, client = BLOCKING[host_kind](dm, site or Site())
            else:
                opening = memory.open_async(directory=_awaited(directory), store=store, **rules)
                messages, client = AWAITED[host_kind](asyncio.run(opening), site or Site())
            ending.callback(client.close, messages.close)
            return Host(host_kind, client, dm, clock, messages)

        yield make


@pytest.fixture
def host(make_host: MakeHost) -> Host:
    """A site where everybody may write to everybody."""
    return make_host()
