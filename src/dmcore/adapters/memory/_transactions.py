"""The runners of the in-memory store."""

import asyncio
from typing import TYPE_CHECKING, TypeVar

from dmcore.adapters.memory._accounts import MemoryInstallation, MemoryJournal, MemoryMailboxes
from dmcore.adapters.memory._contacts import MemoryContacts
from dmcore.adapters.memory._conversations import MemoryConversations, MemoryMessages
from dmcore.adapters.memory._devices import MemoryDevices
from dmcore.adapters.memory._erasures import MemoryErasures
from dmcore.adapters.memory._inspection import MemoryInspection
from dmcore.adapters.memory._mending import MemoryMending
from dmcore.adapters.memory._outbox import MemoryOutbox
from dmcore.adapters.memory._reports import MemoryReports
from dmcore.adapters.memory._restrictions import MemoryRestrictions
from dmcore.adapters.memory._retention import MemoryRetention
from dmcore.adapters.memory._store import Changes, Store
from dmcore.errors import StoreUnavailable
from dmcore.ports.transactions import AsyncTransactions, Call, Transactions

Result = TypeVar("Result")


class MemoryTransaction:
    """The ``Transaction`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self.namespace = store.namespace
        self.installation = MemoryInstallation(store, changes)
        self.contacts = MemoryContacts(store, changes)
        self.conversations = MemoryConversations(store, changes)
        self.messages = MemoryMessages(store, changes)
        self.mailboxes = MemoryMailboxes(store, changes)
        self.journal = MemoryJournal(store, changes)
        self.reports = MemoryReports(store, changes)
        self.erasures = MemoryErasures(store, changes)
        self.restrictions = MemoryRestrictions(store, changes)
        self.retention = MemoryRetention(store, changes)
        self.inspection = MemoryInspection(store)
        self.mending = MemoryMending(store, changes)
        self.outbox = MemoryOutbox(store, changes)
        self.devices = MemoryDevices(store, changes)


class MemoryTransactions:
    """The ``Transactions`` port: one at a time, in full isolation."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_closed = False

    def run(self, call: Call[Result], /) -> Result:
        changes = Changes()
        with self._store.lock:
            if self._is_closed:
                raise StoreUnavailable("it was closed")
            try:
                return call.use_case(MemoryTransaction(self._store, changes))
            except BaseException:
                changes.roll_back()
                raise

    def close(self) -> None:
        """Nothing to release: the store goes with its last user."""
        self._is_closed = True


class AsyncMemoryTransactions:
    """The ``AsyncTransactions`` port: runs at once, as no use case takes longer than a look-up."""

    def __init__(self, store: Store) -> None:
        self._blocking = MemoryTransactions(store)

    async def run(self, call: Call[Result], /) -> Result:
        # Others get their turn, and whoever was cancelled meanwhile stops here.
        await asyncio.sleep(0)
        return self._blocking.run(call)

    async def close(self) -> None:
        """Nothing to release: the store goes with its last user."""
        self._blocking.close()


if TYPE_CHECKING:

    def _conforms(store: Store) -> Transactions:
        return MemoryTransactions(store)

    def _conforms_async(store: Store) -> AsyncTransactions:
        return AsyncMemoryTransactions(store)
