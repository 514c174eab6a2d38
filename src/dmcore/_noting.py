"""What every call of a desk goes through, so that no method has to remember.

Whoever was erased is refused (GDPR-1), and what a desk is refused is written down (AUD-1). The
attempt is undone first; then the fact is stored, in a transaction of its own, and then the refusal
reaches the caller.
"""

from typing import Final, TypeVar

import attrs

from dmcore._access import check_not_erased, held_account, named
from dmcore._rules import Rules
from dmcore.domain.events import Fact, Reach
from dmcore.domain.ids import User
from dmcore.errors import (
    AccountErased,
    DmcoreError,
    InvalidCursor,
    InvalidId,
    InvalidLedger,
    InvalidPageSize,
    InvalidReport,
    InvalidRestriction,
    InvalidSetting,
    StoreError,
)
from dmcore.ports.transactions import AsyncTransactions, Call, Transaction, Transactions, writing

Result = TypeVar("Result")

# What was handed in has not the form of anything to reach for. Whatever is not here counts.
_MALFORMED: Final = frozenset(
    {
        InvalidCursor,
        InvalidId,
        InvalidLedger,
        InvalidPageSize,
        InvalidReport,
        InvalidRestriction,
        InvalidSetting,
    }
)


def is_refusal(error: DmcoreError) -> bool:
    """Whether an error says that somebody may not, and not that they asked for nothing.

    Who was erased has no journal any more; and where the store fails, nobody refused.
    """
    return type(error) not in _MALFORMED and not isinstance(error, StoreError | AccountErased)


def note(tx: Transaction, rules: Rules, *, desk: User, reach: Reach) -> None:
    """Write down what somebody was refused, with what they named of it."""
    account = held_account(tx, desk)
    report = None if reach.report is None else tx.reports.find(reach.report, moderator=desk)
    other, conversation = None, None
    if reach.other is not None:
        other = named(tx, attrs.evolve(desk, id=reach.other))
    if other is None and report is not None:
        other, conversation = report.reported, report.conversation
    fact = Fact(
        action=reach.refused,
        actor=desk.id,
        other=other,
        conversation=conversation,
        report=reach.report,
        at_us=rules.now_us(),
    )
    noted, entries = account.noted(fact)
    tx.mailboxes.save(noted)
    tx.journal.record(entries)


def _present(call: Call[Result], desk: User) -> Call[Result]:
    """The call of a desk at which somebody still sits. What writes asks once more, under a lock."""

    def use_case(tx: Transaction) -> Result:
        check_not_erased(tx, desk)
        return call.use_case(tx)

    return attrs.evolve(call, use_case=use_case)


def _noting(rules: Rules, desk: User, reach: Reach) -> Call[None]:
    return writing(note, rules, desk=desk, reach=reach).named("note_refusal")


@attrs.frozen
class NotingTransactions:
    """The ``Transactions`` of a desk."""

    _transactions: Transactions
    _rules: Rules
    _desk: User

    def run(self, call: Call[Result], /) -> Result:
        try:
            return self._transactions.run(_present(call, self._desk))
        except DmcoreError as error:
            if not is_refusal(error):
                raise
            refusal = error
        self._transactions.run(_noting(self._rules, self._desk, call.reach))
        try:
            raise refusal
        finally:
            # It would hold what holds it, until garbage is collected.
            del refusal

    def close(self) -> None:
        self._transactions.close()


@attrs.frozen
class AsyncNotingTransactions:
    """The ``AsyncTransactions`` of a desk."""

    _transactions: AsyncTransactions
    _rules: Rules
    _desk: User

    async def run(self, call: Call[Result], /) -> Result:
        try:
            return await self._transactions.run(_present(call, self._desk))
        except DmcoreError as error:
            if not is_refusal(error):
                raise
            refusal = error
        await self._transactions.run(_noting(self._rules, self._desk, call.reach))
        try:
            raise refusal
        finally:
            # It would hold what holds it, until garbage is collected.
            del refusal

    async def close(self) -> None:
        await self._transactions.close()
