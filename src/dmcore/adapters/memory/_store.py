"""What the in-memory store holds, and how a change is undone."""

import secrets
import threading
from bisect import bisect_left, insort
from collections.abc import Callable, MutableMapping
from typing import Final, TypeVar

from dmcore.domain.account import Account
from dmcore.domain.contact import Block
from dmcore.domain.conversation import Conversation, Folder, Side
from dmcore.domain.devices import Device, Prekey
from dmcore.domain.erasure import Erasure
from dmcore.domain.events import Entry
from dmcore.domain.ids import (
    ConsumerName,
    ConversationId,
    DeviceId,
    Key,
    MessageId,
    ReportId,
    User,
    UserId,
)
from dmcore.domain.message import Posting, Receipt
from dmcore.domain.mode import Mode
from dmcore.domain.pair import Pair
from dmcore.domain.pseudonyms import is_pseudonym, pseudonym_of
from dmcore.domain.relaying import Lease, Mark, SetAside
from dmcore.domain.reports import EvidenceItem, MadeMove, Report
from dmcore.domain.restriction import Restriction
from dmcore.errors import AccountErased
from dmcore.ports.reading import Reading

K = TypeVar("K")
V = TypeVar("V")
Place = tuple[MessageId, ConversationId]

NAMESPACE_SIZE: Final = 16


class Store:
    """Plain dictionaries behind one lock; one transaction at a time, reading ones included.

    ``listed`` is each folder of each user in ascending order of place; ``receipts`` are in the
    order in which they were given, restrictions and the moves of a report in that of their numbers.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.namespace = secrets.token_bytes(NAMESPACE_SIZE)
        self.mode = Mode.OFF
        self.accounts: dict[User, Account] = {}
        self.conversations: dict[ConversationId, Conversation] = {}
        self.postings: dict[ConversationId, list[Posting]] = {}
        self.keys: dict[tuple[ConversationId, UserId, Key], MessageId] = {}
        self.listed: dict[tuple[User, Folder], list[Place]] = {}
        self.receipts: dict[tuple[ConversationId, UserId], list[Receipt]] = {}
        self.blocks: dict[User, dict[UserId, Block]] = {}
        self.journal: dict[User, list[Entry]] = {}
        self.reports: dict[ReportId, Report] = {}
        self.chosen: dict[ReportId, tuple[MessageId, ...]] = {}
        self.evidence: dict[ReportId, tuple[EvidenceItem, ...]] = {}
        self.moves: dict[ReportId, list[MadeMove]] = {}
        self.restrictions: dict[User, list[Restriction]] = {}
        self.erasures: dict[User, Erasure] = {}
        self.leases: dict[ConsumerName, Lease] = {}
        self.marks: dict[tuple[ConsumerName, User], Mark] = {}
        self.aside: dict[tuple[ConsumerName, User, int], SetAside] = {}
        self.devices: dict[User, dict[DeviceId, Device]] = {}
        self.one_time_keys: dict[tuple[User, DeviceId], tuple[Prekey, ...]] = {}

    def is_erased(self, user: User) -> bool:
        """Whether the ledger knows this user."""
        # An empty one knows nobody: then no pseudonym has to be made up.
        return bool(self.erasures) and pseudonym_of(self.namespace, user) in self.erasures

    def account_of(self, user: User) -> Account:
        """What is kept of a user; a fresh account where nothing is."""
        return self.accounts.get(user) or Account(user=user, is_erased=self.is_erased(user))

    def mode_for(self, user: User) -> Mode:
        """The mode, for who reads. Raises ``AccountErased``."""
        if self.is_erased(user):
            raise AccountErased
        return self.mode

    def side_for(self, user: User, place: ConversationId, since: MessageId | None) -> Side:
        """How a user has a conversation while nothing below ``since`` is there any more."""
        side = self.conversations[place].side_of(user.id)
        if since is None:
            return side
        postings = self.postings[place]
        expired = postings[: bisect_left(postings, since, key=id_of)]
        unread = sum(posting.is_unread_by(user.id, side) for posting in expired)
        return side.kept(since, unread_expired=unread)

    def paired(self, pair: Pair) -> ConversationId:
        """The id of the conversation of a pair; where one was erased it is not derived from it."""
        if is_pseudonym(pair.low) or is_pseudonym(pair.high):
            for key, conversation in self.conversations.items():
                if conversation.pair == pair:
                    return key
        return pair.conversation_id(self.namespace)


def id_of(posting: Posting) -> MessageId:
    """Where a message stands among those of its conversation."""
    return posting.message.id


class Changes:
    """The changes of one transaction, each remembered with its opposite."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def put(self, table: MutableMapping[K, V], key: K, value: V) -> None:
        """Set a value in a dictionary."""
        if key in table:
            before = table[key]
            self._undo.append(lambda: table.__setitem__(key, before))
        else:
            self._undo.append(lambda: table.pop(key))
        table[key] = value

    def drop(self, table: MutableMapping[K, V], key: K) -> None:
        """Remove a key from a dictionary."""
        before = table.pop(key)
        self._undo.append(lambda: table.__setitem__(key, before))

    def append(self, rows: list[V], row: V) -> None:
        """Add to the end of a list."""
        rows.append(row)
        self._undo.append(rows.pop)

    def replace(self, rows: list[V], index: int, row: V) -> None:
        """Put another row into the place of one."""
        before = rows[index]
        rows[index] = row
        self._undo.append(lambda: rows.__setitem__(index, before))

    def drop_first(self, rows: list[V], count: int) -> None:
        """Remove rows from the beginning of a list."""
        before = rows[:count]
        del rows[:count]
        self._undo.append(lambda: rows.__setitem__(slice(0, 0), before))

    def list_place(self, places: list[Place], place: Place) -> None:
        """Add to an ordered list of places."""
        insort(places, place)
        self._undo.append(lambda: places.remove(place))

    def unlist_place(self, places: list[Place], place: Place) -> None:
        """Remove from an ordered list of places."""
        del places[bisect_left(places, place)]
        self._undo.append(lambda: insort(places, place))

    def set_mode(self, store: Store, mode: Mode) -> None:
        """Turn the switch."""
        before = store.mode
        store.mode = mode
        self._undo.append(lambda: setattr(store, "mode", before))

    def roll_back(self) -> None:
        """Undo everything, newest first."""
        while self._undo:
            self._undo.pop()()


def read_for(store: Store, reader: User, found: V) -> Reading[V]:
    """What was found, with all that decides whether its reader may have it."""
    account = store.accounts.get(reader)
    until_us = None if account is None else account.standing.suspended_until_us
    return Reading(store.mode_for(reader), found, until_us)
