"""A message, as a participant sees it and as it is stored."""

from datetime import datetime

import attrs

from dmcore.domain.body import Body
from dmcore.domain.ids import ConversationId, Key, MessageId, UserId
from dmcore.domain.instants import to_datetime


@attrs.frozen(kw_only=True)
class Message:
    """What a participant sees: nothing in it tells whether anyone else can see it."""

    id: MessageId
    conversation: ConversationId
    sender: UserId
    body: Body
    sent_at_us: int

    @property
    def sent_at(self) -> datetime:
        """When the message was accepted, in UTC."""
        return to_datetime(self.sent_at_us)


@attrs.frozen(kw_only=True)
class Posting:
    """A message as it is stored, with what only its sender's side knows.

    ``key`` is the idempotency key it came under; ``sender_only`` says that it exists for its
    sender alone and leaves no trace in any value derived for the other side.
    """

    message: Message
    key: Key | None = attrs.field(repr=False)
    sender_only: bool
