"""Reporting over HTTP: what a participant says, and what they are told (MOD-1)."""

from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field, WithJsonSchema

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire import _contents, _models, _parameters
from dmcore.adapters.web.wire._answering import answer
from dmcore.domain import reports
from dmcore.domain.reports import MOST_CHOSEN, ReportReason

REASON_SCHEMA: Final = {"type": "string", "enum": [*ReportReason]}
_Reason = Annotated[str, WithJsonSchema(REASON_SCHEMA)]
_User = Annotated[str, WithJsonSchema(_contents.USER_SCHEMA)]
_Id = Annotated[str, WithJsonSchema(_contents.ID_SCHEMA)]
_Ids = Annotated[
    list[str],
    WithJsonSchema({"type": "array", "items": _contents.ID_SCHEMA, "maxItems": MOST_CHOSEN}),
]


class NewReport(_contents.Content):
    """Whom or what somebody reports: a user, a conversation, or messages of one; and why."""

    reason: _Reason
    user: _User | None = None
    """Who is reported; with a conversation it is the other one in it, and need not be said."""
    thread: _Id | None = None
    """The conversation that is reported."""
    messages: _Ids = Field(default_factory=list)
    """Messages of that conversation. What they say is kept only where the site allows evidence."""


class ReportReceipt(_models.Answer):
    """What was noted. What becomes of it is not told."""

    id: UUID
    reported: str
    thread: UUID | None
    messages: int
    """How many messages were chosen."""
    reason: ReportReason
    made_at: _models.Instant

    @classmethod
    def of(cls, found: reports.ReportReceipt) -> Self:
        """The same."""
        return cls(
            id=found.id,
            reported=found.reported,
            thread=found.conversation,
            messages=found.messages,
            reason=found.reason,
            made_at=found.made_at,
        )


async def make_report(visit: Visit) -> Response:
    """Report somebody, a conversation, or messages of one.

    Nobody but the site's moderators learns of it. They see ids and the reason; the text of exactly
    the chosen messages only where the site allows evidence.
    """
    new = _contents.content(visit.request, NewReport)
    receipt = await visit.mailbox.report(
        new.user,
        conversation=new.thread,
        messages=new.messages,
        reason=new.reason,
        key=_parameters.idempotency_key(visit.request),
    )
    return answer(ReportReceipt.of(receipt), status=201)
