"""Any ASGI application."""

import asyncio
from typing import Any

from tests.installed.exchange import ask, write_to_each_other

from dmcore.adapters import memory
from dmcore.adapters.web.asgi import Messages


def identify(scope: Any) -> str | None:
    user: bytes | None = dict(scope["headers"]).get(b"x-user")
    return user.decode() if user else None


with memory.open_sync() as dm:
    write_to_each_other(dm)
    messages = Messages(dm, identify=identify)
    assert asyncio.run(ask(messages.app, "/"))[0] == 401
    status, page = asyncio.run(ask(messages.app, "/", **{"x-user": "ann"}))
    assert status == 200
    assert "Hello Ann" in page
    status, found = asyncio.run(ask(messages.app, "/api/unread-count", **{"x-user": "ann"}))
    assert (status, found) == (200, '{"unread":1}')
    assert asyncio.run(ask(messages.app, "/static/dmcore.css"))[0] == 200
    messages.close()
