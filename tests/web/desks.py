"""A site that knows moderators and operators, and a report that waits there."""

from collections.abc import Sequence
from typing import Any, Final

import attrs
import pytest
from tests.web.conftest import MakeHost
from tests.web.described import Api
from tests.web.hosts import Answer, Host

from dmcore import Policy
from dmcore.adapters.web import Site, Viewer
from dmcore.ports.screening import Screener

SECRET: Final = "<b>the door code is zebra</b>"
NEIGHBOUR: Final = "and this was not chosen"
SHOWING: Final = Policy(evidence="reporter_selected")
MODERATORS: Final = ("mod", "mia")
OPERATOR: Final = "olga"
ELSEWHERE: Final = {"x-tenant": "elsewhere"}

# What is decided inside is asked where something awaits it and where nothing does: the ways in, and
# who may come, are asked in every framework.
on_two_sites = pytest.mark.parametrize("host_kind", ["asgi", "flask"])


def moderates(viewer: Viewer) -> bool:
    return viewer.user in MODERATORS


def operates(viewer: Viewer) -> bool:
    return viewer.user == OPERATOR


ROLES: Final = Site(is_moderator=moderates, is_operator=operates)


@attrs.frozen
class Case:
    """Bob wrote to Ann, who reported one of his two messages."""

    host: Host
    api: Api
    thread: str
    chosen: str
    neighbour: str
    report: str

    @property
    def path(self) -> str:
        return f"/moderation/reports/{self.report}"

    def move(self, move: str, *, user: str = "mod", **given: Any) -> Answer:
        return self.api.ask("POST", f"{self.path}/moves", user=user, json={"move": move, **given})

    def look(self, *, user: str = "mod") -> Answer:
        return self.api.ask("POST", f"{self.path}/looks", user=user)

    def line(self) -> Any:
        """The report as it stands, past all HTTP."""
        return self.host.dm.moderation("mod").report(self.report)

    def journal(self, user: str) -> list[str]:
        """What was written down about a user."""
        found = self.host.dm.operations(OPERATOR).audit(user, limit=100)
        return [entry.fact.action.value for entry in found.items]


def reported(
    make_host: MakeHost,
    *,
    policy: Policy = SHOWING,
    site: Site = ROLES,
    screeners: Sequence[Screener] = (),
) -> Case:
    host = make_host(policy=policy, site=site, screeners=screeners)
    first = host.dm.mailbox("bob").start("ann", SECRET)
    second = host.dm.mailbox("bob").start("ann", NEIGHBOUR)
    receipt = host.dm.mailbox("ann").report(
        conversation=first.conversation, messages=[first.id], reason="threat"
    )
    return Case(
        host, Api(host), str(first.conversation), str(first.id), str(second.id), str(receipt.id)
    )
