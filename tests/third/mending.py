"""The ``Mending`` port on ``sqlite3``."""

from collections.abc import Sequence

from tests.third.ports import Conversations, Journal

from dmcore import User
from dmcore.domain.conversation import Conversation
from dmcore.domain.events import Entry
from dmcore.domain.ids import TenantId, UserId


class Mending(Conversations):
    """Its listings are made anew with each change of a conversation anyway."""

    def relist(self, conversation: Conversation) -> None:
        self._list(conversation)

    def drop_receipts(self, conversation: Conversation) -> None:
        query = "DELETE FROM receipts WHERE conversation = ? AND (? IS NULL OR through < ?)"
        oldest = None if conversation.oldest is None else str(conversation.oldest)
        self._rows.execute(query, (str(conversation.id), oldest, oldest))

    def drop_strays(self) -> int:
        query = """
            DELETE FROM listings WHERE NOT EXISTS (SELECT 1 FROM conversations
            WHERE id = conversation AND conversations.tenant = listings.tenant
            AND user IN (low, high))"""
        return self._rows.execute(query).rowcount

    def ownerless(self, *, limit: int) -> Sequence[User]:
        query = """
            SELECT tenant, user FROM (SELECT tenant, user FROM journal
            UNION SELECT tenant, user FROM restrictions)
            WHERE (tenant, user) NOT IN (SELECT tenant, user FROM accounts)
            ORDER BY tenant, user LIMIT ?"""
        found = self._rows.execute(query, (limit,)).fetchall()
        return [User(TenantId(tenant), UserId(user)) for tenant, user in found]

    def fill(self, entries: Sequence[Entry]) -> None:
        Journal(self._rows).record(entries)
