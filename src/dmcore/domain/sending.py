"""The decision to accept a message: every rule about sending, in the order in which it is asked.

Retry first, then the switch, what a moderator took from the sender, the sender's own block, who may
start with whom, the recipient, and the limits last, so that a refusal for any other cause costs
nothing and a retry is never refused (MSG-3). What is asked of a real attempt and by
``can_message`` is the same function (GATE-2).
"""

from collections.abc import Callable
from datetime import timedelta

import attrs

from dmcore.domain.account import Account
from dmcore.domain.body import Body
from dmcore.domain.contact import Contact, Notice, Written, outcome
from dmcore.domain.conversation import Conversation, Request, Side
from dmcore.domain.envelope import Envelope
from dmcore.domain.events import Action
from dmcore.domain.gates import Introduction, Passage, passage
from dmcore.domain.ids import Key, MessageId, next_message_id
from dmcore.domain.limits import RateLimit, Window
from dmcore.domain.message import Message, Posting
from dmcore.domain.policy import Policy
from dmcore.domain.preferences import OpenTo
from dmcore.domain.retention import is_expired, kept_since
from dmcore.domain.sealing import (
    check_sealing,
    knowing_keys,
    news_for_partner,
    own_news,
    sealed,
    told_of_keys,
)
from dmcore.errors import (
    DmcoreError,
    KeyConflict,
    LimitReached,
    NotAcceptedYet,
    RecipientUnavailable,
    StartRefused,
    UnknownUser,
    UpgradeRequired,
    YouBlockedThem,
)


@attrs.frozen(kw_only=True)
class Draft:
    """What somebody wants to send; ``target`` is the message that it answers, as it is stored.

    ``envelope`` is what ``body`` stands for, where it is sealed.
    """

    body: Body
    envelope: Envelope | None = None
    key: Key | None = attrs.field(default=None, repr=False)
    target: Posting | None = None


@attrs.frozen
class Refused:
    """An attempt was refused, and ``account`` is to be stored all the same.

    The one case is a clock that was set back: whoever meets it first writes down what it shows, so
    that the wait announced is the wait endured (LIMIT-2).
    """

    error: DmcoreError
    account: Account


def decide(
    contact: Contact,
    policy: Policy,
    draft: Draft,
    *,
    introduction: Introduction | None = None,
    now_us: int,
    entropy: int,
) -> Written | Message | Refused:
    """Accept the message, return the earlier one of the same key, or refuse.

    ``introduction`` is what the host says of the two, where it says anything. Raises
    ``KeyConflict``, what ``check_writing`` and ``check_sealing`` raise, and ``LimitReached``.
    """
    earlier = contact.earlier
    if earlier is not None:
        # A key whose message is not there any more sends nothing, and tells nothing of its text.
        is_gone = is_expired(earlier.message.id, kept_since(policy, now_us))
        if is_gone or not earlier.came_with(draft.body):
            raise KeyConflict
        return earlier.seen_by(contact.actor.user.id)
    check_writing(contact, policy, introduction, now_us)
    check_sealing(contact, policy, draft.envelope)
    refusal = limit_reached(contact, policy, now_us)
    if refusal is None:
        counted = _windows_after(contact, policy, now_us, RateLimit.counted)
        return _accepted(
            attrs.evolve(contact, actor=counted),
            draft,
            introduction,
            asks=_asks_for_consent(contact, policy, introduction),
            now_us=now_us,
            entropy=entropy,
        )
    refused = _windows_after(contact, policy, now_us, RateLimit.refused)
    if refused != contact.actor:
        return Refused(refusal, refused)
    try:
        raise refusal
    finally:
        # Where it had a name still, it would hold what holds it: the text that was refused would
        # stay until garbage is collected.
        del refusal


