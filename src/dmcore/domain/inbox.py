"""The inbox: what its lines say, and a place among them."""

import attrs

from dmcore.domain.ids import ConversationId, MessageId, UserId
from dmcore.domain.message import Message


@attrs.frozen(kw_only=True)
class InboxEntry:
    """One line of an inbox, as its owner sees it (PAGE-2).

    ``newest`` is the id of the newest message that the owner may see and ``preview`` that message;
    ``preview`` is ``None`` only when it vanished while the page was read. ``read`` is the owner's
    marker and ``unread`` the number of the other's messages after it.
    """

    conversation: ConversationId
    other: UserId
    newest: MessageId
    preview: Message | None
    read: MessageId | None
    unread: int


@attrs.frozen(kw_only=True)
class InboxPlace:
    """A place in an inbox: entries are in order of (newest message, conversation), downwards."""

    newest: MessageId
    conversation: ConversationId
