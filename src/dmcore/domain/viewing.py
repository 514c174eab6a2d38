"""What a participant does to their own view of a conversation: reading, clearing, sorting.

Only what was seen is ever told to the partner, and only where both agree (READ-2).
"""

import attrs

from dmcore.domain.contact import Contact, Notice, Outcome, outcome
from dmcore.domain.conversation import Request, Side
from dmcore.domain.events import Action
from dmcore.domain.ids import MessageId
from dmcore.domain.message import Receipt
from dmcore.errors import NoRequest, YouBlockedThem


@attrs.frozen(kw_only=True)
class Marking:
    """What a read marker at one message would mean.

    ``unread_after`` counts the partner's messages after it that the reader would see; ``seen`` is
    the partner's newest message up to it as the partner has it, if that was not told as seen yet.
    """

    unread_after: int
    seen: MessageId | None


def marked_read(
    contact: Contact, marking: Marking, *, through: MessageId, now_us: int
) -> Outcome | None:
    """Move the reader's marker to ``through``, which they see; never back (READ-1).

    Only a move is ever told: to tell later what was not told at first would show its reader that
    it was not (BLOCK-2).
    """
    before = contact.side
    if before.read is not None and through <= before.read:
        return None
    after = attrs.evolve(before, read=through, unread=marking.unread_after)
    is_told = contact.are_receipts_on and not contact.is_hidden(now_us)
    seen = marking.seen if is_told else None
    if seen is not None:
        after = attrs.evolve(after, told=seen)
    receipt = told = None
    if seen is not None:
        reader = contact.actor.user.id
        receipt = Receipt(
            conversation=contact.conversation_id, reader=reader, through=seen, at_us=now_us
        )
        told = Notice(action=Action.MESSAGES_SEEN, message=seen)
    own = Notice(action=Action.MARKED_READ, message=through)
    return outcome(contact.with_side(after), now_us=now_us, own=own, told=told, receipt=receipt)


def cleared(contact: Contact, now_us: int) -> Outcome | None:
    """Clear the history for the actor alone: everything that they see so far (MSG-5)."""
    side = contact.side
    if side.kept(contact.since, unread_expired=0).newest is None:
        return None
    after = attrs.evolve(side, cleared=side.newest, newest=None, unread=0)
    return _viewed(contact, after, Action.HISTORY_CLEARED, now_us)


def muted(contact: Contact, now_us: int) -> Outcome | None:
    """Mute the conversation: a flag for who notifies."""
    after = attrs.evolve(contact.side, is_muted=True)
    return _viewed(contact, after, Action.CONVERSATION_MUTED, now_us)


def unmuted(contact: Contact, now_us: int) -> Outcome | None:
    """Take that flag away."""
    after = attrs.evolve(contact.side, is_muted=False)
    return _viewed(contact, after, Action.CONVERSATION_UNMUTED, now_us)


def archived(contact: Contact, now_us: int) -> Outcome | None:
    """Put the conversation into the archive."""
    after = attrs.evolve(contact.side, is_archived=True)
    return _viewed(contact, after, Action.CONVERSATION_ARCHIVED, now_us)


def unarchived(contact: Contact, now_us: int) -> Outcome | None:
    """Put it back into the inbox."""
    after = attrs.evolve(contact.side, is_archived=False)
    return _viewed(contact, after, Action.CONVERSATION_UNARCHIVED, now_us)


def accepted(contact: Contact, now_us: int) -> Outcome | None:
    """Accept a request, also one that was declined: the other may write freely from now on.

    Who is hidden accepts for themselves alone (MOD-4). Raises ``YouBlockedThem``: someone who is
    blocked learns nothing, so unblocking comes first.
    """
    if contact.side.request is None:
        return None
    if contact.actor_blocks:
        raise YouBlockedThem
    after = contact.with_side(attrs.evolve(contact.side, request=None))
    if contact.is_hidden(now_us):
        return outcome(after, now_us=now_us, own=Notice(action=Action.REQUEST_ACCEPTED))
    after = after.with_partner_side(attrs.evolve(after.partner_side, asked=None))
    notice = Notice(action=Action.REQUEST_ACCEPTED)
    # Who blocks the actor sees nothing of them, answers included (BLOCK-1).
    told = None if contact.partner_blocks else notice
    return outcome(after, now_us=now_us, own=notice, told=told)


def declined(contact: Contact, now_us: int) -> Outcome | None:
    """Decline a request, of which the other learns nothing. Raises ``NoRequest``."""
    if contact.side.request is None:
        raise NoRequest
    after = attrs.evolve(contact.side, request=Request.DECLINED)
    return _viewed(contact, after, Action.REQUEST_DECLINED, now_us)


def _viewed(contact: Contact, after: Side, action: Action, now_us: int) -> Outcome | None:
    """The outcome of another view; nothing where it is the same."""
    if after == contact.side:
        return None
    return outcome(contact.with_side(after), now_us=now_us, own=Notice(action=action))
