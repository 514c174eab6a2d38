"""The Flask site, asked through Flask's test client; its real server is Werkzeug's own."""

import threading

import flask as framework
from tests.web.hosts import ROOT, Answer, Asked, Client, Server, joined, who
from werkzeug.serving import WSGIRequestHandler, make_server

from dmcore.adapters.web import Site, Viewer, flask
from dmcore.direct_messages import DirectMessages


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Say nothing: what is asked is told by the tests."""


class WerkzeugServer(Server):
    """A thread for each request."""

    def __init__(self, app: framework.Flask) -> None:
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        self.address = ("127.0.0.1", self._server.port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class FlaskClient(Client):
    def __init__(self, app: framework.Flask, *, root: str = ROOT, script: str = "") -> None:
        super().__init__(root)
        self._app = app
        self._script = script
        app.testing = True

    def _request(self, asked: Asked) -> Answer:
        response = self._app.test_client(use_cookies=False).open(
            asked.target.removeprefix(self._script),
            method=asked.method,
            headers=list(asked.headers.items()),
            data=asked.body,
            environ_overrides={"SCRIPT_NAME": self._script},
        )
        return Answer(response.status_code, joined(list(response.headers)), response.get_data())

    def _serve(self) -> Server:
        return WerkzeugServer(self._app)

    def _close(self) -> None:
        """The test client holds nothing."""


def identify_request(request: framework.Request) -> Viewer | None:
    return who(request.headers.get)


def make_flask(dm: DirectMessages, site: Site) -> tuple[flask.Messages, FlaskClient]:
    """Flask with the blueprint below ``/messages``, that of the interface below ``/json``."""
    messages = flask.Messages(dm, identify=identify_request, site=site)
    app = framework.Flask("site")
    app.register_blueprint(messages.blueprint, url_prefix="/messages")
    app.register_blueprint(messages.api_blueprint, url_prefix="/json")
    return messages, FlaskClient(app)