def check_writing(
    contact: Contact, policy: Policy, introduction: Introduction | None, now_us: int
) -> None:
    """Whether the actor may write to the partner now, the limits apart.

    Raises what ``check_own_side`` raises, ``UnknownUser``, ``StartRefused``, ``UpgradeRequired``,
    ``RecipientUnavailable`` or ``NotAcceptedYet``.
    """
    check_own_side(contact, now_us)
    if contact.is_start:
        _check_start(contact, policy, introduction)
    if contact.partner_blocks and policy.blocked == "refuse":
        raise RecipientUnavailable
    # Whatever the policy says of blocks: one answer for all tells nobody that they were blocked.
    if contact.partner.is_gone:
        raise RecipientUnavailable
    asked = contact.side.asked
    if policy.requests == "ask" and asked is not None and asked >= policy.request_messages:
        raise NotAcceptedYet(policy.request_messages)


def check_own_side(contact: Contact, now_us: int) -> None:
    """What the switch, the actor's standing and their own block say; nobody else need be asked.

    Raises ``MessagingUnavailable``, ``Suspended``, ``Muted`` or ``YouBlockedThem``.
    """
    if contact.is_start:
        contact.mode.check_start()
    else:
        contact.mode.check_reply()
    contact.actor.standing.check_writing(now_us)
    if contact.actor_blocks:
        raise YouBlockedThem


def _check_start(contact: Contact, policy: Policy, introduction: Introduction | None) -> None:
    """The rules for who wants to begin (GATE-1, PREF-1). What everybody may know is asked first."""
    if introduction is not None:
        sender, recipient = introduction.sender, introduction.recipient
        if sender is None or recipient is None:
            raise UnknownUser
        allowed = passage(policy.gates, introduction)
        if allowed is Passage.CLOSED or not sender.is_active:
            raise StartRefused
        if allowed is Passage.FOR_SUBSCRIBERS:
            raise UpgradeRequired
        if not recipient.is_active:
            raise RecipientUnavailable
    elif policy.gates:
        # Nobody was introduced, so no gate can be opened.
        raise StartRefused
    if not _is_open(contact, introduction):
        raise RecipientUnavailable


def _is_open(contact: Contact, introduction: Introduction | None) -> bool:
    """Whether the partner lets the actor begin (PREF-1). Staff reach anyone."""
    open_to = contact.partner.preferences.open_to
    if open_to is OpenTo.EVERYONE:
        return True
    if introduction is None or introduction.sender is None:
        return False
    is_connected = open_to is OpenTo.CONNECTIONS and introduction.are_connected
    return introduction.sender.is_staff or is_connected


def hangs_on_introduction(contact: Contact, now_us: int) -> bool:
    """Whether the host's word about the two decides what becomes of a message (EMB-5).

    It does where the actor wants to begin; and where it would begin for the partner alone, who is
    not open to everybody: the actor has it already, of a time when nothing of theirs arrived.
    """
    if contact.is_start:
        return True
    is_kept_back = contact.is_hidden(now_us) or contact.partner_blocks
    return not is_kept_back and _begins_for_partner(contact) and not _is_open(contact, None)


def _asks_for_consent(contact: Contact, policy: Policy, introduction: Introduction | None) -> bool:
    """Whether this message awaits consent, as a start or after one (REQ-1); staff's never does."""
    sender = introduction.sender if introduction is not None else None
    is_staff = sender is not None and sender.is_staff
    is_start = contact.is_start and not is_staff
    return policy.requests == "ask" and (is_start or contact.side.asked is not None)


def limit_reached(contact: Contact, policy: Policy, now_us: int) -> LimitReached | None:
    """The refusal of the limits, the start limit named first, with the wait that satisfies both."""
    waits_us = {}
    if policy.starts is not None and contact.is_start:
        waits_us["starts"] = policy.starts.wait_us(contact.actor.starts, now_us)
    if policy.messages is not None:
        waits_us["messages"] = policy.messages.wait_us(contact.actor.sends, now_us)
    for limit, wait_us in waits_us.items():
        if wait_us > 0:
            return LimitReached(limit, timedelta(microseconds=max(waits_us.values())))
    return None


