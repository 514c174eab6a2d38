"""Transactions: how a use case gets its ports, and what committing means.

A use case is a function of a transaction. It never commits and never retries; the runner does.
"""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from dmcore.ports.contacts import Contacts
from dmcore.ports.conversations import Conversations
from dmcore.ports.inspection import Inspection
from dmcore.ports.installation import Installation
from dmcore.ports.journal import Journal
from dmcore.ports.mailboxes import Mailboxes
from dmcore.ports.messages import Messages

Params = ParamSpec("Params")
Result = TypeVar("Result")


class Transaction(Protocol):
    """One unit of work and the ports that belong to it. Not to be shared between threads."""

    @property
    def namespace(self) -> bytes:
        """The installation's secret, 16 bytes."""
        ...

    @property
    def installation(self) -> Installation: ...
    @property
    def contacts(self) -> Contacts: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def messages(self) -> Messages: ...
    @property
    def mailboxes(self) -> Mailboxes: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def inspection(self) -> Inspection: ...


class Transactions(Protocol):
    """The runner. Safe to use from any number of threads."""

    def read(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        """Run a use case that writes nothing.

        Each statement sees committed state only; two statements MAY see different states, so a
        statement that returns content verifies its reader itself (CONV-1).
        """
        ...

    def snapshot(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        """Run a use case that writes nothing, all its statements on one consistent state."""
        ...

    def write(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        """Run a use case and commit what it wrote, all or nothing, before returning (MSG-4).

        An exception undoes everything. A conflict with another writer (serialization failure,
        deadlock, a row that was there after all) is undone and the use case is called again from
        the start, up to a cap, then ``StoreBusy``. Every error of the store reaches the caller as a
        ``StoreError`` whose text, chain and attributes carry no text of a message (LEAK-1).
        """
        ...

    def close(self) -> None:
        """Release every connection. Every call after that MUST raise ``StoreUnavailable``."""
        ...
