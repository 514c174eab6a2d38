"""Transactions: how a use case gets its ports, and what committing means.

A use case is a function of a transaction. It never commits and never retries; the runner does.
What to run is a ``Call``, a value without a colour: blocking and awaiting runners take the same.
"""

from collections.abc import Callable
from enum import Enum, StrEnum, auto
from functools import wraps
from inspect import isfunction
from typing import Concatenate, Final, Generic, ParamSpec, Protocol, Self, TypeVar

import attrs

from dmcore.domain.events import NOTHING, Reach
from dmcore.domain.ids import User
from dmcore.ports.contacts import Contacts
from dmcore.ports.conversations import Conversations
from dmcore.ports.devices import Devices
from dmcore.ports.erasures import Erasures
from dmcore.ports.inspection import Inspection
from dmcore.ports.installation import Installation
from dmcore.ports.journal import Journal
from dmcore.ports.mailboxes import Mailboxes
from dmcore.ports.mending import Mending
from dmcore.ports.messages import Messages
from dmcore.ports.outbox import Outbox
from dmcore.ports.reports import Reports
from dmcore.ports.restrictions import Restrictions
from dmcore.ports.retention import Retention

Params = ParamSpec("Params")
Result = TypeVar("Result")
Calls = TypeVar("Calls")
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
    def reports(self) -> Reports: ...
    @property
    def erasures(self) -> Erasures: ...
    @property
    def restrictions(self) -> Restrictions: ...
    @property
    def retention(self) -> Retention: ...
    @property
    def inspection(self) -> Inspection: ...
    @property
    def mending(self) -> Mending: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def devices(self) -> Devices: ...


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


class Capacity(StrEnum):
    """As what somebody acts: each facade is for one of these."""

    PARTICIPANT = "participant"
    MODERATOR = "moderator"
    OPERATOR = "operator"
    HOST = "host"
    """The application itself, which asks for none of its users: how far feeds have come."""


@attrs.frozen
class Actor:
    """Who asks, and as what. A store MAY hold its answers to it by itself, besides (OPS-7)."""

    capacity: Capacity
    user: User | None = None


HOST: Final = Actor(Capacity.HOST)


@attrs.frozen(kw_only=True)
class Call(Generic[Result_co]):
    """A use case with its arguments, ready to run. It MAY be called more than once.

    ``reach`` is what a desk writes down where it is refused.

    ``actor`` is who asks; a store that looks at it MUST show nothing of anybody to nobody.
    ``writer`` is whose text it writes, where it writes one: a runner MAY fetch what that needs
    before the transaction begins. ``forgotten`` is somebody whose texts nobody is to read again:
    where texts are sealed, a runner MUST have destroyed the keys of theirs before the transaction
    begins, and while it holds nothing that another one could wait for. ``name`` is that of the
    method that a host called.
    """

    needs: Needs
    use_case: Callable[[Transaction], Result_co]
    name: str = ""
    writer: User | None = None
    actor: Actor | None = None
    forgotten: User | None = None
    reach: Reach = NOTHING

    def written_by(self, writer: User) -> Self:
        """The same call, of somebody who writes a text in it."""
        return self._told(writer=writer)

    def forgetting(self, user: User) -> Self:
        """The same call, behind the end of somebody's keys."""
        return attrs.evolve(self, forgotten=user)

    def named(self, name: str) -> Self:
        """The same call, under the name of what a host called."""
        return self._told(name=name)

    def by(self, actor: Actor) -> Self:
        """The same call, asked by somebody."""
        return self._told(actor=actor)

    def _told(self, name: str = "", writer: User | None = None, actor: Actor | None = None) -> Self:
        # Spelled out: every call goes through here more than once, and ``evolve`` asks attrs first.
        return self.__class__(
            needs=self.needs,
            use_case=self.use_case,
            name=name or self.name,
            writer=writer or self.writer,
            actor=actor or self.actor,
            forgotten=self.forgotten,
            reach=self.reach,
        )

    def reaching(self, reach: Reach) -> Self:
        """The same call, by which a desk reaches for something."""
        return attrs.evolve(self, reach=reach)


def each_named(calls: type[Calls]) -> type[Calls]:
    """A class whose methods describe calls: what has no name gets that of its method."""
    for name, method in list(vars(calls).items()):
        if isfunction(method) and not name.startswith("_"):
            setattr(calls, name, _naming(name, method))
    return calls


def _naming(name: str, method: Callable[Params, Result]) -> Callable[Params, Result]:
    @wraps(method)
    def described(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        found = method(*args, **kwargs)
        return found.named(name) if isinstance(found, Call) and not found.name else found

    return described


def reading(
    use_case: Callable[Concatenate[Transaction, Params], Result],
    /,
    *args: Params.args,
    **kwargs: Params.kwargs,
) -> Call[Result]:
    """A call that writes nothing."""
    return Call(needs=Needs.READ, use_case=lambda tx: use_case(tx, *args, **kwargs))


def surveying(
    use_case: Callable[Concatenate[Transaction, Params], Result],
    /,
    *args: Params.args,
    **kwargs: Params.kwargs,
) -> Call[Result]:
    """A call that writes nothing and sees one state throughout."""
    return Call(needs=Needs.SNAPSHOT, use_case=lambda tx: use_case(tx, *args, **kwargs))


def writing(
    use_case: Callable[Concatenate[Transaction, Params], Result],
    /,
    *args: Params.args,
    **kwargs: Params.kwargs,
) -> Call[Result]:
    """A call whose writes are committed, all or nothing."""
    return Call(needs=Needs.WRITE, use_case=lambda tx: use_case(tx, *args, **kwargs))


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

        A task that is cancelled before it is being committed leaves nothing behind. One that is
        cancelled later may find its writes stored, as with any lost acknowledgement. Either way the
        next call MUST find the store as if the task had never been there.
        """
        ...

    async def close(self) -> None:
        """Release every connection. Every call after that MUST raise ``StoreUnavailable``."""
        ...
