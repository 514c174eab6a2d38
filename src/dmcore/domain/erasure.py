"""Erasure: what becomes of everything that a user left behind, and how they are named from then on.

Decides nothing about order: that is the use case's. Every step leaves something whole (GDPR-1).
"""

from datetime import datetime

import attrs

from dmcore.domain.account import Account
from dmcore.domain.contact import Contact
from dmcore.domain.conversation import Conversation, Request, Side
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import ConversationId, MessageId, TenantId, User, UserId, neighbour_of
from dmcore.domain.instants import to_datetime
from dmcore.domain.limits import NEW_WINDOW
from dmcore.domain.message import Posting
from dmcore.domain.pair import Pair
from dmcore.domain.preferences import OpenTo, Preferences
from dmcore.domain.pseudonyms import is_pseudonym


@attrs.frozen(kw_only=True)
class Erasure:
    """One line of the ledger: that a user was erased. It names nobody (GDPR-1).

    ``finished_at_us`` is ``None`` while something under the old id may be left.
    """

    tenant: TenantId
    pseudonym: UserId
    began_at_us: int
    finished_at_us: int | None = None

    @property
    def began_at(self) -> datetime:
        """When the user was closed, in UTC."""
        return to_datetime(self.began_at_us)

    @property
    def finished_at(self) -> datetime | None:
        """When nothing under the old id was left, in UTC."""
        return None if self.finished_at_us is None else to_datetime(self.finished_at_us)

    @property
    def gone(self) -> User:
        """Who is left of the user."""
        return User(self.tenant, self.pseudonym)


@attrs.frozen(kw_only=True)
class ErasureScope:
    """How much there is under an id: rows, and nothing of what they hold.

    ``messages`` are the user's own; ``journal_entries`` are all that name the user, in whosever
    journal.
    """

    conversations: int = 0
    messages: int = 0
    receipts: int = 0
    blocks: int = 0
    reports: int = 0
    journal_entries: int = 0


@attrs.frozen(kw_only=True)
class ErasurePreview:
    """What erasing a user would reach, and whether it was begun or finished before."""

    pseudonym: UserId
    scope: ErasureScope
    began_at_us: int | None
    finished_at_us: int | None


@attrs.frozen(kw_only=True)
class Erased:
    """What an erasure did: how many conversations were closed, texts shredded, other rows renamed.

    ``has_changed`` is ``False`` where everything was erased already.
    """

    pseudonym: UserId
    conversations: int = 0
    messages: int = 0
    other_rows: int = 0
    has_changed: bool = False
    is_finished: bool = False

    def then(self, later: "Erased") -> "Erased":
        """This step and the next one as one."""
        return Erased(
            pseudonym=self.pseudonym,
            conversations=self.conversations + later.conversations,
            messages=self.messages + later.messages,
            other_rows=self.other_rows + later.other_rows,
            has_changed=self.has_changed or later.has_changed,
            is_finished=later.is_finished,
        )


@attrs.frozen(kw_only=True)
class Shredded:
    """What one step took from a conversation.

    ``messages`` lost their text, the last of them ``through``; ``unread_left`` of the writer's
    messages still wait for the partner; ``is_all`` says that none with a text is left.
    """

    messages: int
    through: MessageId | None
    unread_left: int
    is_all: bool


def closed(account: Account) -> Account:
    """The account from the first step on: closed to everybody, its own choices forgotten.

    Whether it shows receipts stays, so that what the partners were told of their own messages does.
    """
    chosen = Preferences(
        open_to=OpenTo.NOBODY,
        receipts=account.preferences.receipts,
        typing=False,
        presence=False,
    )
    return attrs.evolve(
        account,
        is_erased=True,
        sends=NEW_WINDOW,
        starts=NEW_WINDOW,
        claims=NEW_WINDOW,
        edits=NEW_WINDOW,
        devices=0,
        preferences=chosen,
    )


def shredded(posting: Posting, pseudonym: UserId) -> Posting:
    """A message of theirs without anything that they wrote: a gap, as after a deletion (MSG-5)."""
    message = attrs.evolve(
        posting.message, sender=pseudonym, body=None, edited_at_us=None, franking=None
    )
    return Posting(
        message=message,
        sender_only=posting.sender_only,
        hidden_by_sender=posting.hidden_by_sender,
        hidden_by_recipient=posting.hidden_by_recipient,
    )


def place_in(contact: Contact) -> MessageId | None:
    """Behind which message shredding goes on: the side of who is erased remembers it."""
    conversation, side = contact.conversation, contact.side
    is_begun = conversation is not None and side.cleared == _beyond(conversation)
    return side.read if is_begun else None


def _beyond(conversation: Conversation) -> MessageId | None:
    """Up to where the side of who is erased is cleared: where nobody who clears by hand comes."""
    return neighbour_of(conversation.newest, 1)


def after_shredding(
    contact: Contact, step: Shredded, *, pseudonym: UserId, now_us: int
) -> tuple[Contact, tuple[Entry, ...]]:
    """The two and their conversation after a step, with the fact that the partner is told.

    They are told once, when all is gone: how many steps it took is how much they never saw. But
    whoever writes about the two must notice each step (ADR 13, ADR 53).

    ``contact`` is seen from who is erased. Their side is cleared and serves as the place of the
    next step; after the last one the pair holds the pseudonym.
    """
    side, view = contact.side, contact.partner_side
    after = attrs.evolve(
        contact,
        actor=contact.actor.changed_untold(),
        partner=contact.partner.changed_untold(),
    )
    if contact.conversation is not None and side.exists:
        after = after.with_side(
            attrs.evolve(
                side,
                newest=None,
                unread=0,
                cleared=_beyond(contact.conversation),
                read=step.through or place_in(contact),
                is_muted=False,
                is_archived=False,
            )
        )
    after = after.with_partner_side(attrs.evolve(view, unread=step.unread_left))
    if after.conversation is not None and step.is_all:
        renamed = renamed_in(after.conversation, contact.actor.user.id, pseudonym)
        after = attrs.evolve(after, conversation=renamed)
    if (
        not step.is_all
        or not view.exists
        or view.request is Request.DECLINED
        or contact.partner.is_gone
    ):
        return after, ()
    fact = Fact(
        action=Action.PERSON_ERASED,
        actor=pseudonym,
        other=contact.partner.user.id,
        conversation=contact.conversation_id,
        at_us=now_us,
    )
    partner, entries = after.partner.noted(fact)
    return attrs.evolve(after, partner=partner), entries


def renamed_in(conversation: Conversation, user: UserId, pseudonym: UserId) -> Conversation:
    """The same conversation, in which ``user`` has another name. Its order may put them last."""
    other = conversation.pair.other_than(user)
    sides: dict[UserId, Side] = {
        pseudonym: conversation.side_of(user),
        other: conversation.side_of(other),
    }
    pair = Pair.of(conversation.pair.tenant, pseudonym, other)
    return attrs.evolve(conversation, pair=pair, low=sides[pair.low], high=sides[pair.high])


def is_being_shredded(conversation: Conversation, user: UserId) -> bool:
    """Whether some of what ``user`` wrote may have the pseudonym, while the pair has the id."""
    is_beyond = conversation.side_of(user).cleared == _beyond(conversation)
    return is_beyond and not is_pseudonym(user)


def is_of_its_pair(conversation: Conversation, namespace: bytes) -> bool:
    """Whether the id is the pair's; where one of the two was erased, nobody can tell any more."""
    pair = conversation.pair
    if is_pseudonym(pair.low) or is_pseudonym(pair.high):
        return True
    expected: ConversationId = pair.conversation_id(namespace)
    return conversation.id == expected
