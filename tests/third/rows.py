"""What the ports on ``sqlite3`` have in common: the connection, and values that several read."""

import sqlite3
from collections.abc import Iterator
from typing import TypeVar

from tests.third.values import from_json

from dmcore import ConversationId, MessageId, Mode, Restriction, User, UserId
from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation
from dmcore.domain.ids import parse_conversation_id
from dmcore.domain.message import Posting, Receipt
from dmcore.domain.paging import ThreadPlace
from dmcore.domain.pair import Pair
from dmcore.domain.pseudonyms import pseudonym_of
from dmcore.domain.retention import is_expired
from dmcore.errors import AccountErased
from dmcore.ports.reading import Reading

Found = TypeVar("Found")


class Rows:
    """What the ports have in common: the connection, and the values that several of them read."""

    def __init__(self, rows: sqlite3.Connection) -> None:
        self._rows = rows

    def mode(self) -> Mode:
        return Mode(self._one("SELECT mode FROM installation"))

    def _one(self, query: str, *values: object) -> str:
        return str(self._rows.execute(query, values).fetchone()[0])

    def _values(self, query: str, *values: object) -> Iterator[str]:
        return (row[0] for row in self._rows.execute(query, values))

    def _namespace(self) -> bytes:
        found: bytes = self._rows.execute("SELECT namespace FROM installation").fetchone()[0]
        return found

    def _is_erased(self, user: User) -> bool:
        gone = pseudonym_of(self._namespace(), user)
        query = "SELECT 1 FROM erasures WHERE tenant = ? AND pseudonym = ?"
        return any(self._values(query, gone.tenant, gone.id))

    def _mode_for(self, user: User) -> Mode:
        """The mode, for who reads or acts."""
        if self._is_erased(user):
            raise AccountErased
        return self.mode()

    def _account(self, user: User) -> Account:
        query = "SELECT value FROM accounts WHERE tenant = ? AND user = ?"
        found = next(self._values(query, user.tenant, user.id), None)
        if found is None:
            return Account(user=user, is_erased=self._is_erased(user))
        return from_json(Account, found)

    def _paired(self, pair: Pair) -> ConversationId:
        """The conversation of a pair, whose id is not derived from it where one was erased."""
        query = "SELECT id FROM conversations WHERE tenant = ? AND low = ? AND high = ?"
        found = next(self._values(query, pair.tenant, pair.low, pair.high), None)
        if found is None:
            return pair.conversation_id(self._namespace())
        return parse_conversation_id(found)

    def _conversation(self, id_: ConversationId) -> Conversation | None:
        query = "SELECT value FROM conversations WHERE id = ?"
        found = next(self._values(query, str(id_)), None)
        return None if found is None else from_json(Conversation, found)

    def _held_by(self, id_: ConversationId, user: User) -> Conversation | None:
        found = self._conversation(id_)
        if found is None or user.tenant != found.pair.tenant or user.id not in found.pair:
            return None
        return found if found.side_of(user.id).exists else None

    def _postings(self, id_: ConversationId, place: ThreadPlace | None = None) -> Iterator[Posting]:
        """The newest first, or upwards from ``place.after``."""
        query, bounds = "SELECT value FROM messages WHERE conversation = ?", [str(id_)]
        order = "DESC"
        if place is not None and place.after is not None:
            query, order = f"{query} AND id > ?", "ASC"
            bounds.append(str(place.after))
        if place is not None and place.before is not None:
            query = f"{query} AND id < ?"
            bounds.append(str(place.before))
        found = self._values(f"{query} ORDER BY id {order}", *bounds)
        return (from_json(Posting, value) for value in found)

    def _expired_unread(
        self, conversation: Conversation, reader: User, since: MessageId | None
    ) -> int:
        """How many of the messages that wait for somebody are below what is still there."""
        side = conversation.side_of(reader.id)
        return sum(
            posting.is_unread_by(reader.id, side) and is_expired(posting.message.id, since)
            for posting in self._postings(conversation.id)
        )

    def _blocks(self, blocker: User, blocked: UserId) -> bool:
        query = "SELECT 1 FROM blocks WHERE tenant = ? AND user = ? AND blocked = ?"
        return any(self._values(query, blocker.tenant, blocker.id, blocked))

    def _restrictions(self, user: User) -> list[Restriction]:
        query = "SELECT value FROM restrictions WHERE tenant = ? AND user = ? ORDER BY number"
        return [from_json(Restriction, it) for it in self._values(query, user.tenant, user.id)]

    def _read_for(self, reader: User, found: Found) -> Reading[Found]:
        """What was found, with all that decides whether its reader may have it."""
        until_us = self._account(reader).standing.suspended_until_us
        return Reading(self._mode_for(reader), found, until_us)

    def _receipts(self, id_: ConversationId, reader: UserId) -> list[Receipt]:
        query = "SELECT value FROM receipts WHERE conversation = ? AND reader = ? ORDER BY through"
        return [from_json(Receipt, value) for value in self._values(query, str(id_), reader)]
