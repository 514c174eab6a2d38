"""Recounting in memory, from the messages and the journal alone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dmcore.adapters.memory._conversations import is_visible, unread_after
from dmcore.adapters.memory._store import Store
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.ids import User, UserId
from dmcore.domain.message import Posting
from dmcore.domain.verification import AccountCensus, ConversationCensus, Orphans, SideCensus
from dmcore.ports.inspection import Inspection


class MemoryInspection:
    """The ``Inspection`` port."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def conversations(self) -> Iterator[ConversationCensus]:
        for key in sorted(self._store.conversations):
            conversation = self._store.conversations[key]
            postings = self._store.postings[key]
            yield ConversationCensus(
                conversation=conversation,
                newest=max((posting.message.id for posting in postings), default=None),
                low=self._side(conversation, postings, conversation.pair.low),
                high=self._side(conversation, postings, conversation.pair.high),
            )

    def _side(
        self, conversation: Conversation, postings: list[Posting], user: UserId
    ) -> SideCensus:
        side = conversation.side_of(user)
        owner = User(conversation.pair.tenant, user)
        seen = Side()
        newest = [p.message.id for p in postings if is_visible(p, user, seen)]
        places = [
            place for place in self._store.listed.get(owner, []) if place[1] == conversation.id
        ]
        is_listed = places == [(side.newest, conversation.id)]
        # The listing in memory is an index of the sides: it is right where the place is.
        is_right = is_listed == (side.exists and not side.blocks) and len(places) <= 1
        return SideCensus(
            newest_visible=max(newest, default=None),
            unread=unread_after(postings, side.read, user),
            is_block_listed=conversation.pair.other_than(user) in self._store.blocks.get(owner, {}),
            listed=side if is_right and side.exists else None,
        )

    def accounts(self) -> Iterator[AccountCensus]:
        for user in sorted(self._store.accounts, key=lambda user: (user.tenant, user.id)):
            positions = [entry.position for entry in self._store.journal.get(user, [])]
            listed = self._store.listed.get(user, [])
            sides = (self._store.conversations[key].side_of(user.id) for _, key in listed)
            yield AccountCensus(
                account=self._store.accounts[user],
                entries=len(positions),
                first_position=min(positions, default=None),
                last_position=max(positions, default=None),
                unread_listed=sum(side.counted_unread for side in sides),
            )

    def orphans(self) -> Orphans:
        store = self._store
        return Orphans(
            messages=sum(
                len(rows) for key, rows in store.postings.items() if key not in store.conversations
            ),
            sides=sum(
                key not in store.conversations
                for places in store.listed.values()
                for _, key in places
            ),
            journal_entries=sum(
                len(entries)
                for user, entries in store.journal.items()
                if user not in store.accounts
            ),
            foreign_senders=sum(
                posting.message.sender not in store.conversations[key].pair
                for key, rows in store.postings.items()
                if key in store.conversations
                for posting in rows
            ),
        )


if TYPE_CHECKING:

    def _conforms(store: Store) -> Inspection:
        return MemoryInspection(store)
