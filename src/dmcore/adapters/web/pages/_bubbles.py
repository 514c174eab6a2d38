"""A piece of a conversation as bubbles: days between them, what each answers, where new begins."""

from datetime import date
from itertools import pairwise
from typing import Final, Self
from urllib.parse import urlencode

import attrs

from dmcore.adapters.web._routing import Visit
from dmcore.domain.changing import is_too_late
from dmcore.domain.message import Message
from dmcore.mailbox import ThreadPage

_REACH: Final = 50


@attrs.frozen(kw_only=True)
class Bubble:
    """One message. ``begins_day``: the one before it is of another day, or there is none.

    ``answered`` is the message that it answers, where that is on this page or
    (``is_above``) on the one before it. ``can_be_changed``: the page may offer another text, or
    the module may where it is sealed.
    """

    message: Message
    is_mine: bool
    can_be_changed: bool
    begins_day: bool
    begins_new: bool
    answered: Message | None
    is_above: bool

    @property
    def form_text(self) -> str | None:
        """The text that a form may change; what is sealed only the module can."""
        body = self.message.body
        is_for_a_form = self.can_be_changed and not self.message.is_sealed
        return body.text if is_for_a_form and body is not None else None


@attrs.frozen(kw_only=True)
class Piece:
    """Some bubbles in a row. ``is_newest``: nothing follows them. ``way`` leads to this page."""

    bubbles: tuple[Bubble, ...]
    older: str | None
    newer: str | None
    is_newest: bool
    way: str

    @property
    def sealed(self) -> Self:
        """The same where nobody writes in the clear any more: what was not sealed stays."""
        return attrs.evolve(
            self,
            bubbles=tuple(
                attrs.evolve(it, can_be_changed=it.can_be_changed and it.message.is_sealed)
                for it in self.bubbles
            ),
        )


async def piece_of(
    visit: Visit, thread: str, *, limit: int = 50, marks_new: bool = False
) -> tuple[Piece, ThreadPage]:
    """The piece that the query asks for: the newest, what is before a place, or after one."""
    query = visit.request.query
    before, after = query.get("before"), query.get("after")
    found = await visit.mailbox.thread(thread, limit=limit, before=before, after=after)
    # Whether a day begins is the same on every page that shows the message.
    earlier = (
        (await visit.mailbox.thread(thread, limit=_reach(found), before=found.older)).items
        if found.older is not None and found.items
        else ()
    )
    piece = Piece(
        bubbles=_bubbles(visit, found, earlier, marks_new=marks_new),
        older=found.older,
        newer=found.newer,
        is_newest=before is None and (after is None or not found.has_more),
        way=_way(before, after),
    )
    return piece, found


def _reach(found: ThreadPage) -> int:
    """How far to look further up: for the day before, and for what is answered here."""
    shown = {message.id for message in found.items}
    answered = {message.reply_to for message in found.items if message.reply_to is not None}
    return 1 if answered <= shown else _REACH


def _way(before: str | None, after: str | None) -> str:
    cursors = {"before": before, "after": after}
    return urlencode({name: cursor for name, cursor in cursors.items() if cursor is not None})


def _bubbles(
    visit: Visit, found: ThreadPage, earlier: tuple[Message, ...], *, marks_new: bool
) -> tuple[Bubble, ...]:
    me, policy, now = visit.viewer.user, visit.world.dm.policy, visit.world.dm.now()
    here = {message.id for message in found.items}
    near = {message.id: message for message in (*earlier, *found.items)}
    new = _first_new(me, found) if marks_new else None
    days: list[date | None] = [message.sent_at.date() for message in (*earlier[-1:], *found.items)]
    if not earlier:
        days.insert(0, None)
    return tuple(
        Bubble(
            message=message,
            is_mine=message.sender == me,
            can_be_changed=message.sender == me and not is_too_late(message, policy, now),
            begins_day=day != day_before,
            begins_new=message is new,
            answered=None if message.reply_to is None else near.get(message.reply_to),
            is_above=message.reply_to not in here,
        )
        for message, (day_before, day) in zip(found.items, pairwise(days), strict=True)
    )


def _first_new(me: str, found: ThreadPage) -> Message | None:
    """The first of the other's messages after the marker, where something stands before it."""
    for place, message in enumerate(found.items):
        if message.sender != me and (found.read is None or message.id > found.read):
            return message if place > 0 else None
    return None
