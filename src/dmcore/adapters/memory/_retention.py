"""Retention in memory."""

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from dmcore.adapters.memory._store import Changes, Store, id_of
from dmcore.domain.ids import ConversationId, MessageId, User, neighbour_of
from dmcore.domain.retention import Removed, is_expired
from dmcore.ports.retention import Retention


class MemoryRetention:
    """The ``Retention`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def next_conversation(self, *, below: MessageId) -> tuple[ConversationId, User] | None:
        every = self._store.conversations.values()
        found = (
            (it.id, User(it.pair.tenant, it.pair.low))
            for it in every
            if is_expired(it.oldest, below)
        )
        return next(found, None)

    def remove(self, conversation: ConversationId, *, below: MessageId, limit: int) -> Removed:
        store, changes = self._store, self._changes
        postings, found = store.postings[conversation], store.conversations[conversation]
        removed = postings[: min(bisect_left(postings, below, key=id_of), limit)]
        through = id_of(removed[-1]) if removed else neighbour_of(below, -1)
        for posting in removed:
            if posting.key is not None:
                changes.drop(store.keys, (conversation, posting.message.sender, posting.key))
        changes.drop_first(postings, len(removed))
        pair = found.pair
        for user in (pair.low, pair.high):
            given = store.receipts.get((conversation, user), [])
            changes.drop_first(given, bisect_right(given, through, key=lambda it: it.through))
        return Removed(
            messages=len(removed),
            through=through,
            unread_of_low=sum(it.is_unread_by(pair.low, found.low) for it in removed),
            unread_of_high=sum(it.is_unread_by(pair.high, found.high) for it in removed),
            oldest=id_of(postings[0]) if postings else None,
        )


if TYPE_CHECKING:

    def _conforms(store: Store, changes: Changes) -> Retention:
        return MemoryRetention(store, changes)
