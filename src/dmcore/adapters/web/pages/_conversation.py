"""The page of one conversation, and the piece of it that the module asks for."""

from typing import Final
from urllib.parse import quote

import attrs

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web._words import NOBODY_THERE, notice_before
from dmcore.adapters.web.pages._assets import sealing_modules
from dmcore.adapters.web.pages._bubbles import Piece, piece_of
from dmcore.adapters.web.pages._drafts import Draft, status_of, with_wait
from dmcore.adapters.web.pages._forms import fresh_key
from dmcore.adapters.web.pages._listing import listed_in
from dmcore.adapters.web.pages._people import faces_of
from dmcore.adapters.web.pages._rendering import html, page, rendered
from dmcore.adapters.web.pages._sealing import Sealing
from dmcore.domain.conversation import Folder
from dmcore.errors import LimitReached

TITLE: Final = "Conversation"


def path_to(thread: str) -> str:
    """Where a conversation is, below the mount."""
    return f"/t/{quote(thread, safe='')}"


async def show(visit: Visit) -> Response:
    """A conversation, newest messages first seen; looking marks nothing as read (READ-1)."""
    return await shown(visit, None)


async def shown(visit: Visit, draft: Draft | None) -> Response:
    """The same with a text that was refused, or without."""
    thread = visit.arguments["thread"]
    listed = await listed_in(visit, Folder.INBOX)
    view = await visit.mailbox.conversation(thread)
    piece, found = await piece_of(visit, thread, marks_new=view.unread > 0)
    permission = await visit.mailbox.can_message(view.other)
    faces = await faces_of(visit, (*listed.others, view.other))
    before = notice_before(permission, is_start=False)
    sealing = Sealing.of(visit, permission, view)
    if sealing.is_sealed:
        piece = piece.sealed
    if faces[view.other].is_gone:
        before = NOBODY_THERE
    is_limited = permission.reason == LimitReached.code and before is not NOBODY_THERE
    draft = _answering(piece, draft or _begun(visit, piece))
    through = found.items[-1].id if view.unread and found.items else None
    if through is not None and not draft.is_edit:
        draft = draft.carrying(through=str(through))
    response = page(
        visit,
        "thread.html",
        title=TITLE,
        status=status_of(draft),
        here="thread",
        listed=listed,
        faces=faces,
        current=str(view.conversation),
        view=view,
        face=faces[view.other],
        piece=piece,
        through=through,
        draft=draft,
        sealing=sealing,
        before=before if draft.refusal is None and not draft.is_edit else None,
        can_write=(before is None and sealing.lets_write)
        or is_limited
        or draft.refusal is not None
        or draft.is_edit,
    )
    return with_wait(response, draft.refusal)


async def thread_fragment(visit: Visit) -> Response:
    """A piece of a conversation alone."""
    thread = visit.arguments["thread"]
    piece, found = await piece_of(visit, thread)
    faces = await faces_of(visit, (found.other,))
    text = rendered(
        "_messages.html",
        root=visit.request.root,
        has_modules=sealing_modules(visit.request.root) is not None,
        conversation=str(found.conversation),
        face=faces[found.other],
        piece=piece,
        evidence=visit.world.dm.policy.evidence,
    )
    return html(visit.site, text)


def action_of(visit: Visit, below: str = "") -> str:
    """Where a form of this conversation goes."""
    return f"{visit.request.root}{path_to(visit.arguments['thread'])}{below}"


def _begun(visit: Visit, piece: Piece) -> Draft:
    """What the query asks for: a new text, an answer, or another text for an own message."""
    query = visit.request.query
    messages = {str(bubble.message.id): bubble for bubble in piece.bubbles}
    edited = messages.get(query.get("edit", ""))
    if edited is not None and edited.form_text is not None:
        below = f"/m/{edited.message.id}/edit"
        return Draft(action=action_of(visit, below), body=edited.form_text, is_edit=True)
    draft = Draft(action=action_of(visit), carried={"key": fresh_key()})
    replied = messages.get(query.get("reply", ""))
    return draft if replied is None else draft.carrying(reply_to=str(replied.message.id))


def _answering(piece: Piece, draft: Draft) -> Draft:
    """The same, with the message that it answers."""
    target = draft.carried.get("reply_to")
    for bubble in piece.bubbles:
        if str(bubble.message.id) == target:
            return attrs.evolve(draft, answered=bubble.message)
    return draft
