"""FastAPI."""

import asyncio

from fastapi import FastAPI
from tests.installed.exchange import ask, write_to_each_other

from dmcore.adapters import memory
from dmcore.adapters.web.fastapi import Messages

with memory.open_sync() as dm:
    write_to_each_other(dm)
    messages = Messages(dm, identify=lambda request: request.headers.get("x-user"))
    app = FastAPI()
    app.include_router(messages.router, prefix="/messages")
    assert asyncio.run(ask(app, "/messages/"))[0] == 401
    status, page = asyncio.run(ask(app, "/messages/", **{"x-user": "ann"}))
    assert status == 200
    assert "Hello Ann" in page
    assert "/messages/api/unread-count" in app.openapi()["paths"]
    messages.close()
