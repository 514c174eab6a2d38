"""What a host holds for its lifetime, in two colours; it hands out one facade per role."""

from types import TracebackType
from typing import Self

import attrs

from dmcore._rules import Rules
from dmcore.domain.ids import User, parse_tenant_id, parse_user_id
from dmcore.domain.policy import Policy
from dmcore.mailbox import AsyncMailbox, Mailbox, MailboxCalls
from dmcore.operations import AsyncOperations, Operations, OperationsCalls
from dmcore.ports.directory import AsyncDirectory, Directory
from dmcore.ports.transactions import AsyncTransactions, Transactions


@attrs.frozen(kw_only=True)
class DirectMessages:
    """Private one-to-one messaging on one store, under one policy.

    Made by an adapter's ``open_sync``; safe to share between threads. Who the acting user is, and
    who may operate, is the host's word: dmcore trusts it and nothing else.
    """

    _rules: Rules
    _transactions: Transactions = attrs.field(repr=False)
    _directory: Directory | None = attrs.field(default=None, repr=False)

    @property
    def policy(self) -> Policy:
        """What is allowed here, and how much of it."""
        return self._rules.policy

    def mailbox(self, user: str, *, tenant: str = "") -> Mailbox:
        """The mailbox of one user. Raises ``InvalidId``."""
        return Mailbox(
            calls=MailboxCalls(_user(user, tenant), self._rules),
            transactions=self._transactions,
            directory=self._directory,
        )

    def operations(self, operator: str, *, tenant: str = "") -> Operations:
        """The operator's desk, acting as ``operator`` in the journal. Raises ``InvalidId``."""
        return Operations(OperationsCalls(_user(operator, tenant), self._rules), self._transactions)

    def close(self) -> None:
        """Release every connection; closing twice is closing once.

        What is asked of it afterwards, or of its mailboxes, raises ``StoreUnavailable``.
        """
        self._transactions.close()

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

    @property
    def policy(self) -> Policy:
        """As `DirectMessages.policy`."""
        return self._rules.policy

    def mailbox(self, user: str, *, tenant: str = "") -> AsyncMailbox:
        """As `DirectMessages.mailbox`; nothing to await, for nothing is asked of the store."""
        return AsyncMailbox(
            calls=MailboxCalls(_user(user, tenant), self._rules),
            transactions=self._transactions,
            directory=self._directory,
        )

    def operations(self, operator: str, *, tenant: str = "") -> AsyncOperations:
        """As `DirectMessages.operations`; nothing to await either."""
        return AsyncOperations(
            OperationsCalls(_user(operator, tenant), self._rules), self._transactions
        )

    async def close(self) -> None:
        """As `DirectMessages.close`."""
        await self._transactions.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


def _user(user: str, tenant: str) -> User:
    return User(parse_tenant_id(tenant), parse_user_id(user))
