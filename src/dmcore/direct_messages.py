"""What a host holds for its lifetime, in two colours; it hands out one facade per role."""

from collections.abc import Collection, Sequence
from datetime import datetime
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import attrs

from dmcore._noting import AsyncNotingTransactions, NotingTransactions
from dmcore._rules import Rules
from dmcore._runners import (
    ActingTransactions,
    AsyncActingTransactions,
    AsyncObservedTransactions,
    AwaitedTransactions,
    ObservedTransactions,
    Runner,
)
from dmcore.domain.feed import Heads
from dmcore.domain.gates import Introduction
from dmcore.domain.ids import User, parse_tenant_id, parse_user_id
from dmcore.domain.instants import to_datetime
from dmcore.domain.policy import Policy
from dmcore.domain.pseudonyms import is_pseudonym
from dmcore.domain.screening import Screening, Submission
from dmcore.errors import AccountErased
from dmcore.mailbox import AsyncMailbox, Mailbox, MailboxCalls
from dmcore.moderation import AsyncModerationDesk, ModerationCalls, ModerationDesk
from dmcore.operations import AsyncOperations, Operations, OperationsCalls
from dmcore.ports.directory import AsyncDirectory, Directory
from dmcore.ports.instrumentation import Instrumentation
from dmcore.ports.screening import AsyncScreenerChain, ScreenerChain
from dmcore.ports.transactions import (
    HOST,
    Actor,
    AsyncTransactions,
    Call,
    Capacity,
    Transaction,
    Transactions,
    reading,
)

_AT_ONCE: Final = 500


@attrs.frozen(kw_only=True)
class DirectMessages:
    """Private one-to-one messaging on one store, under one policy.

    Made by an adapter's ``open_sync``; safe to share between threads. Who the acting user is, and
    who may operate, is the host's word: dmcore trusts it and nothing else.
    """

    _rules: Rules
    _transactions: Transactions = attrs.field(repr=False)
    _directory: Directory | None = attrs.field(default=None, repr=False)
    _screeners: ScreenerChain | None = attrs.field(default=None, repr=False)

    @property
    def policy(self) -> Policy:
        """What is allowed here, and how much of it."""
        return self._rules.policy

    @property
    def has_directory(self) -> bool:
        """Whether the host says who its users are."""
        return self._rules.has_directory

    @property
    def offers_connections(self) -> bool:
        """Whether one can be open to connections only: the host's directory must know some."""
        return self._rules.offers_connections

    def now(self) -> datetime:
        """What the clock shows that everything here goes by. Raises ``InvalidSetting``."""
        return to_datetime(self._rules.now_us())

    def mailbox(self, user: str, *, tenant: str = "") -> Mailbox:
        """The mailbox of one user. Raises ``InvalidId``."""
        owner = _somebody(user, tenant)
        return Mailbox(
            calls=MailboxCalls(owner, self._rules),
            transactions=self._acting(Capacity.PARTICIPANT, owner),
            directory=self._directory,
            screeners=self._screeners,
        )

    def operations(self, operator: str, *, tenant: str = "") -> Operations:
        """The operator's desk, acting as ``operator`` in the journal. Raises ``InvalidId``."""
        who = _somebody(operator, tenant)
        return Operations(OperationsCalls(who, self._rules), self._desk(Capacity.OPERATOR, who))

    def moderation(self, moderator: str, *, tenant: str = "") -> ModerationDesk:
        """The moderator's desk for the reports of one tenant (MOD-2). Raises ``InvalidId``."""
        who = _somebody(moderator, tenant)
        return ModerationDesk(
            ModerationCalls(who, self._rules), self._desk(Capacity.MODERATOR, who)
        )

    def heads(self, users: Collection[User]) -> Heads:
        """How far the feed of each of these users has come: what one who watches for them asks.

        A question of the host itself, answered in every mode, with one statement for every 500.
        Raises ``InvalidId`` and ``StoreError``.
        """
        return self._transactions.run(_heads(users))

    def hearer(self, user: str, conversation: UUID | str, *, tenant: str = "") -> User | None:
        """Who is to be told that a user is writing in a conversation; ``None`` where nobody is.

        A question of the host, who carries such signals, and never an answer to that user: it would
        tell them of a block or a shadow ban (BLOCK-2, MOD-4). Raises ``InvalidId``,
        ``AccessDenied`` for a conversation that the user does not have, and what reading raises.
        """
        owner = _somebody(user, tenant)
        call = MailboxCalls(owner, self._rules).hearer(conversation)
        return self._acting(Capacity.PARTICIPANT, owner).run(call)

    def close(self) -> None:
        """Release every connection; closing twice is closing once.

        What is asked of it afterwards, or of its mailboxes, raises ``StoreUnavailable``.
        """
        self._transactions.close()

    def _acting(self, capacity: Capacity, user: User) -> Transactions:
        return ActingTransactions(self._transactions, Actor(capacity, user))

    def _desk(self, capacity: Capacity, user: User) -> Transactions:
        return NotingTransactions(self._acting(capacity, user), self._rules, user)

    def awaited(self, runner: Runner) -> "AsyncDirectMessages":
        """The same messaging on the same store, for code that awaits; closing either closes both.

        Every call runs through ``runner``, as a whole; so does every question to the host's
        directory and to the screeners. What cancelling does is the runner's word: with
        ``asyncio.to_thread`` a call that began goes on to its end.
        """
        directory, screeners = self._directory, self._screeners
        return AsyncDirectMessages(
            rules=self._rules,
            transactions=AwaitedTransactions(self._transactions, runner),
            directory=None if directory is None else _AwaitedDirectory(directory, runner),
            screeners=None if screeners is None else AwaitedScreenerChain(screeners, runner),
        )

    def observed(self, by: Instrumentation) -> Self:
        """The same messaging on the same store, and ``by`` is told of every call (OPS-3).

        It learns what was asked, in which capacity, how it ended and how long it took; never who
        asked, of whom, or what about. Closing either closes both.
        """
        return attrs.evolve(self, transactions=ObservedTransactions(self._transactions, by))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@attrs.frozen(kw_only=True)
