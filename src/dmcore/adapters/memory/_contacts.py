"""Contacts in memory. The store's one lock holds everything, so there is nothing to lock here."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import attrs

from dmcore.adapters.memory._store import Changes, Store
from dmcore.domain.contact import Block, Contact
from dmcore.domain.conversation import Conversation
from dmcore.domain.ids import ConversationId, Key, User, UserId
from dmcore.domain.message import Posting
from dmcore.domain.pair import Pair
from dmcore.ports.contacts import Contacts
from dmcore.ports.reading import Reading


class MemoryContacts:
    """The ``Contacts`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def hold(self, pair: Pair, *, actor: UserId, key: Key | None = None) -> Contact:
        self._store.mode_for(User(pair.tenant, actor))
        conversation_id = self._store.paired(pair)
        conversation = self._store.conversations.get(conversation_id)
        if conversation is not None and conversation.pair != pair:
            # The one of somebody who was erased since, and has another name in it.
            conversation = None
        return self.contact(pair, conversation_id, conversation, actor, key)

    def hold_conversation(
        self, conversation: ConversationId, *, actor: User, key: Key | None = None
    ) -> Contact | None:
        self._store.mode_for(actor)
        found = held_by(self._store, conversation, actor)
        if found is None:
            return None
        return self.contact(found.pair, conversation, found, actor.id, key)

    def contact(
        self,
        pair: Pair,
        conversation_id: ConversationId,
        conversation: Conversation | None,
        actor: UserId,
        key: Key | None,
    ) -> Contact:
        """Everything that decides between the two of a pair."""
        store = self._store
        acting = User(pair.tenant, actor)
        partner = User(pair.tenant, pair.other_than(actor))
        return Contact(
            mode=store.mode,
            pair=pair,
            conversation_id=conversation_id,
            conversation=conversation,
            actor=store.account_of(acting),
            partner=store.account_of(partner),
            actor_blocks=partner.id in store.blocks.get(acting, ()),
            partner_blocks=acting.id in store.blocks.get(partner, ()),
            earlier=self._earlier(conversation_id, actor, key),
        )

    def _earlier(
        self, conversation: ConversationId, sender: UserId, key: Key | None
    ) -> Posting | None:
        found = None if key is None else self._store.keys.get((conversation, sender, key))
        if found is None:
            return None
        postings = self._store.postings[conversation]
        return postings[bisect_left(postings, found, key=lambda posting: posting.message.id)]

    def look(self, pair: Pair, *, actor: UserId) -> Contact:
        return self.hold(pair, actor=actor)

    def add_block(self, pair: Pair, block: Block) -> None:
        blocker = User(pair.tenant, pair.other_than(block.blocked))
        self._changes.put(self._store.blocks.setdefault(blocker, {}), block.blocked, block)

    def remove_block(self, pair: Pair, *, blocked: UserId) -> None:
        blocker = User(pair.tenant, pair.other_than(blocked))
        self._changes.drop(self._store.blocks[blocker], blocked)

    def blockers(self, blocked: User, *, among: Collection[UserId]) -> Reading[frozenset[UserId]]:
        lists = self._store.blocks
        found = {it for it in among if blocked.id in lists.get(attrs.evolve(blocked, id=it), ())}
        return Reading(self._store.mode_for(blocked), frozenset(found))

    def blocked_by(
        self, blocker: User, *, before: int | None, limit: int
    ) -> Reading[Sequence[Block]]:
        lines = self._store.blocks.get(blocker, {}).values()
        below = [line for line in lines if before is None or line.position < before]
        below.sort(key=lambda line: line.position, reverse=True)
        return Reading(self._store.mode_for(blocker), below[:limit])


def held_by(store: Store, conversation: ConversationId, user: User) -> Conversation | None:
    """The conversation if ``user`` has it."""
    found = store.conversations.get(conversation)
    if found is None or user.tenant != found.pair.tenant or user.id not in found.pair:
        return None
    return found if found.side_of(user.id).exists else None


if TYPE_CHECKING:

    def _conforms(store: Store, changes: Changes) -> Contacts:
        return MemoryContacts(store, changes)
