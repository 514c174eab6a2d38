"""Messaging in Flask: a blueprint. Each request, and each open stream, has a thread of its own."""

from collections.abc import Callable

import attrs

from dmcore._extras import extra

with extra("flask"):
    import flask

    from dmcore.adapters.web._hosting import (
        API_ALONE,
        EVERYTHING,
        METHODS,
        Html,
        Mounted,
        Way,
        body_of,
        check_blocking,
        headers_to_send,
        is_known_to_all,
        request_of,
        viewer_of,
    )
    from dmcore.adapters.web._site import Site
    from dmcore.adapters.web._values import LARGEST_BODY_BYTES, Response, Viewer
    from dmcore.adapters.web._worlds import BlockingWorld, Poured, finished
    from dmcore.adapters.web.pages import fragments
    from dmcore.direct_messages import DirectMessages

Identify = Callable[[flask.Request], Viewer | str | None]


class Messages(Mounted):
    """Messaging as two blueprints: ``blueprint`` has all, ``api_blueprint`` the interface.

    ``identify`` is asked with each request.
    """

    def __init__(
        self,
        dm: DirectMessages,
        *,
        identify: Identify,
        site: Site = Site(),  # noqa: B008
    ) -> None:
        check_blocking(identify, site)
        super().__init__(BlockingWorld(dm), site)
        self._identify = identify
        self.blueprint = self._drawn_up("dmcore", EVERYTHING)
        self.api_blueprint = self._drawn_up("dmcore-api", API_ALONE)

    def head(self, *, root: str | None = None) -> Html:
        """The links that a page needs which shows a badge or a button."""
        return Html(fragments.head(_root(root)))

    def badge(self) -> Html:
        """How much this person has not read, for the navigation."""
        badge = self._inside.badge(self._viewer())
        return Html(finished(badge))

    def message_button(self, other: str, *, root: str | None = None) -> Html:
        """The way to write to somebody, for their profile; nothing where there is none."""
        button = self._inside.message_button(self._viewer(), other, _root(root))
        return Html(finished(button))

    def _viewer(self) -> Viewer | None:
        return viewer_of(self._identify(_native()))

    def _drawn_up(self, name: str, way: Way) -> flask.Blueprint:
        # A prefix may have parameters; they are for the site's own ``identify`` to look at.
        def answer(rest: str = "", **_of_prefix: object) -> flask.Response:
            return self._answer(way, rest)

        blueprint = flask.Blueprint(name, __name__)
        # Merging slashes would change ids that hold some; a redirect would lose what was posted.
        for rule in ("/", "/<path:rest>"):
            blueprint.add_url_rule(
                rule,
                "home",
                answer,
                methods=METHODS,
                provide_automatic_options=False,
                strict_slashes=False,
                merge_slashes=False,
            )
        return blueprint

    def _answer(self, way: Way, rest: str) -> flask.Response:
        native = _native()
        above = native.path.removesuffix(rest)
        request = request_of(
            method=native.method,
            root=native.script_root + above,
            path=f"/{rest}",
            query=native.query_string,
            headers=native.headers.items(),
            native=native,
        )
        request = attrs.evolve(request, body=_body(native))
        if not is_known_to_all(request, way):
            request = attrs.evolve(request, viewer=self._viewer())
        return _sent(finished(way.answer(self._inside, request)), native)


def _body(native: flask.Request) -> bytes:
    if (native.content_length or LARGEST_BODY_BYTES + 1) <= LARGEST_BODY_BYTES:
        # Whoever was asked before may have read it already; then it is kept there.
        return native.get_data()
    return body_of(native.stream)


class _Answer(flask.Response):
    """An answer whose kind nobody guesses."""

    default_mimetype = None


def _sent(response: Response, native: flask.Request) -> flask.Response:
    headers = headers_to_send(response)
    if response.stream is None:
        return _Answer(response.body, response.status, headers)
    poured = Poured(response.stream)
    if native.method == "HEAD":
        poured.close()
        return _Answer(status=response.status, headers=headers)
    return _Answer(flask.stream_with_context(poured), response.status, headers)


def _native() -> flask.Request:
    """The request itself, not what stands for whichever is current."""
    native: flask.Request = flask.request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return native


def _root(root: str | None) -> str:
    return flask.url_for("dmcore.home").rstrip("/") if root is None else root
