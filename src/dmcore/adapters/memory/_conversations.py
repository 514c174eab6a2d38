"""Conversations and messages in memory."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from dmcore.adapters.memory._contacts import held_by
from dmcore.adapters.memory._store import Changes, Store
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.inbox import InboxEntry, InboxPlace
from dmcore.domain.message import Posting
from dmcore.domain.paging import ThreadPlace
from dmcore.errors import StoreRefused
from dmcore.ports.conversations import Conversations
from dmcore.ports.messages import Marking, Messages, ThreadRows
from dmcore.ports.reading import Reading


class MemoryConversations:
    """The ``Conversations`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def add(self, conversation: Conversation) -> None:
        if conversation.id in self._store.conversations:
            raise StoreRefused("pk_dm_conversation")
        self._changes.put(self._store.postings, conversation.id, [])
        self._put(conversation, Side(), Side())

    def save(self, conversation: Conversation) -> None:
        before = self._store.conversations[conversation.id]
        self._put(conversation, before.low, before.high)

    def _put(self, conversation: Conversation, low: Side, high: Side) -> None:
        self._changes.put(self._store.conversations, conversation.id, conversation)
        pair = conversation.pair
        self._relist(User(pair.tenant, pair.low), conversation.id, low, conversation.low)
        self._relist(User(pair.tenant, pair.high), conversation.id, high, conversation.high)

    def _relist(self, user: User, conversation: ConversationId, before: Side, after: Side) -> None:
        old, new = _place(before, conversation), _place(after, conversation)
        if old == new:
            return
        places = self._store.listed.setdefault(user, [])
        if old is not None:
            self._changes.unlist_place(places, old)
        if new is not None:
            self._changes.list_place(places, new)

    def inbox(
        self, owner: User, *, after: InboxPlace | None, limit: int
    ) -> Reading[Sequence[InboxEntry]]:
        places = self._store.listed.get(owner, [])
        end = len(places)
        if after is not None:
            end = bisect_left(places, (after.newest, after.conversation))
        page = places[max(end - limit, 0) : end]
        entries = [self._entry(owner, *place) for place in reversed(page)]
        return Reading(self._store.mode, entries)

    def _entry(self, owner: User, newest: MessageId, conversation: ConversationId) -> InboxEntry:
        found = self._store.conversations[conversation]
        side = found.side_of(owner.id)
        return InboxEntry(
            conversation=conversation,
            other=found.pair.other_than(owner.id),
            newest=newest,
            preview=_posting(self._store.postings[conversation], newest).message,
            read=side.read,
            unread=side.unread,
        )


class MemoryMessages:
    """The ``Messages`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def add(self, posting: Posting) -> None:
        message = posting.message
        postings = self._store.postings[message.conversation]
        if postings and message.id <= _id_of(postings[-1]):
            raise StoreRefused("pk_dm_message")
        self._changes.append(postings, posting)
        if posting.key is not None:
            key = (message.conversation, message.sender, posting.key)
            if key in self._store.keys:
                raise StoreRefused("uq_dm_message_key")
            self._changes.put(self._store.keys, key, posting)

    def thread(
        self, conversation: ConversationId, *, reader: User, place: ThreadPlace, limit: int
    ) -> Reading[ThreadRows | None]:
        found = held_by(self._store, conversation, reader)
        if found is None:
            return Reading(self._store.mode, None)
        side = found.side_of(reader.id)
        postings = self._store.postings[conversation]
        visible = (
            posting.message
            for posting in _travel(postings, place)
            if is_visible(posting, reader.id, side)
        )
        rows = ThreadRows(
            other=found.pair.other_than(reader.id),
            read=side.read,
            messages=list(islice(visible, limit)),
        )
        return Reading(self._store.mode, rows)

    def marking(
        self, conversation: ConversationId, *, reader: User, through: MessageId
    ) -> Marking | None:
        side = self._store.conversations[conversation].side_of(reader.id)
        postings = self._store.postings[conversation]
        start = bisect_left(postings, through, key=_id_of)
        if start == len(postings) or _id_of(postings[start]) != through:
            return None
        if not is_visible(postings[start], reader.id, side):
            return None
        return Marking(unread_after(postings, through, reader.id))


def is_visible(posting: Posting, reader: UserId, side: Side) -> bool:
    """Whether ``reader``, whose view is ``side``, sees this message now."""
    if posting.message.sender == reader:
        return True
    return not posting.sender_only and not side.blocks


def unread_after(postings: list[Posting], marker: MessageId | None, reader: UserId) -> int:
    """How many messages after ``marker`` the partner of ``reader`` sent them."""
    start = 0 if marker is None else bisect_right(postings, marker, key=_id_of)
    return sum(
        not posting.sender_only and posting.message.sender != reader
        for posting in islice(postings, start, None)
    )


def _place(side: Side, conversation: ConversationId) -> tuple[MessageId, ConversationId] | None:
    return None if side.newest is None or side.blocks else (side.newest, conversation)


def _id_of(posting: Posting) -> MessageId:
    return posting.message.id


def _posting(postings: list[Posting], message: MessageId) -> Posting:
    return postings[bisect_left(postings, message, key=_id_of)]


def _travel(postings: list[Posting], place: ThreadPlace) -> Iterator[Posting]:
    if place.after is not None:
        start = bisect_right(postings, place.after, key=_id_of)
        return islice(postings, start, None)
    end = len(postings)
    if place.before is not None:
        end = bisect_left(postings, place.before, key=_id_of)
    return (postings[index] for index in range(end - 1, -1, -1))


if TYPE_CHECKING:

    def _conforms(store: Store, changes: Changes) -> tuple[Conversations, Messages]:
        return MemoryConversations(store, changes), MemoryMessages(store, changes)
