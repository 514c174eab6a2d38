"""Retention: from when on a message is not there any more, whatever is still stored (GDPR-2).

Ids of a conversation grow with time, so what is expired is always its beginning: everything below
one id. Nothing that is stored knows of this; every read is told that id.
"""

from datetime import timedelta
from typing import Final

import attrs

from dmcore.domain.contact import Contact
from dmcore.domain.conversation import Conversation
from dmcore.domain.ids import MessageId, lowest_message_id, neighbour_of
from dmcore.domain.policy import Policy

_MICROSECOND: Final = timedelta(microseconds=1)
_KEYS_KEPT: Final = timedelta(days=1)


def expired_before_us(kept: timedelta, now_us: int) -> int:
    """What is older than this instant is kept no longer: at the very instant it is not."""
    return now_us - kept // _MICROSECOND + 1


def kept_since(policy: Policy, now_us: int) -> MessageId | None:
    """The lowest id that a message can have which is still kept; ``None`` where all are."""
    if policy.messages_kept is None:
        return None
    return lowest_message_id(expired_before_us(policy.messages_kept, now_us))


def removable_below(policy: Policy, now_us: int) -> MessageId | None:
    """Below which id a message may be removed for good; ``None`` for none.

    What is expired, but nothing of the last day: the key of a message goes with it, and until then
    it keeps a retry from being sent a second time (MSG-3).
    """
    if policy.messages_kept is None:
        return None
    kept = max(policy.messages_kept, _KEYS_KEPT)
    return lowest_message_id(expired_before_us(kept, now_us))


def is_expired(message: MessageId | None, since: MessageId | None) -> bool:
    """Whether a message, if there is one, is below what is still kept."""
    return message is not None and since is not None and message < since


@attrs.frozen(kw_only=True)
class Removed:
    """What one step took from a conversation for good.

    ``messages`` were removed, up to ``through``; ``unread_of_low`` and ``unread_of_high`` of them
    waited for the two. ``oldest`` is the lowest message left.
    """

    messages: int
    through: MessageId
    unread_of_low: int
    unread_of_high: int
    oldest: MessageId | None


@attrs.frozen(kw_only=True)
class Pruned:
    """What pruning removed: messages, evidence of so many reports, and parts of so many journals.

    ``is_complete`` says that nothing more was to be removed at that moment.
    """

    messages: int = 0
    evidence: int = 0
    journals: int = 0
    is_complete: bool = False

    def then(self, later: "Pruned") -> "Pruned":
        """This and what came after it as one."""
        return Pruned(
            messages=self.messages + later.messages,
            evidence=self.evidence + later.evidence,
            journals=self.journals + later.journals,
            is_complete=later.is_complete,
        )


def after_removal(contact: Contact, conversation: Conversation, removed: Removed) -> Contact:
    """The two and their conversation after a step. Neither of them notices, nor is told.

    The marker of what somebody read stays, and so does what the two wrote and heard last: they did,
    whether it is stored or not.
    """
    since = neighbour_of(removed.through, 1)
    after = contact.with_conversation(
        attrs.evolve(
            conversation,
            oldest=removed.oldest,
            low=conversation.low.kept(since, unread_expired=removed.unread_of_low),
            high=conversation.high.kept(since, unread_expired=removed.unread_of_high),
        )
    )
    return attrs.evolve(
        after, actor=after.actor.changed_untold(), partner=after.partner.changed_untold()
    )
