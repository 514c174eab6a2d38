"""What goes down a stream, as bytes (the text/event-stream of HTML). References, never content."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from dmcore.domain.events import Fact
from dmcore.domain.feed import Changes
from dmcore.domain.paging import Cursor
from dmcore.ports.signals import Typing

BEAT: Final = b":\n\n"
RETRY: Final = b"retry: 2000\n\n"


def hello(cursor: Cursor) -> bytes:
    """The place where a stream began that had none to go on from."""
    return _event("hello", {}, cursor)


def expired(cursor: Cursor) -> bytes:
    """What lies before the place is not to be had any more: look at everything anew."""
    return _event("expired", {}, cursor)


def happened(changes: Changes) -> bytes:
    """Facts, with the place after them; named as the interface names them."""
    items = [_fact(fact) for fact in changes.items]
    return _event("changes", {"items": items, "next": changes.next}, changes.next)


def writes(typing: Typing) -> bytes:
    """Somebody is writing. It has no place in the feed."""
    return _event("typing", {"conversation": str(typing.conversation), "user": typing.writer})


def closed(reason: str) -> bytes:
    """The end, and why: a client that comes back at once would meet the same."""
    return _event("closed", {"reason": reason})


def _fact(fact: Fact) -> dict[str, str | None]:
    return {
        "action": fact.action.value,
        "actor": fact.actor,
        "at": _written(fact.at),
        "other": fact.other,
        "conversation": None if fact.conversation is None else str(fact.conversation),
        "message": None if fact.message is None else str(fact.message),
        "mode": None if fact.mode is None else fact.mode.value,
        "report": None if fact.report is None else str(fact.report),
    }


def _written(when: datetime) -> str:
    return f"{when.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _event(name: str, content: Mapping[str, object], cursor: Cursor | None = None) -> bytes:
    place = "" if cursor is None else f"id: {cursor}\n"
    written = json.dumps(content, separators=(",", ":"))
    return f"event: {name}\n{place}data: {written}\n\n".encode()
