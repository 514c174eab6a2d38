"""How an answer goes out: JSON in UTF-8, nothing at all, and the link to what follows."""

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from pydantic import BaseModel

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire._contents import MEDIA_TYPE

DONE: Final = Response(status=204)
"""It is done, and there is nothing to say."""


def answer(model: BaseModel, *headers: tuple[str, str], status: int = 200) -> Response:
    """A model as JSON."""
    return as_json(model.model_dump(mode="json"), *headers, status=status)


def as_json(content: object, *headers: tuple[str, str], status: int = 200) -> Response:
    """A value as JSON."""
    # A lone surrogate leaves as the escape that JSON has for it: answering never fails.
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(
        status=status,
        headers=(("Content-Type", MEDIA_TYPE), *headers),
        body=body.encode("utf-8", "backslashreplace"),
    )


def next_link(visit: Visit, following: Mapping[str, str | int | None]) -> tuple[str, str]:
    """The ``Link`` to this list with other parameters: to where it goes on."""
    asked = {name: value for name, value in following.items() if value is not None}
    target = f"{visit.request.root}{quote(visit.request.path)}?{urlencode(asked)}"
    return "Link", f'<{target}>; rel="next"'
