"""Refusals as problem details (RFC 9457): one body, one status and its headers for each error."""

import json
from datetime import timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

from dmcore.adapters.web._errors import MethodNotAllowed, TooManyStreams
from dmcore.adapters.web._site import Site
from dmcore.adapters.web._values import Request, Response
from dmcore.adapters.web._words import notice_of
from dmcore.errors import DmcoreError, LimitReached, StoreBusy

PROBLEM_TYPE: Final = "application/problem+json"
TRY_AGAIN: Final = frozenset({429, 503})
# Where nobody knows when it will work again: soon enough for a person, rare enough for a server.
_SOON_S: Final = 1
_LATER_S: Final = 30


class Problem(BaseModel):
    """Why a request was refused. What else the error tells stands beside these fields."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

    type: str
    """``urn:dmcore:error:`` and the code."""
    title: str
    status: int
    detail: str
    """What is wrong, for whoever develops with it; programs go by the code."""
    notice: str
    """The same for the person who acted, in the words of the pages."""
    code: str


def refuse(_site: Site, _request: Request, error: DmcoreError) -> Response:
    """The answer to a request that an error refuses. It names nothing of the request."""
    headers = [("Content-Type", PROBLEM_TYPE)]
    if isinstance(error, MethodNotAllowed):
        headers.append(("Allow", error.allowed))
    if error.http_status in TRY_AGAIN:
        headers.append(("Retry-After", str(_retry_after_s(error))))
    # A lone surrogate leaves as the escape that JSON has for it: refusing never fails.
    body = json.dumps(problem(error), ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(status=error.http_status, headers=tuple(headers), body=body)


def problem(error: DmcoreError) -> dict[str, object]:
    """The content of a refusal."""
    fixed = {
        "type": f"urn:dmcore:error:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.http_status,
        "detail": str(error),
        "notice": notice_of(error).text,
        "code": error.code,
    }
    # Once more behind the details, which can add to these and never replace one.
    return {**fixed, **error.details, **fixed}


def _retry_after_s(error: DmcoreError) -> int:
    if isinstance(error, LimitReached):
        return max(_SOON_S, -(-error.retry_after // timedelta(seconds=1)))
    return _SOON_S if isinstance(error, StoreBusy | TooManyStreams) else _LATER_S
