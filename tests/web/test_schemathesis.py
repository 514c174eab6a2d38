"""What the interface says of itself holds, whatever is sent and whoever sends it.

Requests are made from the description alone, fitting it and not, and every answer is held against
it: its status, its headers, its media type, its body. Half of the requests are about a conversation
that is there, the others about what was made up.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)
from tests.web.asgi_hosts import identify_scope
from tests.web.desks import MODERATORS, OPERATOR, ROLES
from tests.web.hosts import ROOT

from dmcore import Message, Policy
from dmcore.adapters import memory
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.web import asgi, wire
from dmcore.adapters.web._routing import HEALTH, Audience

Test = TypeVar("Test", bound=Callable[..., None])

SECRET = "the door code is zebra"

REFUSED = {403, 404, 405, 413, 415, 422}

# The nightly profile has thousands of examples where the usual one has a hundred.
bounded = settings(
    max_examples=settings().max_examples // 20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


SITES: list[Any] = []
REPORTS: list[str] = []


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """The interface of the tests that run now, with no framework in front of it."""
    await SITES[-1]({**scope, "root_path": f"{ROOT}/api"}, receive, send)


def described(*audiences: Audience) -> Any:
    """What the description says of the endpoints for some, to make requests from."""
    endpoints = [it for it in wire.EVERY if it.audience in audiences]
    found: Any = schemathesis.openapi.from_dict(wire.openapi(f"{ROOT}/api", endpoints))
    found.app = answering
    return found


DESCRIBED = described(Audience.ANYONE, Audience.PARTICIPANTS)
OF_ROLES = described(Audience.MODERATORS, Audience.OPERATORS)


@pytest.fixture(scope="module", autouse=True)
def sent() -> Iterator[Message]:
    """A message of Ann's to Bob, on a site of which anything may be asked."""
    rules = Policy(messages=None, starts=None, reports=None, evidence="reporter_selected")
    dm = memory.open_sync(policy=rules, clock=ManualClock(), store=memory.Store())
    dm.operations("olga").set_mode("on")
    messages = asgi.Messages(dm, identify=identify_scope, site=ROLES)
    # Whoever waits for news, and every stream, is sent home at once.
    messages.close()
    SITES.append(messages.api)
    message = dm.mailbox("ann").start("bob", SECRET)
    receipt = dm.mailbox("bob").report(
        conversation=message.conversation, messages=[message.id], reason="threat"
    )
    REPORTS.append(str(receipt.id))
    yield message
    SITES.clear()
    REPORTS.clear()


# To a stranger nothing is answered that would depend on what was asked: a few tell as much.
few = settings(bounded, max_examples=max(5, bounded.max_examples // 4))


def on_every_endpoint(test: Test, bounds: settings = bounded) -> Test:
    """Run a test with bounded numbers of requests of every kind that the description has."""
    return cast("Test", DESCRIBED.parametrize()(bounds(test)))


def on_every_endpoint_of_a_role(test: Test) -> Test:
    """The same with those for moderators and operators alone."""
    return cast("Test", OF_ROLES.parametrize()(bounded(test)))


# What fits the description can be refused: a text that shows nothing, a cursor of nowhere. Where
# the ids of the path are replaced, what was made up not to fit may fit.
ANYTHING = [positive_data_acceptance]
ABOUT_IT = [positive_data_acceptance, negative_data_rejection]
# To whoever has not the role there is no such path, whatever the method.
WITHOUT_ROLE = [*ABOUT_IT, unsupported_method]


def about(case: Any, message: Message) -> Any:
    """The same request, about a conversation that is there."""
    ids = {
        "thread": str(message.conversation),
        "message": str(message.id),
        "report": REPORTS[-1],
    }
    given = case.path_parameters or {}
    case.path_parameters = {name: ids.get(name, value) for name, value in given.items()}
    return case


@on_every_endpoint
def test_whatever_is_asked_is_answered_as_described(case: Any) -> None:
    case.call_and_validate(headers={"x-user": "ann"}, excluded_checks=ANYTHING)


@on_every_endpoint
def test_a_participant_is_answered_as_described(case: Any, sent: Message) -> None:
    about(case, sent).call_and_validate(headers={"x-user": "ann"}, excluded_checks=ABOUT_IT)


@pytest.mark.promise("CONV-1")
@on_every_endpoint
def test_a_third_is_answered_as_described_and_gets_nothing(case: Any, sent: Message) -> None:
    answer = about(case, sent).call_and_validate(
        headers={"x-user": "cyd"}, excluded_checks=ABOUT_IT
    )
    assert b"zebra" not in answer.content
    assert case.path_parameters.get("thread") is None or answer.status_code in REFUSED


@partial(on_every_endpoint, bounds=few)
def test_nobody_is_answered_as_described_and_gets_nothing(case: Any, sent: Message) -> None:
    answer = about(case, sent).call_and_validate(excluded_checks=ABOUT_IT)
    assert b"zebra" not in answer.content
    assert answer.status_code in {401, 404, 405} or case.path == HEALTH


@pytest.mark.promise("MOD-2")
@on_every_endpoint_of_a_role
def test_a_participant_finds_none_of_what_is_for_roles(case: Any, sent: Message) -> None:
    answer = about(case, sent).call_and_validate(
        headers={"x-user": "ann"}, excluded_checks=WITHOUT_ROLE
    )
    assert answer.status_code == 404


@pytest.mark.promise("MOD-2")
@on_every_endpoint_of_a_role
def test_a_moderator_is_answered_as_described(case: Any, sent: Message) -> None:
    answer = about(case, sent).call_and_validate(
        headers={"x-user": MODERATORS[0]}, excluded_checks=WITHOUT_ROLE
    )
    assert b"zebra" not in answer.content or case.path.endswith("/looks")
    assert "/operations" not in case.path or answer.status_code == 404


@pytest.mark.promise("OPS-3")
@on_every_endpoint_of_a_role
def test_an_operator_is_answered_as_described(case: Any, sent: Message) -> None:
    answer = about(case, sent).call_and_validate(
        headers={"x-user": OPERATOR}, excluded_checks=WITHOUT_ROLE
    )
    assert b"zebra" not in answer.content
    assert "/moderation" not in case.path or answer.status_code == 404