def _windows_after(
    contact: Contact,
    policy: Policy,
    now_us: int,
    change: Callable[[RateLimit, Window, int], Window],
) -> Account:
    """The actor after ``change`` was made to the windows that this attempt is measured by."""
    actor = contact.actor
    sends, starts = actor.sends, actor.starts
    if policy.messages is not None:
        sends = change(policy.messages, sends, now_us)
    if policy.starts is not None and contact.is_start:
        starts = change(policy.starts, starts, now_us)
    is_same = sends is actor.sends and starts is actor.starts
    return actor if is_same else attrs.evolve(actor, sends=sends, starts=starts)


def _accepted(
    contact: Contact,
    draft: Draft,
    introduction: Introduction | None,
    *,
    asks: bool,
    now_us: int,
    entropy: int,
) -> Written:
    sender, before = contact.actor.user.id, contact.conversation
    # Each of the two sees the chain of answers as far as they see the messages in it.
    own_link = draft.target.link_for(sender) if draft.target else None
    link = draft.target.link_for(contact.partner.user.id) if draft.target else None
    message = Message(
        id=next_message_id(now_us, entropy, before.newest if before else None),
        conversation=contact.conversation_id,
        sender=sender,
        body=draft.body,
        sent_at_us=now_us,
        reply_to=link.reply_to if link else None,
        thread_id=link.thread_id if link else None,
        is_sealed=draft.envelope is not None,
    )
    # A recipient who blocks is reached only under "absorb": then the message is the sender's alone.
    # Nor may it begin in a closed inbox what its sender has; to refuse it would tell of that.
    sender_only = (
        contact.is_hidden(now_us)
        or contact.partner_blocks
        or (_begins_for_partner(contact) and not _is_open(contact, introduction))
    )
    after = contact.with_conversation(
        (before or _begun(contact, message.id)).with_message(
            message.id, sender, sender_only=sender_only, asks=asks
        )
    )
    view = contact.partner_side
    # Each side is told what it saw happen: a conversation that only the other side had is new here.
    told = _news(message.id, is_new=not view.exists)
    before_own: tuple[Notice, ...] = ()
    before_told: tuple[Notice, ...] = ()
    if draft.envelope is not None:
        before_own, before_told = own_news(contact), news_for_partner(contact)
        after = knowing_keys(sealed(after, now_us, reaches_partner=not sender_only))
        if not sender_only and view.request is not Request.DECLINED:
            after = told_of_keys(after)
    left = outcome(
        after,
        now_us=now_us,
        own=_news(message.id, is_new=contact.is_start),
        told=None if sender_only or view.request is Request.DECLINED else told,
        own_before=before_own,
        told_before=before_told,
    )
    posting = Posting(
        message=message,
        key=draft.key,
        sender_only=sender_only,
        own_link=own_link if own_link != link else None,
    )
    return Written(posting, left)


def _begins_for_partner(contact: Contact) -> bool:
    """Whether the partner has nothing yet of what the actor has: it was absorbed (BLOCK-2)."""
    return not contact.is_start and not contact.partner_side.exists


def _news(message: MessageId, *, is_new: bool) -> Notice:
    action = Action.CONVERSATION_STARTED if is_new else Action.MESSAGE_SENT
    return Notice(action=action, message=message)


def _begun(contact: Contact, first: MessageId) -> Conversation:
    """The conversation at its first message, nobody having anything of it yet."""
    sides = {
        contact.actor.user.id: Side(blocks=contact.actor_blocks),
        contact.partner.user.id: Side(blocks=contact.partner_blocks),
    }
    return Conversation(
        id=contact.conversation_id,
        pair=contact.pair,
        newest=first,
        oldest=first,
        low=sides[contact.pair.low],
        high=sides[contact.pair.high],
    )
