"""What somebody is about to send, and what becomes of it when it is refused: it is never lost."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import attrs

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Request, Response
from dmcore.adapters.web._words import Notice, heading_of, notice_of, seconds_of
from dmcore.adapters.web.pages._forms import form_of, fresh_key
from dmcore.adapters.web.pages._rendering import page
from dmcore.domain.message import Message
from dmcore.errors import DmcoreError, InvalidKey, KeyConflict, LimitReached

TITLE: Final = "Not sent"
# What the forms of a text carry besides: to be sent again it needs them.
_CARRIED: Final = frozenset({"key", "reply_to", "user"})


@attrs.frozen(kw_only=True)
class Draft:
    """A text in a form that goes to ``action``, with what it carries besides.

    ``answered`` is what it answers, where that is on the page; ``refusal`` why it was not sent.
    """

    action: str
    body: str = attrs.field(default="", repr=False)
    carried: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    is_edit: bool = False
    answered: Message | None = None
    refusal: DmcoreError | None = None

    @property
    def notice(self) -> Notice | None:
        """What to say about the refusal."""
        return None if self.refusal is None else notice_of(self.refusal)

    def refused(self, error: DmcoreError) -> "Draft":
        """The same with the reason. A key that is good for nothing any more is exchanged."""
        carried = dict(self.carried)
        if isinstance(error, (KeyConflict, InvalidKey)):
            carried["key"] = fresh_key()
        return attrs.evolve(self, carried=carried, refusal=error)

    def carrying(self, **more: str) -> "Draft":
        """The same with more fields."""
        return attrs.evolve(self, carried={**self.carried, **more})


def written_in(request: Request) -> Draft | None:
    """What somebody wrote in a form whose sign-in was over; ``None`` where it holds no text."""
    try:
        form = form_of(request)
    except DmcoreError:
        return None
    if request.method != "POST" or not form.get("body"):
        return None
    carried = {name: value for name, value in form.items() if name in _CARRIED}
    action = request.root + quote(request.path, safe="/")
    return Draft(action=action, body=form["body"].replace("\r\n", "\n"), carried=carried)


def status_of(draft: Draft) -> int:
    """The status of a page with this draft on it."""
    return 200 if draft.refusal is None else draft.refusal.http_status


def with_wait(response: Response, error: DmcoreError | None) -> Response:
    """The same, and when to try again where that is known."""
    if not isinstance(error, LimitReached):
        return response
    return response.with_headers(("Retry-After", str(seconds_of(error.retry_after))))


def kept(visit: Visit, draft: Draft, error: DmcoreError) -> Response:
    """A page with nothing but the text, where the page that it was written on cannot be shown."""
    return page(
        visit,
        "unsent.html",
        title=TITLE,
        status=error.http_status,
        here="",
        listed=None,
        heading=heading_of(error),
        draft=draft.refused(error),
    )
