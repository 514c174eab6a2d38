"""What may be done to a message that is there: changing it, taking it back, hiding it (MSG-5)."""

from datetime import datetime, timedelta

import attrs

from dmcore.domain.account import Account
from dmcore.domain.body import Body
from dmcore.domain.contact import Contact, Notice, Written, outcome
from dmcore.domain.conversation import Request
from dmcore.domain.envelope import Envelope
from dmcore.domain.events import Action
from dmcore.domain.ids import MessageId
from dmcore.domain.instants import to_datetime
from dmcore.domain.message import Edit, Message, Posting
from dmcore.domain.policy import Policy
from dmcore.domain.sealing import check_sealing
from dmcore.domain.sending import Refused
from dmcore.errors import (
    AccessDenied,
    LimitReached,
    RecipientUnavailable,
    SealedOnly,
    SealingNotOffered,
    TooLateToEdit,
    YouBlockedThem,
)


def edited(
    contact: Contact,
    policy: Policy,
    posting: Posting,
    *,
    body: Body,
    envelope: Envelope | None = None,
    now_us: int,
) -> Written | Message | Refused:
    """Give an own message another text; the same text changes nothing, and counts as nothing.

    What is sealed stays sealed, and what was not is not sealed later: who saw it saw it.

    It is writing: what may not be written to the partner now may not be put into an old message
    either, and where that would stay with its sender, so does this (BLOCK-2, MOD-4). Raises
    ``AccessDenied``, ``MessagingUnavailable``, ``Suspended``, ``Muted``, ``YouBlockedThem``,
    ``RecipientUnavailable``, ``TooLateToEdit``, what ``check_sealing`` raises, and
    ``LimitReached``.
    """
    sender = contact.actor.user.id
    if posting.message.sender != sender:
        raise AccessDenied
    contact.mode.check_reply()
    contact.actor.standing.check_writing(now_us)
    if contact.actor_blocks:
        raise YouBlockedThem
    if contact.partner_blocks and policy.blocked == "refuse":
        raise RecipientUnavailable
    if contact.partner.is_gone:
        raise RecipientUnavailable
    before = posting.seen_by(sender)
    if before.is_deleted or is_too_late(before, policy, to_datetime(now_us)):
        raise TooLateToEdit
    if before.body == body:
        return before
    if before.is_sealed and envelope is None:
        raise SealedOnly
    if envelope is not None and not before.is_sealed:
        raise SealingNotOffered
    check_sealing(contact, policy, envelope)
    # Whoever is told of it or not, it counts: or its sender could tell (BLOCK-2).
    actor = _counted(contact.actor, policy, now_us)
    if isinstance(actor, Refused):
        return actor
    contact = attrs.evolve(contact, actor=actor)
    # A text that the partner has all the time is none to tell of: it would tell of one in between.
    is_known = posting.own_edit is not None and posting.message.body == body
    is_kept_back = contact.partner_blocks or contact.is_hidden(now_us) or is_known
    if is_kept_back and not posting.sender_only:
        after = attrs.evolve(posting, own_edit=Edit(body=body, at_us=now_us))
    else:
        kept = posting.without_first_text()
        message = attrs.evolve(kept.message, body=body, edited_at_us=now_us)
        after = attrs.evolve(kept, message=message, own_edit=None)
    notice = Notice(action=Action.MESSAGE_EDITED, message=before.id)
    is_told = _is_shown_to_partner(contact, posting) and not is_kept_back
    told = notice if is_told else None
    return Written(after, outcome(contact, now_us=now_us, own=notice, told=told))


def _counted(account: Account, policy: Policy, now_us: int) -> Account | Refused:
    """The account after one more change. Raises ``LimitReached``, where nothing is to be noted."""
    limit = policy.edits
    if limit is None:
        return account
    wait_us = limit.wait_us(account.edits, now_us)
    if wait_us == 0:
        return attrs.evolve(account, edits=limit.counted(account.edits, now_us))
    wait = timedelta(microseconds=wait_us)
    noted = attrs.evolve(account, edits=limit.refused(account.edits, now_us))
    if noted == account:
        raise LimitReached("edits", wait)
    return Refused(LimitReached("edits", wait), noted)


def is_too_late(message: Message, policy: Policy, now: datetime) -> bool:
    """Whether the window in which a message may be given another text is over, or never was."""
    window = policy.edit_window
    if window is None:
        return False
    return window == timedelta(0) or now - message.sent_at > window


def deleted(contact: Contact, posting: Posting, *, now_us: int) -> Written | None:
    """Take an own message back: its text is gone for both, its place stays. Once is enough.

    Nothing a moderator decides keeps a text where its sender wants it gone (MSG-5).

    Raises ``AccessDenied``.
    """
    if posting.message.sender != contact.actor.user.id:
        raise AccessDenied
    if posting.message.is_deleted:
        return None
    kept = posting.without_first_text()
    message = attrs.evolve(kept.message, body=None, edited_at_us=None, franking=None)
    view = contact.partner_side
    if posting.is_unread_by(contact.partner.user.id, view):
        after = contact.with_partner_side(attrs.evolve(view, unread=view.unread - 1))
    else:
        after = contact
    notice = Notice(action=Action.MESSAGE_DELETED, message=message.id)
    told = notice if _is_shown_to_partner(contact, posting) else None
    return Written(
        attrs.evolve(kept, message=message, own_edit=None),
        outcome(after, now_us=now_us, own=notice, told=told),
    )


def hidden(
    contact: Contact, posting: Posting, *, newest_left: MessageId | None, now_us: int
) -> Written:
    """Hide a message that the actor sees, from the actor alone.

    ``newest_left`` is the newest message that they see besides this one.
    """
    user, side = contact.actor.user.id, contact.side
    after = attrs.evolve(
        side,
        newest=newest_left,
        unread=side.unread - posting.is_unread_by(user, side),
    )
    own = Notice(action=Action.MESSAGE_HIDDEN, message=posting.message.id)
    return Written(
        posting.hidden_by(user), outcome(contact.with_side(after), now_us=now_us, own=own)
    )


def _is_shown_to_partner(contact: Contact, posting: Posting) -> bool:
    """Whether the partner sees this message now, so that a change of it concerns them.

    Who declined is told of nothing any more (REQ-1).
    """
    view = contact.partner_side
    if view.request is Request.DECLINED:
        return False
    return posting.is_visible_to(contact.partner.user.id, view)
