"""A conversation: a pair, the order of its messages, and what each of the two has of it."""

from typing import Self

import attrs

from dmcore.domain.ids import ConversationId, MessageId, UserId
from dmcore.domain.pair import Pair


@attrs.frozen(kw_only=True)
class Side:
    """One participant's own view of a conversation.

    ``newest`` is the newest message that this participant may see, ``None`` while the conversation
    does not exist for them; ``read`` is their read marker; ``unread`` counts the partner's messages
    after it; ``blocks`` says that they block the partner.
    """

    newest: MessageId | None = None
    read: MessageId | None = None
    unread: int = 0
    blocks: bool = False

    @property
    def exists(self) -> bool:
        """Whether this participant has the conversation at all."""
        return self.newest is not None

    @property
    def counted_unread(self) -> int:
        """What this side adds to its user's unread total: nothing while they block (BLOCK-1)."""
        return 0 if self.blocks else self.unread


@attrs.frozen(kw_only=True)
class Conversation:
    """The one conversation of a pair, begun with its first message.

    ``newest`` is the greatest id given out in it, hidden messages included.
    """

    id: ConversationId
    pair: Pair
    newest: MessageId
    low: Side
    high: Side

    def side_of(self, user: UserId) -> Side:
        """The view of ``user``, who must be one of the pair."""
        return self.low if user == self.pair.low else self.high

    def with_side(self, user: UserId, side: Side) -> Self:
        """The conversation with another view for ``user``."""
        if user == self.pair.low:
            return attrs.evolve(self, low=side)
        return attrs.evolve(self, high=side)

    def with_message(self, message: MessageId, sender: UserId, *, sender_only: bool) -> Self:
        """The conversation after ``sender`` wrote ``message``.

        A sender-only message changes nothing on the other side: not its newest message, so not its
        place in the inbox, and not its unread count.
        """
        recipient = self.pair.other_than(sender)
        after = attrs.evolve(self, newest=message)
        after = after.with_side(sender, attrs.evolve(self.side_of(sender), newest=message))
        if sender_only:
            return after
        view = self.side_of(recipient)
        return after.with_side(
            recipient, attrs.evolve(view, newest=message, unread=view.unread + 1)
        )
