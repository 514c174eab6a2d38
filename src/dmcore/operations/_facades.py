"""What a host holds for an operator, in two colours. Both run ``OperationsCalls``."""

from datetime import datetime

import attrs

from dmcore.domain.events import Entry
from dmcore.domain.ids import User
from dmcore.domain.mode import Mode
from dmcore.domain.paging import Page
from dmcore.domain.verification import Finding
from dmcore.operations._calls import OperationsCalls
from dmcore.ports.installation import StoreStatus
from dmcore.ports.transactions import AsyncTransactions, Transactions


@attrs.frozen
class Operations:
    """The operator's desk; who may hold one is the host's decision.

    Any method may raise ``StoreError``.
    """

    _calls: OperationsCalls = attrs.field(repr=False)
    _transactions: Transactions = attrs.field(repr=False)
    operator: User = attrs.field(init=False)

    @operator.default
    def _operator(self) -> User:
        return self._calls.operator

    def mode(self) -> Mode:
        """The mode now (OPS-1)."""
        return self._transactions.run(self._calls.mode())

    def set_mode(self, mode: Mode | str) -> Mode:
        """Turn the switch, at once in every process, journaled; return the mode before (OPS-1).

        Raises ``InvalidSetting`` for a word that is no mode.
        """
        return self._transactions.run(self._calls.set_mode(mode))

    def status(self) -> StoreStatus:
        """Mode, versions and counts, never content (OPS-3)."""
        return self._transactions.run(self._calls.status())

    def audit(
        self, user: str, *, tenant: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Entry]:
        """A page of the content-free facts about one user, oldest first (AUD-1).

        Without ``tenant``, of the operator's own. Raises ``InvalidId``, ``InvalidPageSize`` and
        ``InvalidCursor``.
        """
        return self._transactions.run(
            self._calls.audit(user, tenant=tenant, limit=limit, cursor=cursor)
        )

    def verify(self, *, most: int = 100) -> tuple[Finding, ...]:
        """Recount everything that is counted, and name what is wrong (OPS-5); empty is healthy.

        Raises ``InvalidSetting`` where ``most`` is no whole number in 1..1000000.
        """
        return self._transactions.run(self._calls.verify(most=most))

    def prune_journals(self, *, before: datetime, most: int = 1_000) -> int:
        """Forget what journals tell of the time before an instant; return how many were shortened.

        At most ``most`` users at a time, each in a transaction of its own: call it until it returns
        0, and again whenever it was interrupted. Feeds expire where they were shortened (FEED-1).
        Raises ``InvalidSetting`` for a ``before`` without time zone and ``most`` outside 1..10000.
        """
        found = self._transactions.run(self._calls.expired(before=before, most=most))
        if found:
            self._transactions.run(self._calls.note_pruning())
        for newest in found:
            self._transactions.run(self._calls.prune(newest))
        return len(found)


@attrs.frozen
class AsyncOperations:
    """As `Operations`, awaited. A cancelled call is undone unless its COMMIT was already sent."""

    _calls: OperationsCalls = attrs.field(repr=False)
    _transactions: AsyncTransactions = attrs.field(repr=False)
    operator: User = attrs.field(init=False)

    @operator.default
    def _operator(self) -> User:
        return self._calls.operator

    async def mode(self) -> Mode:
        """As `Operations.mode`."""
        return await self._transactions.run(self._calls.mode())

    async def set_mode(self, mode: Mode | str) -> Mode:
        """As `Operations.set_mode`."""
        return await self._transactions.run(self._calls.set_mode(mode))

    async def status(self) -> StoreStatus:
        """As `Operations.status`."""
        return await self._transactions.run(self._calls.status())

    async def audit(
        self, user: str, *, tenant: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Entry]:
        """As `Operations.audit`."""
        return await self._transactions.run(
            self._calls.audit(user, tenant=tenant, limit=limit, cursor=cursor)
        )

    async def verify(self, *, most: int = 100) -> tuple[Finding, ...]:
        """As `Operations.verify`."""
        return await self._transactions.run(self._calls.verify(most=most))

    async def prune_journals(self, *, before: datetime, most: int = 1_000) -> int:
        """As `Operations.prune_journals`."""
        found = await self._transactions.run(self._calls.expired(before=before, most=most))
        if found:
            await self._transactions.run(self._calls.note_pruning())
        for newest in found:
            await self._transactions.run(self._calls.prune(newest))
        return len(found)
