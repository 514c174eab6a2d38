"""Conversations and messages in memory."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import attrs

from dmcore.adapters.memory._contacts import held_by
from dmcore.adapters.memory._store import Changes, Place, Store, id_of, read_for
from dmcore.domain.conversation import Conversation, Folder, Side
from dmcore.domain.ids import ConversationId, MessageId, User, UserId
from dmcore.domain.inbox import ConversationView, InboxEntry, InboxPlace, view_of
from dmcore.domain.message import Message, Posting, Receipt
from dmcore.domain.paging import ThreadPlace
from dmcore.domain.retention import is_expired
from dmcore.domain.viewing import Marking
from dmcore.errors import StoreRefused
from dmcore.ports.conversations import Conversations
from dmcore.ports.messages import Messages, ThreadRows
from dmcore.ports.reading import Reading

# The place first: it is what tells two of them apart.
Listed = tuple[Place, tuple[User, Folder]]


class MemoryConversations:
    """The ``Conversations`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def add(self, conversation: Conversation) -> None:
        if conversation.id in self._store.conversations:
            raise StoreRefused("pk_dm_conversation")
        self._changes.put(self._store.postings, conversation.id, [])
        self._put(conversation, [])

    def save(self, conversation: Conversation) -> None:
        self._put(conversation, _listed(self._store.conversations[conversation.id]))

    def _put(self, conversation: Conversation, before: Sequence[Listed]) -> None:
        self._changes.put(self._store.conversations, conversation.id, conversation)
        after = _listed(conversation)
        for listed in before:
            if listed not in after:
                place, key = listed
                self._changes.unlist_place(self._store.listed[key], place)
        for listed in after:
            if listed not in before:
                place, key = listed
                self._changes.list_place(self._store.listed.setdefault(key, []), place)

    def inbox(
        self,
        owner: User,
        *,
        folder: Folder,
        after: InboxPlace | None,
        limit: int,
        since: MessageId | None,
    ) -> Reading[Sequence[InboxEntry]]:
        places = self._store.listed.get((owner, folder), [])
        end = len(places)
        if after is not None:
            end = bisect_left(places, (after.newest, after.conversation))
        # What is expired lies at the beginning, as the list is in the order of what is newest.
        begin = 0 if since is None else bisect_left(places, since, key=_newest_in)
        page = places[max(end - limit, begin) : end]
        entries = [self._entry(owner, *place, since) for place in reversed(page)]
        return read_for(self._store, owner, entries)

    def _entry(
        self,
        owner: User,
        newest: MessageId,
        conversation: ConversationId,
        since: MessageId | None,
    ) -> InboxEntry:
        found = self._store.conversations[conversation]
        side = self._store.side_for(owner, conversation, since)
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
        self, conversation: ConversationId, *, reader: User, since: MessageId | None
    ) -> Reading[ConversationView | None]:
        found = held_by(self._store, conversation, reader)
        view = None if found is None else self._view(found, reader, since)
        return read_for(self._store, reader, view)

    def _view(
        self, conversation: Conversation, reader: User, since: MessageId | None
    ) -> ConversationView:
        whole = conversation.side_of(reader.id)
        kept = self._store.side_for(reader, conversation.id, since)
        expired = whole.unread - kept.unread
        return view_of(conversation, reader.id, since=since, unread_expired=expired)

    def of(
        self, owner: User, *, after: ConversationId | None, limit: int, since: MessageId | None
    ) -> Sequence[ConversationView]:
        every = self._store.conversations.values()
        had = [it for it in every if held_by(self._store, it.id, owner)]
        views = (self._view(it, owner, since) for it in had)
        later = [view for view in views if after is None or view.conversation > after]
        return sorted(later, key=lambda view: view.conversation)[:limit]


def _listed(conversation: Conversation) -> list[Listed]:
    """In which lists a conversation stands, and where."""
    pair = conversation.pair
    return [
        ((side.newest, conversation.id), (User(pair.tenant, user), folder))
        for user, side in ((pair.low, conversation.low), (pair.high, conversation.high))
        if (folder := side.folder) is not None and side.newest is not None
    ]


class Sight:
    """How one participant of a conversation sees its messages, receipts included."""

    def __init__(self, store: Store, conversation: Conversation, reader: User) -> None:
        self._reader = reader.id
        partner = conversation.pair.other_than(reader.id)
        users = (reader, User(reader.tenant, partner))
        accounts = [store.account_of(user) for user in users]
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
        if postings and message.id <= id_of(postings[-1]):
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
        self,
        conversation: ConversationId,
        *,
        reader: User,
        message: MessageId,
        since: MessageId | None,
    ) -> Posting | None:
        side = self._store.conversations[conversation].side_of(reader.id)
        postings = self._store.postings[conversation]
        index = _index(postings, message)
        is_there = index < len(postings) and id_of(postings[index]) == message
        if not is_there or is_expired(message, since):
            return None
        return postings[index] if postings[index].is_visible_to(reader.id, side) else None

    def newest_below(
        self, conversation: ConversationId, *, reader: User, message: MessageId
    ) -> MessageId | None:
        side = self._store.conversations[conversation].side_of(reader.id)
        below = _travel(self._store.postings[conversation], ThreadPlace(before=message))
        return next(
            (id_of(posting) for posting in below if posting.is_shown_to(reader.id, side)), None
        )

    def thread(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        place: ThreadPlace,
        limit: int,
        since: MessageId | None,
        root: MessageId | None = None,
    ) -> Reading[ThreadRows | None]:
        found = held_by(self._store, conversation, reader)
        if found is None:
            return read_for(self._store, reader, None)
        side = found.side_of(reader.id)
        sight = Sight(self._store, found, reader)
        seen = (
            sight.of(posting)
            for posting in _travel(self._store.postings[conversation], place)
            if posting.is_visible_to(reader.id, side) and not is_expired(id_of(posting), since)
        )
        if root is not None:
            seen = (message for message in seen if root in (message.id, message.thread_id))
        rows = ThreadRows(
            other=found.pair.other_than(reader.id),
            read=side.read,
            messages=list(islice(seen, limit)),
        )
        return read_for(self._store, reader, rows)

    def marking(
        self,
        conversation: ConversationId,
        *,
        reader: User,
        through: MessageId,
        since: MessageId | None,
    ) -> Marking | None:
        if self.find(conversation, reader=reader, message=through, since=since) is None:
            return None
        side = self._store.conversations[conversation].side_of(reader.id)
        postings = self._store.postings[conversation]
        after = attrs.evolve(side, read=through)
        seen = _newest_seen(postings, reader.id, side, through)
        return Marking(
            unread_after=unread_in(postings, reader.id, after),
            seen=None if is_expired(seen, since) else seen,
        )


def unread_in(postings: list[Posting], reader: UserId, side: Side) -> int:
    """How many messages wait for ``reader``, whose view is ``side``."""
    start = 0 if side.read is None else bisect_right(postings, side.read, key=id_of)
    later = islice(postings, start, None)
    return sum(posting.is_unread_by(reader, side) for posting in later)


def _newest_seen(
    postings: list[Posting], reader: UserId, side: Side, through: MessageId
) -> MessageId | None:
    end = bisect_right(postings, through, key=id_of)
    for index in range(end - 1, -1, -1):
        posting = postings[index]
        if side.told is not None and id_of(posting) <= side.told:
            return None
        if posting.message.sender != reader:
            return id_of(posting)
    return None


def _newest_in(place: Place) -> MessageId:
    return place[0]


def _through(receipt: Receipt) -> MessageId:
    return receipt.through


def _index(postings: list[Posting], message: MessageId) -> int:
    return bisect_left(postings, message, key=id_of)


def _posting(postings: list[Posting], message: MessageId) -> Posting:
    return postings[_index(postings, message)]


def _travel(postings: list[Posting], place: ThreadPlace) -> Iterator[Posting]:
    if place.after is not None:
        start = bisect_right(postings, place.after, key=id_of)
        return islice(postings, start, None)
    end = len(postings)
    if place.before is not None:
        end = bisect_left(postings, place.before, key=id_of)
    return (postings[index] for index in range(end - 1, -1, -1))


if TYPE_CHECKING:

    def _conforms(store: Store, changes: Changes) -> tuple[Conversations, Messages]:
        return MemoryConversations(store, changes), MemoryMessages(store, changes)
