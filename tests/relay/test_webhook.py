"""Webhooks against a receiver on this machine: what it is sent, and what its answers mean."""

import base64
import hashlib
import hmac
import json
import logging
import socket
import ssl
from datetime import timedelta

import pytest
from tests.relay.conftest import Request, WebhookServer

from dmcore import Action, Entry, Fact, User
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.relay import Relay, Webhook
from dmcore.adapters.relay.webhook import WebhookFailed, WebhookRefused, body_of
from dmcore.domain.ids import TenantId, UserId
from dmcore.errors import ConsumerUnavailable, DmcoreError, InvalidSetting
from dmcore.testing.world import NOON_US, World

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
CANARY = "the door code is zebra"

pytestmark = pytest.mark.promise("OPS-8")


def verified(request: Request, secret: str) -> dict[str, object]:
    """What a receiver does who has read the specification and nothing of ours."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    head = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}."
    digest = hmac.new(key, head.encode() + request.body, hashlib.sha256).digest()
    expected = base64.b64encode(digest).decode()
    given = [it.split(",") for it in request.headers["webhook-signature"].split(" ")]
    assert any(version == "v1" and it == expected for version, it in given)
    found: dict[str, object] = json.loads(request.body)
    return found


def event(position: int = 1) -> Entry:
    fact = Fact(action=Action.MESSAGE_SENT, actor=UserId("ann"), at_us=NOON_US)
    return Entry(owner=User(TenantId(""), UserId("bob")), position=position, fact=fact)


def hook(url: str, *, timeout: timedelta = timedelta(seconds=10)) -> Webhook:
    return Webhook(url, secret=SECRET, timeout=timeout, clock=ManualClock(NOON_US))


# What is sent -------------------------------------------------------------------------------------


@pytest.mark.promise("LEAK-1")
def test_an_event_is_signed_and_holds_ids_only(world: World, server: WebhookServer) -> None:
    sent = world.ann.start("bob", CANARY)
    world.bob.report("ann", conversation=sent.conversation, reason="spam")
    world.olga.add_consumer("hook")
    Relay(world.olga, hook(server.url), name="hook").run_once()
    bodies = [verified(request, SECRET) for request in server.requests]
    started = bodies[0]
    assert started == {
        "type": "conversation_started",
        "timestamp": "2030-01-01T12:00:00.123456+00:00",
        "data": {
            "tenant": "",
            "user": "ann",
            "position": 1,
            "actor": "ann",
            "other": "bob",
            "conversation": str(sent.conversation),
            "message": str(sent.id),
        },
    }
    facts = [it.fact.action for name in ("ann", "bob", "olga") for it in world.journal(name)]
    assert [it["type"] for it in bodies] == facts
    first = server.requests[0]
    assert first.path == "/hook?site=1"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["webhook-timestamp"] == str(NOON_US // 1_000_000)
    assert all(CANARY.encode() not in request.body for request in server.requests)


def test_a_repeat_has_the_same_id_and_nothing_else_has_it(server: WebhookServer) -> None:
    webhook = hook(server.url)
    for it in (event(1), event(1), event(2)):
        webhook.deliver(it)
    one, again, other = (request.headers["webhook-id"] for request in server.requests)
    assert one == again != other
    assert "bob" not in one


# What the answers mean ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_2xx_says_that_it_has_it(server: WebhookServer, status: int) -> None:
    server.status = status
    hook(server.url).deliver(event())
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410, 500, 502])
def test_anything_else_counts_against_the_event_and_nobody_is_followed(
    server: WebhookServer, status: int
) -> None:
    server.status = status
    server.location = server.url
    with pytest.raises(WebhookRefused) as caught:
        hook(server.url).deliver(event())
    assert caught.value.details == {"status": status}
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_is_overloaded_is_unavailable(server: WebhookServer, status: int) -> None:
    server.status = status
    with pytest.raises(ConsumerUnavailable):
        hook(server.url).deliver(event())


def test_a_receiver_that_hangs_is_given_up(server: WebhookServer) -> None:
    server.goes_on.clear()
    with pytest.raises(WebhookFailed):
        hook(server.url, timeout=timedelta(milliseconds=50)).deliver(event())


def test_where_nobody_listens_nothing_is_counted() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/"
        with pytest.raises(ConsumerUnavailable):
            hook(url).deliver(event())


def test_who_speaks_no_tls_is_not_talked_to(server: WebhookServer) -> None:
    webhook = Webhook(server.url.replace("http:", "https:"), secret=KEY)
    with pytest.raises(ConsumerUnavailable):
        webhook.deliver(event())
    own = ssl.create_default_context()
    with pytest.raises(ConsumerUnavailable):
        Webhook(server.url.replace("http:", "https:"), secret=KEY, tls=own).deliver(event())
    assert server.requests == []


# Secrets and settings -----------------------------------------------------------------------------


@pytest.mark.promise("LEAK-1")
def test_nothing_shows_the_secret(
    server: WebhookServer, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.status = 500
    webhook = hook(server.url)
    world.ann.start("bob", CANARY)
    world.olga.add_consumer("hook")
    worker = Relay(world.olga, webhook, name="hook", attempts=1)
    worker.run_once()
    errors: list[DmcoreError] = []
    for url, secret in (("https://a.example", "whsec_" + "short"), (SECRET, SECRET)):
        with pytest.raises(InvalidSetting) as caught:
            Webhook(url, secret=secret)
        errors.append(caught.value)
    with pytest.raises(WebhookRefused) as refused:
        webhook.deliver(event())
    errors.append(refused.value)
    shown = [repr(webhook), caplog.text, *map(repr, errors), repr(world.olga.set_aside("hook"))]
    shown += [repr(error.__context__) + repr(error.__cause__) for error in errors]
    for text in shown:
        for secret in (SECRET, SECRET.removeprefix("whsec_"), repr(KEY), KEY.hex(), CANARY):
            assert secret not in text
    assert {it.error for it in world.olga.set_aside("hook")} == {"WebhookRefused"}


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.com", "ftp://example.com/", "https://", "http://example.com/"),
        *("https://user:word@example.com/", "https://example.com/#part", "http://10.0.0.1/"),
        *("https://exa mple.com/", "https://example.com:port/", "https://exämple.com/", None),
    ],
)
def test_what_is_no_address_of_a_receiver_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting):
        Webhook(url, secret=SECRET)


@pytest.mark.parametrize("url", ["http://localhost/", "http://[::1]:80/", "https://example.com"])
def test_this_machine_needs_no_tls(url: str) -> None:
    Webhook(url, secret=SECRET)


@pytest.mark.parametrize("secret", ["", "x" * 32, "whsec_!!", "whsec_aaaa", b"short", b"x" * 65, 7])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(InvalidSetting):
        Webhook("https://example.com", secret=secret)


@pytest.mark.parametrize("timeout", [timedelta(0), timedelta(hours=1)])
def test_what_is_no_timeout_is_refused(timeout: timedelta) -> None:
    with pytest.raises(InvalidSetting):
        hook("https://example.com", timeout=timeout)


def test_the_body_is_the_same_each_time() -> None:
    assert body_of(event()) == body_of(event())
