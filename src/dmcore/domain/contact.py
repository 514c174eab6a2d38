"""A contact: two people and everything that decides what may pass between them now.

It is what a use case holds before it decides: nothing in it can change until the transaction ends,
or nothing of what was decided is stored.
"""

from datetime import datetime
from typing import Final, Self

import attrs

from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import ConversationId, MessageId, UserId
from dmcore.domain.instants import to_datetime
from dmcore.domain.message import Posting, Receipt
from dmcore.domain.mode import Mode
from dmcore.domain.pair import Pair

_NO_SIDE: Final = Side()


@attrs.frozen(kw_only=True)
class Contact:
    """The facts about a pair, seen from the one who acts.

    ``conversation`` is there as soon as one of the two has it; ``conversation_id`` is known either
    way. ``earlier`` is the actor's message under the idempotency key of this attempt, if any.
    Nothing below ``since`` is there any more for either of the two, whatever the sides say.
    """

    mode: Mode
    pair: Pair
    conversation_id: ConversationId
    conversation: Conversation | None
    actor: Account
    partner: Account
    actor_blocks: bool
    partner_blocks: bool
    earlier: Posting | None = None
    since: MessageId | None = None

    @property
    def side(self) -> Side:
        """The actor's view, empty where there is no conversation."""
        return self._side_of(self.actor)

    @property
    def partner_side(self) -> Side:
        """The partner's view, likewise."""
        return self._side_of(self.partner)

    @property
    def is_start(self) -> bool:
        """Whether the actor does not have this conversation yet, as far as the actor can see."""
        return not self.side.exists

    @property
    def are_receipts_on(self) -> bool:
        """Whether what one of the two sees is told to the other (READ-2, BLOCK-1, REQ-1)."""
        return (
            self.actor.preferences.receipts
            and self.partner.preferences.receipts
            and not self.actor_blocks
            and not self.partner_blocks
            and self.side.request is None
            and self.partner_side.asked is None
            and self.partner_side.exists
            and not self.partner.is_gone
        )

    @property
    def is_mutual(self) -> bool:
        """Whether each wrote to the other as far as the actor can see, and neither blocks.

        Who was never answered learns nothing of the other, so a start that was absorbed looks like
        one that nobody looked at (BLOCK-2, REQ-1); and who is hidden looks answered where they are,
        as anybody would (MOD-4).
        """
        return self._is_mutual_to(self.side)

    @property
    def is_mutual_to_partner(self) -> bool:
        """The same as far as the partner can see."""
        return self._is_mutual_to(self.partner_side)

    def is_hidden(self, now_us: int) -> bool:
        """Whether what the actor does now stays with the actor, who cannot tell (MOD-4)."""
        return self.actor.standing.is_hidden(now_us)

    def with_conversation(self, conversation: Conversation) -> Self:
        """The contact with another state of the conversation, which the unread totals follow."""
        side, partner_side = map(conversation.side_of, (self.actor.user.id, self.partner.user.id))
        return attrs.evolve(
            self,
            conversation=conversation,
            actor=_recounted(self.actor, self.side, side),
            partner=_recounted(self.partner, self.partner_side, partner_side),
        )

    def with_side(self, side: Side) -> Self:
        """The contact with another view for the actor; the same where there is no conversation."""
        if self.conversation is None:
            return self
        return self.with_conversation(self.conversation.with_side(self.actor.user.id, side))

    def with_partner_side(self, side: Side) -> Self:
        """The contact with another view for the partner, likewise."""
        if self.conversation is None:
            return self
        return self.with_conversation(self.conversation.with_side(self.partner.user.id, side))

    def _is_mutual_to(self, side: Side) -> bool:
        is_cut = self.actor_blocks or self.partner_blocks or self.partner.is_gone
        return not is_cut and side.said is not None and side.heard is not None

    def _side_of(self, account: Account) -> Side:
        return self.conversation.side_of(account.user.id) if self.conversation else _NO_SIDE


def _recounted(account: Account, before: Side, after: Side) -> Account:
    change = after.counted_unread - before.counted_unread
    return attrs.evolve(account, unread=account.unread + change) if change else account


@attrs.frozen(kw_only=True)
class Outcome:
    """What an act leaves behind: the rows of a pair as they shall be.

    ``accounts`` and ``entries`` are the actor's, and the partner's where it reaches them.
    """

    conversation: Conversation | None
    accounts: tuple[Account, ...]
    entries: tuple[Entry, ...]
    receipt: Receipt | None = None


@attrs.frozen
class Written:
    """A message as it shall be, and what else that leaves behind."""

    posting: Posting
    outcome: Outcome


@attrs.frozen(kw_only=True)
class Notice:
    """What one of the two is told of an act: the action in their words, and a message they see."""

    action: Action
    message: MessageId | None = None


def outcome(
    contact: Contact,
    *,
    now_us: int,
    own: Notice,
    told: Notice | None = None,
    receipt: Receipt | None = None,
    own_before: tuple[Notice, ...] = (),
    told_before: tuple[Notice, ...] = (),
) -> Outcome:
    """What ``contact``, which is as it shall be, leaves behind with a fact for who may know it.

    The actor always may: it is the audit record. The partner is told where ``told`` says what.
    ``own_before`` and ``told_before`` are what comes before each of the two.
    """
    actor, partner = contact.actor, contact.partner

    def fact(notice: Notice, *, knows_conversation: bool) -> Fact:
        return Fact(
            action=notice.action,
            actor=actor.user.id,
            other=partner.user.id,
            # A conversation that only the other one has stays unknown.
            conversation=contact.conversation_id if knows_conversation else None,
            message=notice.message,
            at_us=now_us,
        )

    knows = contact.side.exists
    actor, entries = actor.noted(*(fact(it, knows_conversation=knows) for it in (*own_before, own)))
    accounts: tuple[Account, ...] = (actor,)
    if told is not None and partner.is_erased:
        # Told of nothing; what was unread of theirs is counted until nothing is left of them.
        accounts = actor, partner
    elif told is not None and not partner.is_gone:
        knows = contact.partner_side.exists
        partner, partner_entries = partner.noted(
            *(fact(it, knows_conversation=knows) for it in (*told_before, told))
        )
        accounts, entries = (actor, partner), entries + partner_entries
    return Outcome(
        conversation=contact.conversation,
        accounts=accounts,
        entries=entries,
        receipt=receipt,
    )


@attrs.frozen(kw_only=True)
class Block:
    """One line of a user's private block list; ``position`` is its fact's in their journal."""

    blocked: UserId
    since_us: int
    position: int

    @property
    def since(self) -> datetime:
        """When the block was made, in UTC."""
        return to_datetime(self.since_us)
