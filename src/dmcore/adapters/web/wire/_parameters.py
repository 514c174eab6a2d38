"""What a request asks for beside its content: page sizes, cursors, folders, keys.

Parameters that nobody knows are left alone; one that is known is read strictly.
"""

import re
from typing import Final

from dmcore.adapters.web._errors import MalformedRequest
from dmcore.adapters.web._values import Request
from dmcore.domain.conversation import Folder
from dmcore.errors import InvalidKey

LONGEST_WAIT_S: Final = 25
"""How long a request for changes may wait: shorter than the patience of any proxy."""

_WHOLE_NUMBER: Final = re.compile("[0-9]{1,9}")
# A string of RFC 9651, as the draft of the header has it.
_QUOTED: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_ESCAPED: Final = re.compile(r"\\(.)")


def limit(request: Request, usual: int) -> int:
    """How many items a page holds; whether it may hold so many is not decided here."""
    return _whole_number(request, "limit", usual)


def wait_s(request: Request) -> int:
    """How many seconds to wait for something to happen."""
    seconds = _whole_number(request, "wait", 0)
    if seconds > LONGEST_WAIT_S:
        raise MalformedRequest("wait", f"it must be 0 to {LONGEST_WAIT_S} seconds")
    return seconds


def folder(request: Request) -> Folder:
    """Which list of conversations."""
    asked = request.query.get("folder", Folder.INBOX)
    for each in Folder:
        if each == asked:
            return each
    raise MalformedRequest("folder", f"it must be one of {', '.join(Folder)}")


def needed(request: Request, name: str) -> str:
    """A parameter that must be there."""
    if name not in request.query:
        raise MalformedRequest(name, "it is missing")
    return request.query[name]


def idempotency_key(request: Request) -> str | None:
    """The key of an attempt: the bare value, or the quoted string of the IETF draft."""
    raw = request.headers.get("idempotency-key")
    if raw is None:
        return None
    key = raw.strip()
    if not key.startswith('"'):
        return key
    quoted = _QUOTED.fullmatch(key)
    if quoted is None:
        raise InvalidKey("it is not a quoted string")
    return _ESCAPED.sub(r"\1", quoted[1])


def _whole_number(request: Request, name: str, usual: int) -> int:
    text = request.query.get(name)
    if text is None:
        return usual
    if _WHOLE_NUMBER.fullmatch(text) is None:
        raise MalformedRequest(name, "it must be a whole number")
    return int(text)
