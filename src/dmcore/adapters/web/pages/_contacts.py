"""Pages about people rather than about one conversation: whom to write to, whom not, and how."""

import hashlib
from contextlib import suppress
from typing import Final
from urllib.parse import quote, unquote

from dmcore.adapters.web._errors import MalformedRequest
from dmcore.adapters.web._routing import Route, Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web._words import notice_before, notice_of
from dmcore.adapters.web.pages._conversation import path_to
from dmcore.adapters.web.pages._drafts import Draft, kept, status_of, with_wait
from dmcore.adapters.web.pages._forms import form_of, fresh_key, needed, text_of
from dmcore.adapters.web.pages._listing import listed_in
from dmcore.adapters.web.pages._people import faces_of
from dmcore.adapters.web.pages._rendering import page, redirect
from dmcore.adapters.web.pages._sealing import Sealing
from dmcore.domain.conversation import Folder
from dmcore.domain.preferences import OpenTo, Preferences
from dmcore.errors import (
    AccessDenied,
    CannotMessageYourself,
    ChoiceNotOffered,
    DmcoreError,
    InvalidId,
    LimitReached,
    UnknownUser,
)

_SWITCHES: Final = ("receipts", "typing", "presence")

# Whom somebody is about to write to for the first time: in a cookie, because no address names them.
# It says as well who is, for the next person at the same browser is not to know.
_COOKIE: Final = "dm_new"
_KEPT_S: Final = 3600
_NEW: Final = "/new"


async def blocked(visit: Visit) -> Response:
    """Whom the viewer blocks (BLOCK-3)."""
    found = await visit.mailbox.blocked(cursor=visit.request.query.get("cursor"))
    faces = await faces_of(visit, (block.blocked for block in found.items))
    return page(
        visit,
        "blocked.html",
        title="Blocked people",
        here="blocked",
        listed=None,
        found=found,
        faces=faces,
    )


async def unblock(visit: Visit) -> Response:
    """Unblock somebody of that list."""
    await visit.mailbox.unblock(needed(form_of(visit.request), "user"))
    return redirect(visit.request, "/blocked")


async def settings(visit: Visit) -> Response:
    """What the viewer decided about being reached and seen (PREF-1)."""
    return await _settings(visit, await visit.mailbox.preferences())


async def save_settings(visit: Visit) -> Response:
    """Decide anew: a box that is not ticked is not sent."""
    form = form_of(visit.request)
    asked = needed(form, "open_to")
    if asked not in set(OpenTo):
        raise MalformedRequest("open_to", f"it must be one of {', '.join(OpenTo)}")
    chosen = Preferences(open_to=OpenTo(asked), **{name: name in form for name in _SWITCHES})
    try:
        await visit.mailbox.set_preferences(chosen)
    except ChoiceNotOffered as error:
        return await _settings(visit, chosen, error)
    return redirect(visit.request, "/settings?saved=1")


async def remove_device(visit: Visit) -> Response:
    """Remove a device: nothing is sealed for it any more. Who presses twice has removed it."""
    with suppress(AccessDenied):
        await visit.mailbox.devices.remove(visit.arguments["device"])
    return redirect(visit.request, "/settings?removed=1")


async def _settings(
    visit: Visit, preferences: Preferences, refusal: DmcoreError | None = None
) -> Response:
    return page(
        visit,
        "settings.html",
        title="Message settings",
        status=200 if refusal is None else refusal.http_status,
        here="settings",
        listed=None,
        preferences=preferences,
        # A choice that is not offered is shown to whom it was offered once.
        has_connections=visit.world.dm.offers_connections
        or preferences.open_to is OpenTo.CONNECTIONS,
        notice=None if refusal is None else notice_of(refusal),
        devices=await visit.mailbox.devices.list(),
        is_saved="saved" in visit.request.query,
        is_removed="removed" in visit.request.query,
    )


async def open_with(visit: Visit) -> Response:
    """The conversation with somebody, or a page to begin it on. Nothing is created yet."""
    user = needed(form_of(visit.request), "user")
    view = await visit.mailbox.conversation_with(user)
    if view is not None:
        return redirect(visit.request, f"{path_to(str(view.conversation))}#dm-body")
    return redirect(visit.request, _NEW).with_headers(("Set-Cookie", _cookie(visit, user)))


