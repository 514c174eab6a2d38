"""The export as JSON Lines: the names in a line, and how ids and instants are written (GDPR-1)."""

import json
from base64 import b64encode
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from dmcore.domain.contact import Block
from dmcore.domain.devices import Device
from dmcore.domain.inbox import ConversationView
from dmcore.domain.message import Message
from dmcore.domain.reports import OwnReport
from dmcore.mailbox._exporting import Exported

# Some readers take these for the end of a line; in JSON each has an escape.
_LINE_ENDS: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\x85\u2028\u2029"}


def json_line(thing: Exported) -> str:
    """One thing of an export as a line of JSON, without the line's end; ``kind`` says what it is.

    Instants are ISO 8601 in UTC, and what does not apply is ``null``.
    """
    line = json.dumps(_fields_of(thing), ensure_ascii=False, separators=(",", ":"))
    return line.translate(_LINE_ENDS)


def _fields_of(thing: Exported) -> dict[str, Any]:
    if isinstance(thing, Message):
        return {
            "kind": "message",
            "id": str(thing.id),
            "thread": str(thing.conversation),
            "sender": thing.sender,
            "body": None if thing.is_sealed else _text(thing),
            "envelope": _text(thing) if thing.is_sealed else None,
            "is_deleted": thing.is_deleted,
            "sent_at": _instant(thing.sent_at),
            "edited_at": _instant(thing.edited_at),
            "reply_to": _id(thing.reply_to),
            "thread_root": _id(thing.thread_id),
            "seen_at": _instant(thing.seen_at),
            "tag": None if thing.franking is None else b64encode(thing.franking).decode(),
        }
    if isinstance(thing, ConversationView):
        return {
            "kind": "conversation",
            "id": str(thing.conversation),
            "other": thing.other,
            "folder": thing.folder,
            "request": thing.request,
            "newest": _id(thing.newest),
            "read": _id(thing.read),
            "unread": thing.unread,
            "is_muted": thing.is_muted,
            "is_archived": thing.is_archived,
            "you_block": thing.you_block,
            "is_sealed": thing.is_sealed,
        }
    if isinstance(thing, OwnReport):
        return {
            "kind": "report",
            "id": str(thing.id),
            "user": thing.reported,
            "thread": _id(thing.conversation),
            "messages": [str(it) for it in thing.messages],
            "reason": thing.reason,
            "made_at": _instant(thing.made_at),
        }
    if isinstance(thing, Block):
        return {"kind": "block", "user": thing.blocked, "since": _instant(thing.since)}
    if isinstance(thing, Device):
        return {
            "kind": "device",
            "id": str(thing.id),
            "identity": thing.identity.hex(),
            "prekey": thing.prekey.public.hex(),
            "added_at": _instant(thing.added_at),
            "renewed_at": _instant(thing.renewed_at),
        }
    return {
        "kind": "account",
        "open_to": thing.preferences.open_to,
        "receipts": thing.preferences.receipts,
        "typing": thing.preferences.typing,
        "presence": thing.preferences.presence,
        "is_muted": thing.is_muted,
        "muted_until": _instant(thing.muted_until),
        "is_suspended": thing.is_suspended,
        "suspended_until": _instant(thing.suspended_until),
    }


def _text(message: Message) -> str | None:
    return None if message.body is None else message.body.text


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _instant(when: datetime | None) -> str | None:
    """With all its microseconds, also where they are zero."""
    if when is None:
        return None
    return f"{when.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
