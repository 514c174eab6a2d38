"""A conversation of Ann's and Bob's, and every request that can be made about it."""

from collections.abc import Iterator
from typing import Any

import attrs
from tests.web.described import Api

from dmcore.adapters.web import wire

# Any bytes of their sizes are as good as keys to who verifies none.
KEY = f"{'A' * 43}="
PREKEY = {"number": 7, "public": KEY, "signature": f"{'A' * 86}=="}
DEVICE = "00000000-0000-4000-8000-000000000001"
CHOSEN = {"open_to": "nobody", "receipts": False, "typing": False, "presence": False}


@attrs.frozen
class Ask:
    """One request, ready to be made: an endpoint with everything that it takes."""

    name: str
    method: str
    path: str
    content: Any

    def made(self, api: Api, user: str | None, **given: Any) -> Any:
        if self.content is not None:
            given.setdefault("json", self.content)
        return api.ask(self.method, self.path, user=user, **given)


def every_ask(thread: str, message: str) -> Iterator[Ask]:
    """Each endpoint once, about a conversation and a message of it; the stream apart."""
    contents: dict[str, Any] = {
        "start_thread": {"user": "dan", "body": "hello"},
        "send_message": {"body": "hello", "reply_to": message},
        "edit_message": {"body": "hello"},
        "mark_read": {"through": message},
        "make_report": {"thread": thread, "messages": [message], "reason": "spam"},
        "choose_preferences": CHOSEN,
        "add_device": {"identity": KEY, "prekey": PREKEY},
        "renew_device": {"prekey": PREKEY},
        "claim_keys": {"user": "dan"},
    }
    for endpoint in wire.ENDPOINTS:
        path = endpoint.pattern.format(thread=thread, message=message, user="dan", device=DEVICE)
        if endpoint.name == "find_thread":
            path += "?user=dan"
        if endpoint.name != "open_stream":
            yield Ask(endpoint.name, endpoint.method, path, contents.get(endpoint.name))


ASKS = tuple(ask.name for ask in every_ask("", ""))
ACTS = tuple(ask.name for ask in every_ask("", "") if ask.method != "GET")
LOOKS = tuple(ask.name for ask in every_ask("", "") if ask.method == "GET")
ABOUT_A_THREAD = tuple(ask.name for ask in every_ask("{thread}", "") if "{thread}" in ask.path)
ABOUT_A_MESSAGE = tuple(ask.name for ask in every_ask("", "{message}") if "{message}" in ask.path)


def ask_named(name: str, thread: str, message: str) -> Ask:
    return next(ask for ask in every_ask(thread, message) if ask.name == name)
