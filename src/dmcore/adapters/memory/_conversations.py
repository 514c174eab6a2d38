"""Conversations and messages in memory."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import attrs

from dmcore.adapters.memory._contacts import held_by
from dmcore.adapters.memory._store import Changes, Place, Store
from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation, Folder, Side
from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.inbox import ConversationView, InboxEntry, InboxPlace, view_of
from dmcore.domain.message import Message, Posting, Receipt
from dmcore.domain.paging import ThreadPlace
from dmcore.domain.viewing import Marking
from dmcore.errors import StoreRefused
from dmcore.ports.conversations import Conversations
from dmcore.ports.messages import Messages, ThreadRows
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
        if (before.folder, old) == (after.folder, new):
            return
        if before.folder is not None and old is not None:
            self._changes.unlist_place(self._store.listed[user, before.folder], old)
        if after.folder is not None and new is not None:
            places = self._store.listed.setdefault((user, after.folder), [])
            self._changes.list_place(places, new)

    def inbox(
        self, owner: User, *, folder: Folder, after: InboxPlace | None, limit: int
    ) -> Reading[Sequence[InboxEntry]]:
        places = self._store.listed.get((owner, folder), [])
        end = len(places)
        if after is not None:
            end = bisect_left(places, (after.newest, after.conversation))
        page = places[max(end - limit, 0) : end]
        entries = [self._entry(owner, *place) for place in reversed(page)]
        return Reading(self._store.mode, entries)

    def _entry(self, owner: User, newest: MessageId, conversation: ConversationId) -> InboxEntry:
        found = self._store.conversations[conversation]
        side = found.side_of(owner.id)
        posting = _posting(self._store.postings[conversation], newest)
        return InboxEntry(
            conversation=conversation,
            other=found.pair.other_than(owner.id),
            newest=newest,
            preview=Sight(self._store, found, owner).of(posting),
            read=side.read,
            unread=side.unread,
            is_muted=side.is_muted,
        )

    def view(
        self, conversation: ConversationId, *, reader: User
    ) -> Reading[ConversationView | None]:
        found = held_by(self._store, conversation, reader)
        if found is None:
            return Reading(self._store.mode, None)
        return Reading(self._store.mode, view_of(found, reader.id))


class Sight:
    """How one participant of a conversation sees its messages, receipts included."""

    def __init__(self, store: Store, conversation: Conversation, reader: User) -> None:
        self._reader = reader.id
        partner = conversation.pair.other_than(reader.id)
        users = (reader, User(reader.tenant, partner))
        accounts = [store.accounts.get(user) or Account(user=user) for user in users]
        self._receipts: Sequence[Receipt] = ()
        if all(account.preferences.receipts for account in accounts):
            self._receipts = store.receipts.get((conversation.id, partner), ())

    def of(self, posting: Posting) -> Message:
        """The message as the reader sees it."""
        message = posting.seen_by(self._reader)
        if message.sender != self._reader:
            return message
        first = bisect_left(self._receipts, message.id, key=_through)
        if first == len(self._receipts):
            return message
        return attrs.evolve(message, seen_at_us=self._receipts[first].at_us)


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
            self._changes.put(self._store.keys, key, message.id)

    def save(self, posting: Posting) -> None:
        postings = self._store.postings[posting.message.conversation]
        self._changes.replace(postings, _index(postings, posting.message.id), posting)

    def add_receipt(self, receipt: Receipt) -> None:
        key = (receipt.conversation, receipt.reader)
        self._changes.append(self._store.receipts.setdefault(key, []), receipt)

    def find(
        self, conversation: ConversationId, *, reader: User, message: MessageId
    ) -> Posting | None:
        side = self._store.conversations[conversation].side_of(reader.id)
        postings = self._store.postings[conversation]
        index = _index(postings, message)
        if index == len(postings) or _id_of(postings[index]) != message:
            return None
        return postings[index] if postings[index].is_visible_to(reader.id, side) else None

    def newest_below(
        self, conversation: ConversationId, *, reader: User, message: MessageId
    ) -> MessageId | None:
        side = self._store.conversations[conversation].side_of(reader.id)
        below = _travel(self._store.postings[conversation], ThreadPlace(before=message))
        return next(
            (_id_of(posting) for posting in below if posting.is_shown_to(reader.id, side)), None
        )

    def thread(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        place: ThreadPlace,
        limit: int,
        root: MessageId | None = None,
    ) -> Reading[ThreadRows | None]:
        found = held_by(self._store, conversation, reader)
        if found is None:
            return Reading(self._store.mode, None)
        side = found.side_of(reader.id)
        sight = Sight(self._store, found, reader)
        seen = (
            sight.of(posting)
            for posting in _travel(self._store.postings[conversation], place)
            if posting.is_visible_to(reader.id, side)
        )
        if root is not None:
            seen = (message for message in seen if root in (message.id, message.thread_id))
        rows = ThreadRows(
            other=found.pair.other_than(reader.id),
            read=side.read,
            messages=list(islice(seen, limit)),
        )
        return Reading(self._store.mode, rows)

    def marking(
        self, conversation: ConversationId, *, reader: User, through: MessageId
    ) -> Marking | None:
        if self.find(conversation, reader=reader, message=through) is None:
            return None
        side = self._store.conversations[conversation].side_of(reader.id)
        postings = self._store.postings[conversation]
        after = attrs.evolve(side, read=through)
        return Marking(
            unread_after=unread_in(postings, reader.id, after),
            seen=_newest_seen(postings, reader.id, side, through),
        )


def unread_in(postings: list[Posting], reader: UserId, side: Side) -> int:
    """How many messages wait for ``reader``, whose view is ``side``."""
    start = 0 if side.read is None else bisect_right(postings, side.read, key=_id_of)
    later = islice(postings, start, None)
    return sum(posting.is_unread_by(reader, side) for posting in later)


def _newest_seen(
    postings: list[Posting], reader: UserId, side: Side, through: MessageId
) -> MessageId | None:
    end = bisect_right(postings, through, key=_id_of)
    for index in range(end - 1, -1, -1):
        posting = postings[index]
        if side.told is not None and _id_of(posting) <= side.told:
            return None
        if posting.message.sender != reader:
            return _id_of(posting)
    return None


def _place(side: Side, conversation: ConversationId) -> Place | None:
    return None if side.newest is None else (side.newest, conversation)


def _id_of(posting: Posting) -> MessageId:
    return posting.message.id


def _through(receipt: Receipt) -> MessageId:
    return receipt.through


def _index(postings: list[Posting], message: MessageId) -> int:
    return bisect_left(postings, message, key=_id_of)


def _posting(postings: list[Posting], message: MessageId) -> Posting:
    return postings[_index(postings, message)]


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
