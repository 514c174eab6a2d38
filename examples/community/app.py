"""The forum as a Flask application: its pages, who is signed in, and its frame around messages."""

import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Self

from flask import Flask, Response, abort, g, redirect, render_template, request, session
from werkzeug.wrappers import Response as Answer

from dmcore.adapters.web import Document
from dmcore.ports.clock import Clock
from examples.community.messaging import messages_of, opened_store
from examples.community.people import Member, People, UsernameRefused
from examples.community.story import begin

# As the pages of messages have it: nothing from elsewhere, and nobody frames the forum.
_CSP = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"


class Community:
    """``app`` is the site, in a folder that has its two databases: the forum's and the messages'.

    ``clock`` is for tests.
    """

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.people = People(folder / "forum.db")
        self.dm = opened_store(folder / "messages.db", self.people, clock)
        begin(self.people, self.dm)
        self.messages = messages_of(
            self.dm, self.people, identify=lambda _: self._my_id(), layout=_framed
        )
        self.app = Flask(__name__)
        self.app.config.update(
            SECRET_KEY=secrets.token_bytes(32),
            SESSION_COOKIE_NAME="community",
            SESSION_COOKIE_SAMESITE="Lax",
        )
        self.app.register_blueprint(self.messages.blueprint, url_prefix="/messages")
        self.app.context_processor(lambda: {"me": self._me(), "messages": self.messages})
        self.app.after_request(_guarded)
        self.app.register_error_handler(HTTPStatus.NOT_FOUND, _nothing)
        for rule, view, method in (
            ("/", self._front, "GET"),
            ("/u/<username>", self._profile, "GET"),
            ("/sign-in", self._sign_in_page, "GET"),
            ("/sign-in", self._sign_in, "POST"),
            ("/register", self._register, "POST"),
            ("/sign-out", self._sign_out, "POST"),
        ):
            self.app.add_url_rule(rule, view_func=view, methods=[method])

    def close(self) -> None:
        """Give back what is open."""
        self.messages.close()
        self.dm.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # Who is signed in -----------------------------------------------------------------------------

    def _me(self) -> Member | None:
        """Looked up once for a request: a signed cookie may outlive an account."""
        if "me" not in g:
            member_id = session.get("member", "")
            g.me = self.people.with_ids([member_id]).get(member_id)
        me: Member | None = g.me
        return me

    def _my_id(self) -> str | None:
        me = self._me()
        return None if me is None else str(me.id)

    def _enter(self, member: Member) -> Answer:
        session.clear()
        session["member"] = str(member.id)
        return redirect("/", HTTPStatus.SEE_OTHER)

    # Pages ----------------------------------------------------------------------------------------

    def _front(self) -> str:
        return render_template(
            "front.html", posts=self.people.posts(), members=self.people.everybody()
        )

    def _profile(self, username: str) -> str:
        member = self.people.named(username) or abort(HTTPStatus.NOT_FOUND)
        return render_template(
            "profile.html", member=member, posts=self.people.posts(member.username)
        )

    def _sign_in_page(self, refusal: str = "", typed: str = "") -> str:
        members = self.people.everybody()
        return render_template("sign_in.html", members=members, refusal=refusal, typed=typed)

    def _sign_in(self) -> Answer:
        # A password would be asked for here; in this forum everybody may be anybody.
        member = self.people.named(request.form.get("username", ""))
        return self._enter(member or abort(HTTPStatus.NOT_FOUND))

    def _register(self) -> Answer | tuple[str, int]:
        username = request.form.get("username", "").strip()
        try:
            return self._enter(self.people.register(username))
        except UsernameRefused as refusal:
            return self._sign_in_page(str(refusal), username), HTTPStatus.CONFLICT

    def _sign_out(self) -> Answer:
        my_id = self._my_id()
        session.clear()
        if my_id is not None:
            self.messages.disconnect(my_id)
        return redirect("/", HTTPStatus.SEE_OTHER)


def _framed(document: Document, _request: object) -> str:
    """The forum's own frame around a page of messages."""
    return render_template("messages.html", document=document)


def _nothing(_: object) -> tuple[str, int]:
    return render_template("nothing.html"), HTTPStatus.NOT_FOUND


def _guarded(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _CSP)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
