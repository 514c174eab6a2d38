"""Facts: what happened, without content (AUD-1, FEED-2).

A fact names who did what to whom and when. It has no field that could hold a text, a length or a
preview, so the journal cannot leak one.
"""

from datetime import datetime
from enum import StrEnum

import attrs

from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.instants import to_datetime
from dmcore.domain.mode import Mode


class Action(StrEnum):
    """Everything that can be written into the journal."""

    CONVERSATION_STARTED = "conversation_started"
    MESSAGE_SENT = "message_sent"
    MESSAGE_EDITED = "message_edited"
    MESSAGE_DELETED = "message_deleted"
    MESSAGE_HIDDEN = "message_hidden"
    MARKED_READ = "marked_read"
    MESSAGES_SEEN = "messages_seen"
    HISTORY_CLEARED = "history_cleared"
    CONVERSATION_MUTED = "conversation_muted"
    CONVERSATION_UNMUTED = "conversation_unmuted"
    CONVERSATION_ARCHIVED = "conversation_archived"
    CONVERSATION_UNARCHIVED = "conversation_unarchived"
    REQUEST_ACCEPTED = "request_accepted"
    REQUEST_DECLINED = "request_declined"
    PREFERENCES_CHANGED = "preferences_changed"
    USER_BLOCKED = "user_blocked"
    USER_UNBLOCKED = "user_unblocked"
    MODE_CHANGED = "mode_changed"
    JOURNALS_PRUNED = "journals_pruned"


@attrs.frozen(kw_only=True)
class Fact:
    """One thing that happened. Fields that do not apply are ``None``."""

    action: Action
    actor: UserId
    at_us: int
    other: UserId | None = None
    conversation: ConversationId | None = None
    message: MessageId | None = None
    mode: Mode | None = None

    @property
    def at(self) -> datetime:
        """When it happened, in UTC."""
        return to_datetime(self.at_us)


@attrs.frozen(kw_only=True)
class Entry:
    """A fact in the journal of one user who may know it.

    Positions of an owner are 1, 2, 3, … in commit order, without a gap.
    """

    owner: User
    position: int
    fact: Fact
