"""Transactions: how a use case gets its ports, and what committing means.

A use case is a function of a transaction. It never commits and never retries; the runner does.
What to run is a ``Call``, a value without a colour: blocking and awaiting runners take the same.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Concatenate, Generic, ParamSpec, Protocol, TypeVar

import attrs

from dmcore.ports.contacts import Contacts
from dmcore.ports.conversations import Conversations
from dmcore.ports.inspection import Inspection
from dmcore.ports.installation import Installation
from dmcore.ports.journal import Journal
from dmcore.ports.mailboxes import Mailboxes
from dmcore.ports.messages import Messages

Params = ParamSpec("Params")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


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


class Needs(Enum):
    """What a use case needs of its transaction; a runner MUST give it that, and MAY give more."""

    READ = auto()
    """It writes nothing.

    Each statement sees committed state only; two statements MAY see different states, so a
    statement that returns content verifies its reader itself (CONV-1).
    """

    SNAPSHOT = auto()
    """It writes nothing, and all its statements see one consistent state."""

    WRITE = auto()
    """What it wrote is committed, all or nothing, before the call returns (MSG-4).

    An exception undoes everything. A conflict with another writer (serialization failure,
    deadlock, a row that was there after all) is undone and the use case is called again from
    the start, up to a cap, then ``StoreBusy``.
    """


@attrs.frozen
class Call(Generic[Result_co]):
    """A use case with its arguments, ready to run. It MAY be called more than once."""

    needs: Needs
    use_case: Callable[[Transaction], Result_co]


def reading(
    use_case: Callable[Concatenate[Transaction, Params], Result],
    /,
    *args: Params.args,
    **kwargs: Params.kwargs,
) -> Call[Result]:
    """A call that writes nothing."""
    return Call(Needs.READ, lambda tx: use_case(tx, *args, **kwargs))


def surveying(
    use_case: Callable[Concatenate[Transaction, Params], Result],
    /,
    *args: Params.args,
    **kwargs: Params.kwargs,
) -> Call[Result]:
    """A call that writes nothing and sees one state throughout."""
    return Call(Needs.SNAPSHOT, lambda tx: use_case(tx, *args, **kwargs))


def writing(
    use_case: Callable[Concatenate[Transaction, Params], Result],
    /,
    *args: Params.args,
    **kwargs: Params.kwargs,
) -> Call[Result]:
    """A call whose writes are committed, all or nothing."""
    return Call(Needs.WRITE, lambda tx: use_case(tx, *args, **kwargs))


class Transactions(Protocol):
    """The blocking runner. Safe to use from any number of threads."""

    def run(self, call: Call[Result], /) -> Result:
        """Run a call in a transaction of its own, as its needs say.

        Every error of the store reaches the caller as a ``StoreError`` whose text, chain and
        attributes carry no text of a message (LEAK-1). What the use case raises reaches the caller
        as it is.
        """
        ...

    def close(self) -> None:
        """Release every connection. Every call after that MUST raise ``StoreUnavailable``."""
        ...


class AsyncTransactions(Protocol):
    """The awaiting runner. It belongs to one event loop, for any number of tasks."""

    async def run(self, call: Call[Result], /) -> Result:
        """Run a call, as ``Transactions.run``; it MUST NOT keep the event loop from other tasks.

        A task that is cancelled before its COMMIT was sent leaves nothing behind. One that is
        cancelled later may find its writes stored, as with any lost acknowledgement. Either way the
        next call MUST find the store as if the task had never been there.
        """
        ...

    async def close(self) -> None:
        """Release every connection. Every call after that MUST raise ``StoreUnavailable``."""
        ...
