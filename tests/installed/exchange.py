"""What every environment is asked for: two people write to each other."""

from collections.abc import Callable
from typing import Any

from dmcore import DirectMessages, DmcoreError


def refusal(attempt: Callable[[], object]) -> str:
    """What is said of something that cannot be done here."""
    try:
        attempt()
    except (ImportError, DmcoreError) as refused:
        return str(refused)
    raise AssertionError("it can be done")


def write_to_each_other(dm: DirectMessages) -> None:
    dm.operations("olga").set_mode("on")
    ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
    hello = ann.start("bob", "Hello Bob")
    bob.send(hello.conversation, "Hello Ann")
    assert [entry.unread for entry in ann.inbox().items] == [1]
    assert ann.thread(hello.conversation).items[-1].sender == "bob"


async def ask(app: Any, path: str, **headers: str) -> tuple[int, str]:
    """GET from an ASGI application, without a client that an extra does not bring."""
    sent: list[Any] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(it.get("body", b"") for it in sent if it["type"] == "http.response.body")
    return sent[0]["status"], body.decode()
