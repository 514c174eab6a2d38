"""Pages, fragments and JSON of who is banned or absorbed are those of anybody, byte for byte.

Two sites that differ in a ban or a block alone get the same requests. The proofs compare what a
mailbox answers; here it is what reaches a browser: headers, notices, buttons, places to go on.
"""

import re
from collections.abc import Callable
from typing import Any, Final, Literal

import attrs
import flask
import pytest
from flask.testing import FlaskClient
from tests.proofs.stages import SteppedEntropy

from dmcore import DirectMessages, Policy
from dmcore.adapters import memory
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.web.flask import Messages
from dmcore.testing.world import NOON_US

_OWN_ORIGIN: Final = {"Sec-Fetch-Site": "same-origin"}
# A form has a key of its own each time, which is drawn by the page.
_DRAWN: Final = re.compile(r'name="key" value="[^"]*"')

Asked = tuple[str, str, dict[str, object] | None]

_LOOKS: Final[tuple[Asked, ...]] = tuple(
    ("GET", path, None)
    for path in (
        *("/", "/requests", "/archived", "/blocked", "/settings", "/privacy"),
        *("/privacy/messages.jsonl", "/t/{thread}", "/t/{thread}/report"),
        *("/fragments/list", "/fragments/badge", "/fragments/thread/{thread}"),
        *("/api/threads", "/api/threads/{thread}", "/api/threads/{thread}/presence"),
        "/api/threads/{thread}/messages/{message}/replies",
        *("/api/changes", "/api/snapshot", "/api/export", "/api/unread-count"),
        "/api/users/bob/can-message",
    )
)
_ACTS: Final[tuple[Asked, ...]] = (
    ("POST", "/api/threads/{thread}/messages", {"body": "two"}),
    ("POST", "/t/{thread}", {"body": "three", "key": "k"}),
    ("POST", "/t/{thread}", {"body": "three", "key": "k"}),
    ("POST", "/api/threads/{thread}/typing", None),
    ("PATCH", "/api/threads/{thread}/messages/{message}", {"body": "three!"}),
    ("POST", "/t/{thread}/m/{message}/edit", {"body": "three?"}),
    ("POST", "/api/reports", {"user": "bob", "reason": "spam"}),
    ("POST", "/open", {"user": "bob"}),
    ("POST", "/t/{thread}/archive", {}),
    ("POST", "/t/{thread}", {"body": "one too many", "key": "l"}),
    ("DELETE", "/api/threads/{thread}/messages/{message}", None),
)


@attrs.frozen
class Place:
    """A site, and what stands behind it."""

    dm: DirectMessages
    clock: ManualClock
    entropy: SteppedEntropy
    client: FlaskClient

    def answer(self, number: int, asked: Asked, user: str = "ann") -> object:
        """What a browser gets for a request."""
        method, path, content = asked
        self.clock.advance(seconds=1)
        self.entropy.step = number
        given: dict[str, Any] = {}
        if content is not None:
            given = {"json" if path.startswith("/api/") else "data": content}
        answer = self.client.open(
            f"/messages{self._named(path)}",
            method=method,
            headers=_OWN_ORIGIN | {"X-User": user},
            **given,
        )
        body = _DRAWN.sub("", answer.get_data(as_text=True))
        return answer.status_code, sorted(answer.headers), body

    def _named(self, path: str) -> str:
        if "{" not in path:
            return path
        view = self.dm.mailbox("ann").conversation_with("bob")
        assert view is not None
        newest = self.dm.mailbox("ann").thread(view.conversation).items[-1].id
        return path.format(thread=view.conversation, message=newest)


def place(store: memory.Store, policy: Policy) -> Place:
    clock, entropy = ManualClock(NOON_US), SteppedEntropy()
    dm = memory.open_sync(store=store, policy=policy, clock=clock, entropy=entropy)
    dm.operations("olga").set_mode("on")
    messages = Messages(dm, identify=lambda request: request.headers.get("X-User"))
    app = flask.Flask(__name__)
    app.register_blueprint(messages.blueprint, url_prefix="/messages")
    return Place(dm, clock, entropy, app.test_client())


def ban(there: Place) -> None:
    there.dm.moderation("mod").restrict("ann", "shadow_ban", reason="spam")


def block(there: Place) -> None:
    there.dm.mailbox("bob").block("ann")


def mute(there: Place) -> None:
    there.dm.moderation("mod").restrict("ann", "mute", reason="spam")


def differing(
    secret: Callable[[Place], None], *, begins: str, requests: Literal["open", "ask"] = "open"
) -> list[Asked]:
    """The requests of Ann's whose answers differ where the secret is true and where it is not."""
    policy = Policy(blocked="absorb", requests=requests, request_messages=3)
    stores = memory.Store(), memory.Store()
    stores[1].namespace = stores[0].namespace
    first, second = (place(store, policy) for store in stores)
    own_start: Asked = ("POST", "/api/threads", {"user": "bob", "body": "one"})
    if begins == "bob":
        start: Asked = ("POST", "/api/threads", {"user": "ann", "body": "one"})
        for each in (first, second):
            each.answer(0, start, user="bob")
    secret(first)
    program = enumerate((own_start, *_ACTS, *_LOOKS), 1)
    return [it for number, it in program if first.answer(number, it) != second.answer(number, it)]


@pytest.mark.promise("MOD-4", "BLOCK-2")
@pytest.mark.parametrize("secret", [ban, block])
@pytest.mark.parametrize(("begins", "requests"), [("ann", "open"), ("ann", "ask"), ("bob", "open")])
def test_no_answer_of_the_site_differs_by_a_single_byte(
    secret: Callable[[Place], None], begins: str, requests: Literal["open", "ask"]
) -> None:
    assert differing(secret, begins=begins, requests=requests) == []


@pytest.mark.promise("MOD-4")
def test_what_is_told_is_noticed() -> None:
    """Who is muted is told, by every answer to writing: the comparison sees it."""
    found = differing(mute, begins="bob")
    assert ("POST", "/api/threads/{thread}/messages", {"body": "two"}) in found
