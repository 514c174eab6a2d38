"""The export: all that one may see, as JSON Lines (GDPR-1). The names in a line are the core's."""

from typing import Final, Literal

from pydantic import ConfigDict

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire import _models, _parameters
from dmcore.adapters.web.wire._answering import next_link
from dmcore.mailbox import json_line

LINES: Final = "application/jsonl"
USUAL_LINES: Final = 100


class ExportedLine(_models.Answer):
    """One line of an export. The rest of it depends on its kind."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["account", "device", "block", "report", "conversation", "message"]


async def export_everything(visit: Visit) -> Response:
    """Everything that one may see, as JSON Lines.

    One's account with its preferences, devices, blocks and reports, then each conversation followed
    by its messages, oldest first; each of them is an object on a line of its own. ``Link`` leads to
    the lines that follow. It works in every mode.
    """
    limit = _parameters.limit(visit.request, USUAL_LINES)
    page = await visit.mailbox.export(limit=limit, cursor=visit.request.query.get("cursor"))
    links = [next_link(visit, {"limit": limit, "cursor": page.next})] if page.has_more else []
    lines = "".join(f"{json_line(thing)}\n" for thing in page.items)
    return Response(headers=(("Content-Type", LINES), *links), body=lines.encode())
