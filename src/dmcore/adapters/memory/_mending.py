"""Mending in memory, where only a defect can have damaged anything."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dmcore.adapters.memory._store import Changes, Store
from dmcore.domain.conversation import Conversation
from dmcore.domain.events import Entry
from dmcore.domain.ids import ConversationId, User
from dmcore.domain.verification import is_of_removed
from dmcore.ports.mending import Mending


class MemoryMending:
    """The ``Mending`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def relist(self, conversation: Conversation) -> None:
        for places in self._store.listed.values():
            for place in [it for it in places if it[1] == conversation.id]:
                self._changes.unlist_place(places, place)
        pair = conversation.pair
        for name in (pair.low, pair.high):
            listing = conversation.side_of(name).listing
            if listing is not None:
                key = User(pair.tenant, name), listing.folder
                places = self._store.listed.setdefault(key, [])
                self._changes.list_place(places, (listing.newest, conversation.id))

    def drop_receipts(self, conversation: Conversation) -> None:
        pair = conversation.pair
        for user in (pair.low, pair.high):
            given = self._store.receipts.get((conversation.id, user), [])
            kept = [it for it in given if not is_of_removed(it.through, conversation.oldest)]
            if kept != given:
                self._changes.put(self._store.receipts, (conversation.id, user), kept)

    def drop_strays(self) -> int:
        strays = [
            (places, place)
            for (owner, _), places in self._store.listed.items()
            for place in places
            if not self._has(owner, place[1])
        ]
        for places, place in strays:
            self._changes.unlist_place(places, place)
        return len(strays)

    def _has(self, owner: User, conversation: ConversationId) -> bool:
        found = self._store.conversations.get(conversation)
        return found is not None and owner.id in found.pair and owner.tenant == found.pair.tenant

    def ownerless(self, *, limit: int) -> Sequence[User]:
        named = {user for user, rows in self._store.journal.items() if rows}
        named |= {user for user, rows in self._store.restrictions.items() if rows}
        return sorted(named - self._store.accounts.keys(), key=lambda it: (it.tenant, it.id))[
            :limit
        ]

    def fill(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            rows = self._store.journal.get(entry.owner, [])
            whole = sorted([*rows, entry], key=lambda it: it.position)
            self._changes.put(self._store.journal, entry.owner, whole)


if TYPE_CHECKING:

    def _conforms(store: Store, changes: Changes) -> Mending:
        return MemoryMending(store, changes)
