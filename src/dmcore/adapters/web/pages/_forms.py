"""What a browser sends from a form: read strictly, refused without repeating it.

Where a request comes from was looked at before; fields that nobody here knows are a framework's
own and left alone.
"""

import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from dmcore.adapters.web._errors import MalformedRequest, UnsupportedMediaType
from dmcore.adapters.web._values import Request

FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 20
_TICKED: Final = "item-"


def form_of(request: Request, *, most: int = _MOST_FIELDS) -> Mapping[str, str]:
    """The fields of a form. Raises ``UnsupportedMediaType`` and ``MalformedRequest``."""
    if not request.body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise UnsupportedMediaType(FORM)
    fields = _parsed(request.body, most)
    if fields is None:
        raise MalformedRequest("form", "it cannot be read")
    return fields


def needed(form: Mapping[str, str], name: str) -> str:
    """A field that must be there."""
    if name not in form:
        raise MalformedRequest(name, "it is missing")
    return form[name]


def text_of(form: Mapping[str, str]) -> str:
    """The text of a message as it was typed: on the way every line break is made two characters."""
    return needed(form, "body").replace("\r\n", "\n")


def ticked(form: Mapping[str, str]) -> tuple[str, ...]:
    """What is ticked in a list: each box has a name of its own, for no field may be there twice."""
    return tuple(name.removeprefix(_TICKED) for name in form if name.startswith(_TICKED))


def fresh_key() -> str:
    """A new key for one page: sending the page twice is sending once (MSG-3)."""
    return secrets.token_urlsafe(16)


def _parsed(body: bytes, most: int) -> Mapping[str, str] | None:
    """The fields; ``None`` for what no browser sends, so that no error holds a piece of it."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=most,
        )
    except ValueError:
        return None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None
