"""A contact: two people and everything that decides what may pass between them now.

It is what a use case holds under lock before it decides: nothing in it can change until the
transaction ends.
"""

from datetime import datetime
from typing import Self

import attrs

from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.ids import ConversationId, UserId
from dmcore.domain.instants import to_datetime
from dmcore.domain.message import Posting
from dmcore.domain.mode import Mode
from dmcore.domain.pair import Pair


@attrs.frozen(kw_only=True)
class Contact:
    """The facts about a pair, seen from the one who acts.

    ``conversation`` is there as soon as one of the two has it; ``conversation_id`` is known either
    way. ``earlier`` is the actor's message under the idempotency key of this attempt, if any.
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

    @property
    def side(self) -> Side:
        """The actor's view, empty where there is no conversation."""
        return self._side_of(self.actor)

    @property
    def is_start(self) -> bool:
        """Whether the actor does not have this conversation yet, as far as the actor can see."""
        return not self.side.exists

    @property
    def is_new_to_partner(self) -> bool:
        """The same question for the partner."""
        return not self._side_of(self.partner).exists

    def with_side(self, side: Side) -> Self:
        """The contact with another view for the actor, whose unread total follows it."""
        if self.conversation is None:
            return self
        change = side.counted_unread - self.side.counted_unread
        return attrs.evolve(
            self,
            conversation=self.conversation.with_side(self.actor.user.id, side),
            actor=attrs.evolve(self.actor, unread=self.actor.unread + change),
        )

    def _side_of(self, account: Account) -> Side:
        return self.conversation.side_of(account.user.id) if self.conversation else Side()


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
