"""Reporting over HTTP: what a participant says, and what they are told (MOD-1)."""

from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field, WithJsonSchema

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire import _contents, _models, _parameters
from dmcore.adapters.web.wire._answering import answer
from dmcore.adapters.web.wire._bytes import Bytes32
from dmcore.domain import franking, reports
from dmcore.domain.ids import parse_message_id, parse_user_id
from dmcore.domain.instants import FIRST_US, LAST_US
from dmcore.domain.reports import MOST_CHOSEN, ReportReason

REASON_SCHEMA: Final = {"type": "string", "enum": [*ReportReason]}
_Reason = Annotated[str, WithJsonSchema(REASON_SCHEMA)]
_User = Annotated[str, WithJsonSchema(_contents.USER_SCHEMA)]
_Id = Annotated[str, WithJsonSchema(_contents.ID_SCHEMA)]
_Ids = Annotated[
    list[str],
    WithJsonSchema({"type": "array", "items": _contents.ID_SCHEMA, "maxItems": MOST_CHOSEN}),
]


_Instant = Annotated[
    int, WithJsonSchema({"type": "integer", "minimum": FIRST_US, "maximum": LAST_US})
]


class Disclosure(_contents.Content):
    """A message of the other's as its recipient kept it, shown to the moderators."""

    message: _Id
    sender: _User
    text: str
    sent_at_us: _Instant
    edited_at_us: _Instant | None = None
    tag: Bytes32
    """What the message came with."""
    key: Bytes32 | None = None
    """What opens the commitment to its text; null where it was not sealed."""

    @property
    def value(self) -> franking.Disclosure:
        """What messaging takes. Raises ``InvalidId`` and ``InvalidReport``."""
        opening = {} if self.key is None else {"key": self.key}
        return franking.Disclosure(
            message=parse_message_id(self.message),
            sender=parse_user_id(self.sender),
            text=self.text,
            sent_at_us=self.sent_at_us,
            edited_at_us=self.edited_at_us,
            tag=self.tag,
            **opening,
        )


class NewReport(_contents.Content):
    """Whom or what somebody reports: a user, a conversation, or messages of one; and why."""

    reason: _Reason
    user: _User | None = None
    """Who is reported; with a conversation it is the other one in it, and need not be said."""
    thread: _Id | None = None
    """The conversation that is reported."""
    messages: _Ids = Field(default_factory=list)
    """Messages of that conversation. What they say is kept only where the site allows evidence."""
    disclosures: list[Disclosure] = Field(
        default_factory=list, json_schema_extra={"maxItems": MOST_CHOSEN}
    )
    """More of its messages, which count where they were sent exactly like this."""


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
        disclosures=[each.value for each in new.disclosures],
        key=_parameters.idempotency_key(visit.request),
    )
    return answer(ReportReceipt.of(receipt), status=201)
