"""The port of retention on ``sqlite3``."""

from itertools import islice

from tests.third.rows import Rows
from tests.third.values import from_json

from dmcore import ConversationId, MessageId, User
from dmcore.domain.conversation import Conversation
from dmcore.domain.ids import neighbour_of
from dmcore.domain.retention import Removed, is_expired


class Retention(Rows):
    """The ``Retention`` port."""

    def next_conversation(self, *, below: MessageId) -> tuple[ConversationId, User] | None:
        every = (from_json(Conversation, it) for it in self._values(EVERY))
        old = (it for it in every if is_expired(it.oldest, below))
        return next(((it.id, User(it.pair.tenant, it.pair.low)) for it in old), None)

    def remove(self, conversation: ConversationId, *, below: MessageId, limit: int) -> Removed:
        found = self._conversation(conversation)
        assert found is not None, "its pair is held"
        postings = sorted(self._postings(conversation), key=lambda it: it.message.id)
        old = [it for it in postings if it.message.id < below][:limit]
        through = old[-1].message.id if old else neighbour_of(below, -1)
        here = (str(conversation), str(through))
        self._rows.execute("DELETE FROM messages WHERE conversation = ? AND id <= ?", here)
        self._rows.execute("DELETE FROM receipts WHERE conversation = ? AND through <= ?", here)
        left = (it.message.id for it in islice(postings, len(old), None))
        low, high = found.pair.low, found.pair.high
        return Removed(
            messages=len(old),
            through=through,
            unread_of_low=sum(it.is_unread_by(low, found.low) for it in old),
            unread_of_high=sum(it.is_unread_by(high, found.high) for it in old),
            oldest=next(left, None),
        )


EVERY = "SELECT value FROM conversations"
