"""Flask."""

from flask import Flask
from tests.installed.exchange import write_to_each_other

from dmcore.adapters import memory
from dmcore.adapters.web.flask import Messages

with memory.open_sync() as dm:
    write_to_each_other(dm)
    messages = Messages(dm, identify=lambda request: request.headers.get("x-user"))
    app = Flask("site")
    app.register_blueprint(messages.blueprint, url_prefix="/messages")
    client = app.test_client()
    assert client.get("/messages/").status_code == 401
    answer = client.get("/messages/", headers={"x-user": "ann"})
    assert answer.status_code == 200
    assert "Hello Ann" in answer.text
    messages.close()
