"""WhiteBalloon as a Starlette application: pages of a server, forms, and no script of its own."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.responses import Response as Answer
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from dmcore.adapters.web import Document
from examples.whiteballoon.figures import Figures, exposition
from examples.whiteballoon.messaging import (
    ROOT,
    References,
    host_database_url,
    messages_of,
    opened_store,
)
from examples.whiteballoon.people import People, Person

_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class WhiteBalloon:
    """``app`` is the site, in a folder that has its two databases: the people's, the messages'."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.people = People(folder / "host.db")
        self.figures = Figures()
        store = opened_store(folder, self.people)
        dm = store.observed(self.figures)
        self._dm = dm.awaited(asyncio.to_thread)
        # Not the observed one: what the relay does every second is nobody's doing, and not counted.
        self._references = References(store, host_database_url(folder))
        self.messages = messages_of(dm, self.people, identify=_signed_in, layout=self._framed)
        self.app = Starlette(
            routes=[
                Route("/", self._dashboard),
                Route("/people", self._everybody),
                Route("/people/{person}", self._profile),
                Route("/sign-in", self._sign_in_page),
                Route("/sign-in", self._sign_in, methods=["POST"]),
                Route("/sign-out", self._sign_out, methods=["POST"]),
                Route("/admin", self._admin),
                Route("/admin/messaging", self._turn, methods=["POST"]),
                Route("/metrics", self._metrics),
                Route("/whiteballoon.css", self._stylesheet),
                Mount(ROOT, app=self._messaging),
            ],
            middleware=[
                Middleware(
                    SessionMiddleware,
                    secret_key=_kept_secret(folder / "session.key"),
                    session_cookie="whiteballoon",
                    same_site="lax",
                )
            ],
            exception_handlers={HTTPException: self._refused},
            lifespan=self._living,
        )

    # Pages ----------------------------------------------------------------------------------------

    async def _dashboard(self, request: Request) -> Answer:
        me = await self._me(request.scope)
        if me is None:
            return RedirectResponse("/sign-in", 303)
        return await self._page(
            request.scope,
            "dashboard.html",
            needs=await asyncio.to_thread(self.people.needs),
            waiting=await asyncio.to_thread(self.people.waiting_for, me),
        )

    async def _everybody(self, request: Request) -> Answer:
        found = await asyncio.to_thread(self.people.everybody)
        return await self._page(request.scope, "people.html", people=found)

    async def _profile(self, request: Request) -> Answer:
        person = await self._found(request.path_params["person"])
        button = await self.messages.message_button(request.scope, person.id, root=ROOT)
        return await self._page(request.scope, "profile.html", person=person, button=button)

    async def _sign_in_page(self, request: Request) -> Answer:
        found = await asyncio.to_thread(self.people.everybody)
        return await self._page(request.scope, "sign_in.html", people=found)

    async def _sign_in(self, request: Request) -> Answer:
        # A password would be asked for here; in this place everybody may be anybody.
        person = await self._found((await _form_of(request)).get("person", ""))
        request.session.clear()
        request.session["person"] = person.id
        return RedirectResponse("/", 303)

    async def _sign_out(self, request: Request) -> Answer:
        person = request.session.pop("person", None)
        if person is not None:
            self.messages.disconnect(person)
        return RedirectResponse("/sign-in", 303)

    # What an admin does ---------------------------------------------------------------------------

    async def _admin(self, request: Request) -> Answer:
        admin = await self._admin_of(request)
        operations = self._dm.operations(admin.id)
        return await self._page(
            request.scope,
            "admin.html",
            status=await operations.status(),
            consumers=await operations.consumers(),
            calls=self.figures.calls(),
        )

    async def _turn(self, request: Request) -> Answer:
        admin = await self._admin_of(request)
        asked = (await _form_of(request)).get("messaging")
        if asked not in {"on", "off"}:
            raise HTTPException(422)
        await self._dm.operations(admin.id).set_mode(asked)
        self._references.look()
        return RedirectResponse("/admin", 303)

    async def _metrics(self, _: Request) -> Answer:
        """For a machine that nobody signs in: there is nothing in it that is anybody's."""
        status = await self._dm.operations("metrics").status()
        return PlainTextResponse(exposition(status, self.figures), headers=_HEADERS)

    # What is around pages -------------------------------------------------------------------------

    async def _framed(self, document: Document, native: object) -> str:
        """The site's own frame around a page of messages."""
        scope: Any = native
        return await self._rendered(scope, "messages.html", document=document)

    async def _page(
        self, scope: Scope, template: str, status_code: int = 200, **values: object
    ) -> Answer:
        text = await self._rendered(scope, template, **values)
        return HTMLResponse(text, status_code=status_code, headers=_HEADERS)

    async def _rendered(self, scope: Scope, template: str, **values: object) -> str:
        return _TEMPLATES.get_template(template).render(
            me=await self._me(scope),
            # Nothing while messaging is off, and then nothing leads there.
            badge=await self.messages.badge(scope),
            head=self.messages.head(root=ROOT),
            **values,
        )

    async def _messaging(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.messages.app(scope, receive, send)
        if scope["type"] == "http" and scope["method"] != "GET":
            self._references.look()

    async def _refused(self, request: Request, error: Exception) -> Answer:
        code = error.status_code if isinstance(error, HTTPException) else 500
        return await self._page(request.scope, "refused.html", status_code=code, code=code)

    async def _stylesheet(self, _: Request) -> Answer:
        return FileResponse(_HERE / "static" / "whiteballoon.css")

    @asynccontextmanager
    async def _living(self, _: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(self._references.start)
        yield
        self.messages.close()
        await asyncio.to_thread(self._references.close)
        await self._dm.close()

    # Who is who -----------------------------------------------------------------------------------

    async def _me(self, scope: Scope) -> Person | None:
        person = _signed_in(scope)
        if person is None:
            return None
        return (await asyncio.to_thread(self.people.with_ids, [person])).get(person)

    async def _found(self, person: str) -> Person:
        found = await asyncio.to_thread(self.people.with_ids, [person])
        if person not in found:
            raise HTTPException(404)
        return found[person]

    async def _admin_of(self, request: Request) -> Person:
        """The admin who asks; to everybody else these pages are not there."""
        me = await self._me(request.scope)
        if me is None or not me.is_admin:
            raise HTTPException(404)
        return me


def create_app(*, folder: Path) -> Starlette:
    """The site, for a server: it opens and closes with its lifespan."""
    return WhiteBalloon(folder).app


def _signed_in(scope: Scope) -> str | None:
    person: str | None = scope["session"].get("person")
    return person


async def _form_of(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))


def _kept_secret(file: Path) -> str:
    """What cookies are signed with: the same after a restart, and only the site's to read."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32))
    return file.read_text()
