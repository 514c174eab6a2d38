"""What the forms of a conversation do. Each does one thing and leads back to a page."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import quote

from dmcore.adapters.web._routing import Handler, Route, Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.pages._conversation import action_of, path_to, shown
from dmcore.adapters.web.pages._drafts import Draft, kept
from dmcore.adapters.web.pages._forms import form_of, needed, text_of
from dmcore.adapters.web.pages._rendering import redirect
from dmcore.errors import AccessDenied, DmcoreError, InvalidId
from dmcore.mailbox import AsyncMailbox


async def send(visit: Visit) -> Response:
    """Write, perhaps in answer to a message; what was on the page before it counts as read."""
    form, thread = form_of(visit.request), visit.arguments["thread"]
    carried = {"key": needed(form, "key")}
    if form.get("reply_to"):
        carried["reply_to"] = form["reply_to"]
    draft = Draft(action=action_of(visit), body=text_of(form), carried=carried)
    try:
        await visit.mailbox.send(
            thread, draft.body, key=carried["key"], reply_to=carried.get("reply_to")
        )
    except DmcoreError as error:
        refusal = error
    else:
        if "through" in form:
            # What was sent is sent, whatever becomes of the mark.
            with suppress(DmcoreError):
                await visit.mailbox.mark_read(thread, through=form["through"])
        return redirect(visit.request, f"{path_to(thread)}#dm-end")
    return await _refused(visit, draft, refusal)


async def edit(visit: Visit) -> Response:
    """Give an own message another text."""
    form, thread = form_of(visit.request), visit.arguments["thread"]
    message = quote(visit.arguments["message"], safe="")
    below = f"/m/{message}/edit"
    draft = Draft(action=action_of(visit, below), body=text_of(form), is_edit=True)
    try:
        await visit.mailbox.edit(thread, visit.arguments["message"], draft.body)
    except DmcoreError as error:
        refusal = error
    else:
        return redirect(visit.request, f"{path_to(thread)}#m-{message}")
    return await _refused(visit, draft, refusal)


async def delete(visit: Visit) -> Response:
    """Take an own message back."""
    thread = visit.arguments["thread"]
    await visit.mailbox.delete(thread, visit.arguments["message"])
    return redirect(visit.request, path_to(thread))


async def hide(visit: Visit) -> Response:
    """Hide a message from oneself. Who presses twice has hidden it."""
    thread = visit.arguments["thread"]
    try:
        await visit.mailbox.hide(thread, visit.arguments["message"])
    except AccessDenied:
        # Of a conversation that is not theirs, they are told the same as by looking at it.
        await visit.mailbox.conversation(thread)
    return redirect(visit.request, path_to(thread))


async def read(visit: Visit) -> Response:
    """Mark what the page showed as read."""
    thread, form = visit.arguments["thread"], form_of(visit.request)
    await visit.mailbox.mark_read(thread, through=needed(form, "through"))
    return redirect(visit.request, f"{path_to(thread)}#dm-end")


async def block(visit: Visit) -> Response:
    """Block whoever this conversation is with."""
    view = await visit.mailbox.conversation(visit.arguments["thread"])
    await visit.mailbox.block(view.other)
    return redirect(visit.request, path_to(visit.arguments["thread"]))


async def unblock(visit: Visit) -> Response:
    """Unblock them again."""
    view = await visit.mailbox.conversation(visit.arguments["thread"])
    await visit.mailbox.unblock(view.other)
    return redirect(visit.request, path_to(visit.arguments["thread"]))


Act = Callable[[AsyncMailbox, str], Awaitable[None]]

# What asks for nothing but the conversation: what it does, and which page then follows.
_ACTS: dict[str, tuple[Act, str | None]] = {
    "mute": (AsyncMailbox.mute, None),
    "unmute": (AsyncMailbox.unmute, None),
    "archive": (AsyncMailbox.archive, "/"),
    "unarchive": (AsyncMailbox.unarchive, None),
    "clear": (AsyncMailbox.clear, None),
    "accept": (AsyncMailbox.accept, None),
    "decline": (AsyncMailbox.decline, "/requests"),
}


def _acting(act: Act, then: str | None) -> Handler:
    async def handler(visit: Visit) -> Response:
        thread = visit.arguments["thread"]
        await act(visit.mailbox, thread)
        return redirect(visit.request, path_to(thread) if then is None else then)

    return handler


async def _refused(visit: Visit, draft: Draft, refusal: DmcoreError) -> Response:
    """The page again with the text and the reason; where it cannot be shown, the text alone."""
    try:
        return await shown(visit, draft.refused(refusal))
    except (AccessDenied, InvalidId):
        # It is not theirs: the same answer as to looking at it.
        raise
    except DmcoreError:
        pass
    return kept(visit, draft, refusal)


ROUTES: tuple[Route, ...] = (
    Route(method="POST", pattern="/t/{thread}", handler=send),
    Route(method="POST", pattern="/t/{thread}/read", handler=read),
    Route(method="POST", pattern="/t/{thread}/block", handler=block),
    Route(method="POST", pattern="/t/{thread}/unblock", handler=unblock),
    *(
        Route(method="POST", pattern=f"/t/{{thread}}/{name}", handler=_acting(act, then))
        for name, (act, then) in _ACTS.items()
    ),
    Route(method="POST", pattern="/t/{thread}/m/{message}/edit", handler=edit),
    Route(method="POST", pattern="/t/{thread}/m/{message}/delete", handler=delete),
    Route(method="POST", pattern="/t/{thread}/m/{message}/hide", handler=hide),
)