class AsyncDirectMessages:
    """As `DirectMessages`, awaited. Made by an adapter's ``open_async``; it stays on its loop."""

    _rules: Rules
    _transactions: AsyncTransactions = attrs.field(repr=False)
    _directory: AsyncDirectory | None = attrs.field(default=None, repr=False)
    _screeners: AsyncScreenerChain | None = attrs.field(default=None, repr=False)

    @property
    def policy(self) -> Policy:
        """As `DirectMessages.policy`."""
        return self._rules.policy

    @property
    def has_directory(self) -> bool:
        """As `DirectMessages.has_directory`."""
        return self._rules.has_directory

    @property
    def offers_connections(self) -> bool:
        """As `DirectMessages.offers_connections`."""
        return self._rules.offers_connections

    def now(self) -> datetime:
        """As `DirectMessages.now`."""
        return to_datetime(self._rules.now_us())

    def mailbox(self, user: str, *, tenant: str = "") -> AsyncMailbox:
        """As `DirectMessages.mailbox`; nothing to await, for nothing is asked of the store."""
        owner = _somebody(user, tenant)
        return AsyncMailbox(
            calls=MailboxCalls(owner, self._rules),
            transactions=self._acting(Capacity.PARTICIPANT, owner),
            directory=self._directory,
            screeners=self._screeners,
        )

    def operations(self, operator: str, *, tenant: str = "") -> AsyncOperations:
        """As `DirectMessages.operations`; nothing to await either."""
        who = _somebody(operator, tenant)
        return AsyncOperations(
            OperationsCalls(who, self._rules), self._desk(Capacity.OPERATOR, who)
        )

    def moderation(self, moderator: str, *, tenant: str = "") -> AsyncModerationDesk:
        """As `DirectMessages.moderation`; nothing to await either."""
        who = _somebody(moderator, tenant)
        return AsyncModerationDesk(
            ModerationCalls(who, self._rules), self._desk(Capacity.MODERATOR, who)
        )

    async def heads(self, users: Collection[User]) -> Heads:
        """As `DirectMessages.heads`."""
        return await self._transactions.run(_heads(users))

    async def hearer(self, user: str, conversation: UUID | str, *, tenant: str = "") -> User | None:
        """As `DirectMessages.hearer`."""
        owner = _somebody(user, tenant)
        call = MailboxCalls(owner, self._rules).hearer(conversation)
        return await self._acting(Capacity.PARTICIPANT, owner).run(call)

    async def close(self) -> None:
        """As `DirectMessages.close`."""
        await self._transactions.close()

    def _acting(self, capacity: Capacity, user: User) -> AsyncTransactions:
        return AsyncActingTransactions(self._transactions, Actor(capacity, user))

    def observed(self, by: Instrumentation) -> Self:
        """As `DirectMessages.observed`."""
        return attrs.evolve(self, transactions=AsyncObservedTransactions(self._transactions, by))

    def _desk(self, capacity: Capacity, user: User) -> AsyncTransactions:
        return AsyncNotingTransactions(self._acting(capacity, user), self._rules, user)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


@attrs.frozen
class _AwaitedDirectory:
    _directory: Directory
    _runner: Runner

    async def introduce(self, sender: User, recipient: User) -> Introduction:
        return await self._runner(self._directory.introduce, sender, recipient)


@attrs.frozen
class AwaitedScreenerChain:
    """The ``AsyncScreenerChain`` port: a chain that is asked through a ``Runner``."""

    _chain: ScreenerChain
    _runner: Runner

    async def screened(self, submission: Submission) -> Screening:
        """As the port has it."""
        return await self._runner(self._chain.screened, submission)


def _user(user: str, tenant: str) -> User:
    return User(parse_tenant_id(tenant), parse_user_id(user))


def _somebody(user: str, tenant: str) -> User:
    """Who acts. Raises ``AccountErased`` for what is left of somebody who was erased (GDPR-1)."""
    acting = _user(user, tenant)
    if is_pseudonym(acting.id):
        raise AccountErased
    return acting


def _heads(users: Collection[User]) -> Call[Heads]:
    asked = [_user(user.id, user.tenant) for user in users]
    return reading(_read_heads, asked).named("heads").by(HOST)


def _read_heads(tx: Transaction, users: Sequence[User]) -> Heads:
    starts = range(0, len(users) or 1, _AT_ONCE)
    first, *rest = (users[start : start + _AT_ONCE] for start in starts)
    found = tx.journal.heads(first)
    positions = dict(found.found)
    for some in rest:
        positions |= tx.journal.heads(some).found
    return Heads(mode=found.mode, positions=positions)
