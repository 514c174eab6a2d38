"""What the in-memory store holds, and how a change is undone."""

import secrets
import threading
from bisect import bisect_left, insort
from collections.abc import Callable, MutableMapping
from typing import Final, TypeVar

from dmcore.domain.account import Account
from dmcore.domain.contact import Block
from dmcore.domain.conversation import Conversation, Folder
from dmcore.domain.events import Entry
from dmcore.domain.ids import ConversationId, Key, MessageId, User, UserId
from dmcore.domain.message import Posting, Receipt
from dmcore.domain.mode import Mode

K = TypeVar("K")
V = TypeVar("V")
Place = tuple[MessageId, ConversationId]

NAMESPACE_SIZE: Final = 16


class Store:
    """Plain dictionaries behind one lock; one transaction at a time, reading ones included.

    ``listed`` is each folder of each user in ascending order of place; ``receipts`` are in the
    order in which they were given.
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
