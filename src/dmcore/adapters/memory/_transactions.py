"""The runner of the in-memory store."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from dmcore.adapters.memory._accounts import MemoryInstallation, MemoryJournal, MemoryMailboxes
from dmcore.adapters.memory._contacts import MemoryContacts
from dmcore.adapters.memory._conversations import MemoryConversations, MemoryMessages
from dmcore.adapters.memory._inspection import MemoryInspection
from dmcore.adapters.memory._store import Changes, Store
from dmcore.errors import StoreUnavailable
from dmcore.ports.transactions import Transaction, Transactions

Params = ParamSpec("Params")
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
        self.inspection = MemoryInspection(store)


class MemoryTransactions:
    """The ``Transactions`` port: one at a time, in full isolation."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_closed = False

    def read(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        with self._store.lock:
            self._check_open()
            return use_case(MemoryTransaction(self._store, Changes()), *args, **kwargs)

    def snapshot(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        return self.read(use_case, *args, **kwargs)

    def write(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        changes = Changes()
        with self._store.lock:
            self._check_open()
            try:
                return use_case(MemoryTransaction(self._store, changes), *args, **kwargs)
            except BaseException:
                changes.roll_back()
                raise

    def close(self) -> None:
        """Nothing to release: the store goes with its last user."""
        self._is_closed = True

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreUnavailable("it was closed")


if TYPE_CHECKING:

    def _conforms(store: Store) -> Transactions:
        return MemoryTransactions(store)
