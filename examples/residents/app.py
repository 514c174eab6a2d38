"""Residents as a FastAPI application: its pages, who is signed in, its frame around messages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self, cast
from urllib.parse import parse_qsl

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.middleware.sessions import SessionMiddleware

from dmcore import AsyncDirectMessages, AsyncMailbox
from dmcore.adapters.web import Document, Viewer
from dmcore.errors import DmcoreError, YouBlockedThem
from examples.residents.database import Databases
from examples.residents.messaging import Bell, messages_of, opened_store
from examples.residents.people import People, Resident

ROOT = "/messages"
API = "/api/v1/messages"

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


class Me(BaseModel):
    """Who is signed in, for the site's own clients."""

    id: str
    organisation: str
    name: str


class Residents:
    """``app`` is the site; ``opened`` makes it on the event loop that serves it."""

    def __init__(self, people: People, dm: AsyncDirectMessages, bell: Bell, *, secret: str) -> None:
        self.people = people
        self.dm = dm
        self.messages = messages_of(dm, people, identify=self._viewer, layout=self._framed)
        self._bell = bell
        self.app = FastAPI(title="Residents", version="1", lifespan=self._living, redoc_url=None)
        self.app.add_middleware(
            SessionMiddleware, secret_key=secret, session_cookie="residents", same_site="lax"
        )
        # The interface is part of the site's own; the pages ask another mount of the same.
        self.app.include_router(self.messages.api_router, prefix=API)
        self.app.include_router(self.messages.router, prefix=ROOT, include_in_schema=False)
        self.app.add_exception_handler(AnyHTTPException, self._refused)
        self.app.add_exception_handler(DmcoreError, self._refused)
        self.app.add_api_route("/api/v1/me", self._who, methods=["GET"], tags=["residents"])
        for path, method, page in (
            ("/", "GET", self._home),
            ("/sign-in", "GET", self._sign_in_page),
            ("/sign-in", "POST", self._sign_in),
            ("/sign-out", "POST", self._sign_out),
            ("/people/{resident}", "GET", self._profile),
            ("/people/{resident}/block", "POST", self._block),
            ("/people/{resident}/unblock", "POST", self._unblock),
            ("/notifications", "GET", self._notifications),
            ("/me", "GET", self._my_page),
            ("/me", "POST", self._list_me),
            ("/residents.css", "GET", self._stylesheet),
        ):
            self.app.add_api_route(
                path, page, methods=[method], include_in_schema=False, response_model=None
            )

    @classmethod
    async def opened(cls, databases: Databases, *, secret: str) -> Self:
        """Open both databases. The site closes them when it ends."""
        people = await People.opened(databases.host)
        dm = await opened_store(databases, people)
        bell = await run_in_threadpool(Bell, databases)
        return cls(people, dm, bell, secret=secret)

    @asynccontextmanager
    async def _living(self, _: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(self._bell.start)
        yield
        self.messages.close()
        await run_in_threadpool(self._bell.close)
        await self.dm.close()
        await self.people.close()

    # Who is who -----------------------------------------------------------------------------------

    async def _me(self, request: Request) -> Resident | None:
        """Who is signed in; looked up once for a request."""
        if not hasattr(request.state, "me"):
            resident = request.session.get("resident")
            request.state.me = None if resident is None else await self.people.with_id(resident)
        me: Resident | None = request.state.me
        return me

    async def _viewer(self, request: Request) -> Viewer | None:
        """The same for messaging: an organisation is a tenant."""
        me = await self._me(request)
        return None if me is None else Viewer(user=me.id, tenant=me.organisation)

    async def _member(self, request: Request) -> Resident:
        me = await self._me(request)
        if me is None:
            raise HTTPException(303, headers={"Location": "/sign-in"})
        return me

    def _mailbox_of(self, resident: Resident) -> AsyncMailbox:
        return self.dm.mailbox(resident.id, tenant=resident.organisation)

    async def _seen(self, me: Resident, resident: str) -> Resident:
        """Somebody whose profile one may see.

        Who is not there, lives elsewhere, is not listed or blocks one is the same page, byte for
        byte, after the same work: so nobody can find out who blocks them.
        """
        if resident == me.id:
            return me
        if not resident.isdecimal():
            raise HTTPException(404)
        known = await self.people.in_organisation(me.organisation, [resident])
        is_open = await self._mailbox_of(me).can_see_profile(resident)
        found = known.get(resident)
        if found is None or not found.is_listed or not is_open:
            raise HTTPException(404)
        return found

    # Pages ----------------------------------------------------------------------------------------

    async def _home(self, request: Request) -> Response:
        me = await self._member(request)
        listed = await self.people.neighbours(me)
        seen = await self._mailbox_of(me).visible_profiles([it.id for it in listed])
        return await self._page(
            request, "home.html", neighbours=[it for it in listed if it.id in seen]
        )

    async def _profile(self, request: Request, resident: str) -> Response:
        me = await self._member(request)
        found = await self._seen(me, resident)
        permission = None
        if found is not me:
            permission = await self._mailbox_of(me).can_message(found.id)
        return await self._page(
            request,
            "profile.html",
            resident=found,
            button=await self.messages.message_button(request, found.id, root=ROOT),
            is_blocked=permission is not None and permission.reason == YouBlockedThem.code,
        )

    async def _block(self, request: Request, resident: str) -> Response:
        me = await self._member(request)
        found = await self._seen(me, resident)
        await self._mailbox_of(me).block(found.id)
        return RedirectResponse(f"/people/{found.id}", 303)

    async def _unblock(self, request: Request, resident: str) -> Response:
        me = await self._member(request)
        found = await self._seen(me, resident)
        await self._mailbox_of(me).unblock(found.id)
        return RedirectResponse(f"/people/{found.id}", 303)

    async def _notifications(self, request: Request) -> Response:
        await self._member(request)
        return await self._page(request, "notifications.html")

    async def _my_page(self, request: Request) -> Response:
        await self._member(request)
        return await self._page(request, "me.html")

    async def _list_me(self, request: Request) -> Response:
        me = await self._member(request)
        await self.people.show(me, is_listed="listed" in await _form_of(request))
        return RedirectResponse("/me", 303)

    async def _sign_in_page(self, request: Request) -> Response:
        return await self._page(request, "sign_in.html", residents=await self.people.everybody())

    async def _sign_in(self, request: Request) -> Response:
        # A password would be asked for here; in this house everybody may be anybody.
        found = await self.people.with_id((await _form_of(request)).get("resident", ""))
        if found is None:
            raise HTTPException(404)
        request.session.clear()
        request.session["resident"] = found.id
        return RedirectResponse("/", 303)

    async def _sign_out(self, request: Request) -> Response:
        me = await self._me(request)
        request.session.clear()
        if me is not None:
            self.messages.disconnect(me.id, tenant=me.organisation)
        return RedirectResponse("/sign-in", 303)

    async def _who(self, request: Request) -> Me:
        """Who is signed in."""
        me = await self._me(request)
        if me is None:
            raise HTTPException(401)
        return Me(id=me.id, organisation=me.organisation, name=me.name)

    async def _stylesheet(self) -> Response:
        return FileResponse(_HERE / "static" / "residents.css")

    # What is around pages -------------------------------------------------------------------------

    async def _framed(self, document: Document, native: object) -> str:
        """The site's own frame around a page of messages."""
        return await self._rendered(cast("Request", native), "messages.html", document=document)

    async def _page(
        self, request: Request, template: str, status_code: int = 200, **values: object
    ) -> Response:
        text = await self._rendered(request, template, **values)
        return HTMLResponse(text, status_code=status_code, headers=_HEADERS)

    async def _rendered(self, request: Request, template: str, **values: object) -> str:
        me = await self._me(request)
        return _TEMPLATES.get_template(template).render(
            me=me,
            head=self.messages.head(request, root=ROOT),
            badge=await self.messages.badge(request),
            notifications=[] if me is None else await self.people.notifications(me),
            **values,
        )

    async def _refused(self, request: Request, error: Exception) -> Response:
        """Not as it was asked: a page, or the way to sign in, or JSON for a client."""
        if isinstance(error, AnyHTTPException) and request.url.path.startswith("/api/"):
            return await http_exception_handler(request, error)
        status, headers = 500, None
        if isinstance(error, AnyHTTPException):
            status, headers = error.status_code, error.headers
        elif isinstance(error, DmcoreError):
            status = error.http_status
        if status == 303:
            return Response(status_code=status, headers=headers)
        return await self._page(request, "refused.html", status_code=status, status=status)


async def _form_of(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
