"""The site's own pages: its people, signing in and out, joining, and what its operators look at."""

import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException, NotAuthorizedException, NotFoundException
from litestar.params import Body, FromPath
from litestar.response import Redirect

from dmcore.adapters.web import Document, Site
from dmcore.adapters.web.asgi import Messages
from examples.care.people import OPERATOR, Member, People

MOUNT: Final = "/messages"
COOKIE: Final = "care"

_HERE: Final = Path(__file__).parent
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
HEADERS: Final = {
    "Content-Security-Policy": Site().csp or "",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_LONGEST_NAME: Final = 60

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
Asked: TypeAlias = Request[Member | None, str, Any]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def people_of(connection: Connection) -> People:
    """The people of the site that is asked."""
    found: People = connection.app.state["people"]
    return found


def _messages_of(connection: Connection) -> Messages:
    found: Messages = connection.app.state["messages"]
    return found


# The frame around every page ----------------------------------------------------------------------


async def framed(document: Document, native: Any) -> str:
    """A page of messaging in the site's own frame."""
    desk = native["path"].split("/")[1]
    here = f"{MOUNT}/{desk}" if desk in ("moderation", "operations") else MOUNT
    return await _shown(ASGIConnection(native), "messages.html", document=document, here=here)


async def _page(connection: Connection, template: str, **values: object) -> Response[str]:
    here = connection.scope["path"]
    return _answer(await _shown(connection, template, here=here, **values))


def _answer(text: str, *, status: int = HTTPStatus.OK) -> Response[str]:
    headers = {**HEADERS, "Cache-Control": "no-store"}
    return Response(text, media_type=MediaType.HTML, status_code=status, headers=headers)


async def _shown(connection: Connection, template: str, **values: object) -> str:
    badge = await _messages_of(connection).badge(connection.scope)
    return _rendered(connection, template, badge=badge, **values)


def _rendered(connection: Connection, template: str, **values: object) -> str:
    return _TEMPLATES.get_template(template).render(
        # Where there is no such path nobody was asked who it is.
        me=connection.scope.get("user"),
        head=_messages_of(connection).head(root=MOUNT),
        mount=MOUNT,
        **values,
    )


def _me(request: Asked, *, role: str | None = None) -> Member:
    """Who asks. Raises ``NotAuthorizedException``, and ``NotFoundException`` without the role."""
    if request.user is None:
        raise NotAuthorizedException
    if role not in (None, request.user.role):
        raise NotFoundException
    return request.user


def refused(request: Request[Any, Any, Any], why: HTTPException) -> Response[Any]:
    """A page that leads back; for a stranger the way in."""
    status = HTTPStatus(why.status_code)
    if status is HTTPStatus.UNAUTHORIZED:
        return _to("/")
    text = _rendered(request, "refused.html", badge="", here="", phrase=status.phrase)
    return _answer(text, status=status)


# Pages --------------------------------------------------------------------------------------------


@get("/")
async def front(request: Asked) -> Response[str]:
    """The people; for a stranger the way in."""
    everyone = await people_of(request).everyone()
    return await _page(request, "people.html" if request.user else "welcome.html", people=everyone)


@get("/people/{member_id:str}")
async def profile(request: Asked, member_id: FromPath[str]) -> Response[str]:
    """Somebody, and the way to write to them."""
    me, member = _me(request), await _member(request, member_id)
    return await _page(
        request,
        "profile.html",
        member=member,
        button=await _messages_of(request).message_button(request.scope, member.id, root=MOUNT),
        is_acquainted=await people_of(request).are_acquainted(me.id, member.id),
        may_remove=me.role == OPERATOR and me.id != member.id,
    )


@get("/pulse")
async def pulse(request: Asked) -> Response[str]:
    """How the calls ended since the site was started: for operators."""
    _me(request, role=OPERATOR)
    counted = request.app.state["pulse"]
    outcomes = sorted(counted.outcomes.items())
    return await _page(request, "pulse.html", outcomes=outcomes, alarms=list(counted.alarms))


@get("/care.css", media_type="text/css", cache=True)
async def stylesheet() -> bytes:
    """How it looks."""
    return (_HERE / "care.css").read_bytes()


# Acts ---------------------------------------------------------------------------------------------


@post("/sign-in")
async def sign_in(request: Asked, data: Form) -> Redirect:
    """Be one of the people: stands for a sign-in that asks for a secret."""
    return await _entered(request, await _member(request, data.get("member", "")))


@post("/join")
async def join(request: Asked, data: Form) -> Redirect:
    """Be somebody new."""
    name, offers = (_line(data.get(field, "")) for field in ("name", "offers"))
    if not name:
        return _to("/")
    member = Member(id=f"p-{secrets.token_hex(4)}", name=name, about="Just joined.", offers=offers)
    await people_of(request).add(member)
    return await _entered(request, member)


@post("/sign-out")
async def sign_out(request: Asked) -> Redirect:
    """Be nobody again, in every window of this sign-in and at once."""
    me = _me(request)
    await people_of(request).sign_out(request.auth)
    _messages_of(request).disconnect(me.id, session=request.auth)
    return _to("/", Cookie(COOKIE, max_age=0))


@post("/people/{member_id:str}/remove")
async def remove(request: Asked, member_id: FromPath[str]) -> Redirect:
    """Somebody leaves: what they wrote is shredded, and the site forgets them as well."""
    me, member = _me(request, role=OPERATOR), await _member(request, member_id)
    if me.id == member.id:  # and then nobody would operate
        raise NotFoundException
    await request.app.state["dm"].operations(me.id).erase(member.id)
    await people_of(request).remove(member.id)
    _messages_of(request).disconnect(member.id)
    return _to("/")


def _line(typed: str) -> str:
    """What was typed, as one short line that PostgreSQL can hold."""
    return " ".join(typed.replace("\0", "").split())[:_LONGEST_NAME]


async def _member(request: Asked, member_id: str) -> Member:
    known = await people_of(request).known([member_id])
    if member_id not in known:
        raise NotFoundException
    return known[member_id]


async def _entered(request: Asked, member: Member) -> Redirect:
    token = await people_of(request).sign_in(member.id)
    return _to("/", Cookie(COOKIE, value=token, httponly=True, samesite="lax"))


def _to(path: str, *cookies: Cookie) -> Redirect:
    return Redirect(path, status_code=303, cookies=cookies)


HANDLERS: Final = (front, profile, pulse, stylesheet, sign_in, join, sign_out, remove)
