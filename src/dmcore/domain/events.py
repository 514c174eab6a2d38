"""Facts: what happened, without content (AUD-1, FEED-2).

A fact names who did what to whom and when. It has no field that could hold a text, a length or a
preview, so the journal cannot leak one.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

import attrs

from dmcore.domain.ids import ConversationId, MessageId, ReportId, User, UserId
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
    REPORT_MADE = "report_made"
    REPORT_TAKEN = "report_taken"
    REPORT_RELEASED = "report_released"
    REPORT_RESOLVED = "report_resolved"
    REPORT_DISMISSED = "report_dismissed"
    REPORT_REOPENED = "report_reopened"
    EVIDENCE_VIEWED = "evidence_viewed"
    EVIDENCE_REFUSED = "evidence_refused"
    EVIDENCE_PRUNED = "evidence_pruned"
    MESSAGES_PRUNED = "messages_pruned"
    PERSON_ERASED = "person_erased"
    ERASURE_PREVIEWED = "erasure_previewed"
    ERASURE_BEGUN = "erasure_begun"
    ERASURE_FINISHED = "erasure_finished"
    ERASURES_RECORDED = "erasures_recorded"
    USER_MUTED = "user_muted"
    USER_UNMUTED = "user_unmuted"
    USER_SUSPENDED = "user_suspended"
    USER_UNSUSPENDED = "user_unsuspended"
    USER_SHADOW_BANNED = "user_shadow_banned"
    USER_SHADOW_BAN_LIFTED = "user_shadow_ban_lifted"
    RESTRICTION_REFUSED = "restriction_refused"
    REPORT_REFUSED = "report_refused"
    ERASURE_REFUSED = "erasure_refused"
    CALL_REFUSED = "call_refused"
    STORE_RESTORED = "store_restored"
    STORE_MENDED = "store_mended"
    FACTS_LOST = "facts_lost"
    CONSUMER_ADDED = "consumer_added"
    CONSUMER_FORGOTTEN = "consumer_forgotten"
    EVENTS_RETRIED = "events_retried"
    ENCRYPTION_TURNED_ON = "encryption_turned_on"
    TEXTS_SEALED = "texts_sealed"
    MASTER_KEY_ROTATED = "master_key_rotated"
    USER_KEYS_ROTATED = "user_keys_rotated"
    USER_KEYS_REWRAPPED = "user_keys_rewrapped"
    USER_KEYS_DESTROYED = "user_keys_destroyed"
    DEVICE_ADDED = "device_added"
    DEVICE_RENEWED = "device_renewed"
    DEVICE_REMOVED = "device_removed"
    KEYS_CLAIMED = "keys_claimed"
    CHANGED_KEYS_SEEN = "changed_keys_seen"
    CONVERSATION_SEALED = "conversation_sealed"
    KEYS_CHANGED = "keys_changed"


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
    report: ReportId | None = None

    @property
    def at(self) -> datetime:
        """When it happened, in UTC."""
        return to_datetime(self.at_us)


@attrs.frozen(kw_only=True)
class Reach:
    """What somebody with a role asks for, as it is written down where they are refused (AUD-1)."""

    refused: Action = Action.CALL_REFUSED
    other: UserId | None = None
    report: ReportId | None = None


NOTHING: Final = Reach()
"""What names nothing in particular."""


@attrs.frozen(kw_only=True)
class Entry:
    """A fact in the journal of one user who may know it.

    Positions of an owner are 1, 2, 3, … in commit order, without a gap.
    """

    owner: User
    position: int
    fact: Fact