async def new(visit: Visit) -> Response:
    """The page to begin it on, for whom the cookie names: going back to it sends nothing again."""
    user = _remembered(visit)
    if user is None:
        return redirect(visit.request, "/")
    draft = Draft(action=f"{visit.request.root}/start", carried={"key": fresh_key(), "user": user})
    try:
        return await _compose(visit, draft)
    except InvalidId:
        return redirect(visit.request, "/")


async def start(visit: Visit) -> Response:
    """Write to somebody, beginning the conversation if there is none."""
    form = form_of(visit.request)
    carried = {name: needed(form, name) for name in ("key", "user")}
    draft = Draft(action=f"{visit.request.root}/start", body=text_of(form), carried=carried)
    try:
        message = await visit.mailbox.start(carried["user"], draft.body, key=carried["key"])
    except DmcoreError as error:
        refusal = error
    else:
        return redirect(visit.request, f"{path_to(str(message.conversation))}#dm-end")
    try:
        return await _compose(visit, draft.refused(refusal))
    except (CannotMessageYourself, UnknownUser):
        raise
    except DmcoreError:
        pass
    return kept(visit, draft, refusal)


async def _compose(visit: Visit, draft: Draft) -> Response:
    user = draft.carried["user"]
    view = await visit.mailbox.conversation_with(user)
    if view is not None and draft.refusal is None:
        return redirect(visit.request, f"{path_to(str(view.conversation))}#dm-body")
    permission = await visit.mailbox.can_message(user)
    if permission.reason == UnknownUser.code:
        raise UnknownUser
    listed = await listed_in(visit, Folder.INBOX)
    faces = await faces_of(visit, (*listed.others, user))
    before = notice_before(permission, is_start=True)
    sealing = Sealing.of(visit, permission, view)
    response = page(
        visit,
        "compose.html",
        title="New message",
        status=status_of(draft),
        here="compose",
        listed=listed,
        faces=faces,
        current=None,
        face=faces[user],
        user=user,
        sealing=sealing,
        draft=draft,
        before=before if draft.refusal is None else None,
        can_write=(before is None and sealing.lets_write)
        or permission.reason == LimitReached.code
        or draft.refusal is not None,
    )
    return with_wait(response, draft.refusal)


def _cookie(visit: Visit, user: str) -> str:
    where = f"Path={visit.request.root}{_NEW}; Max-Age={_KEPT_S}; HttpOnly; SameSite=Lax"
    # A server behind a proxy does not know how it was reached; the browser that posts a form does.
    if visit.request.headers.get("origin", "").startswith("https:"):
        where += "; Secure"
    return f"{_COOKIE}={_mark_of(visit)}.{quote(user, safe='')}; {where}"


def _remembered(visit: Visit) -> str | None:
    """Whom the cookie names, if it is there, whole, and the viewer's own."""
    for pair in visit.request.headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        mark, _, user = value.partition(".")
        if name == _COOKIE and mark == _mark_of(visit):
            try:
                return unquote(user, errors="strict")
            except UnicodeDecodeError:
                return None
    return None


def _mark_of(visit: Visit) -> str:
    """What tells viewers apart, and does not name them."""
    me = visit.mailbox.user
    return hashlib.sha256(f"{me.tenant}\0{me.id}".encode()).hexdigest()[:16]


ROUTES: tuple[Route, ...] = (
    Route(method="GET", pattern="/blocked", handler=blocked),
    Route(method="POST", pattern="/unblock", handler=unblock),
    Route(method="GET", pattern="/settings", handler=settings),
    Route(method="POST", pattern="/settings", handler=save_settings),
    Route(method="POST", pattern="/devices/{device}/remove", handler=remove_device),
    Route(method="POST", pattern="/open", handler=open_with),
    Route(method="GET", pattern=_NEW, handler=new),
    Route(method="POST", pattern="/start", handler=start),
)
