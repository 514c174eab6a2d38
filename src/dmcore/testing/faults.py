"""A fault at a chosen write: transactions that break down after their nth change."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs

from dmcore.ports.transactions import Call, Needs, Transaction, Transactions

Result = TypeVar("Result")

# The methods of the ports that change something.
WRITES: Final = {
    "installation": {"set_mode"},
    "contacts": {"add_block", "remove_block"},
    "conversations": {"add", "save"},
    "messages": {"add", "save", "add_receipt"},
    "mailboxes": {"save"},
    "journal": {"record", "prune"},
    "reports": {"add", "save", "drop_evidence"},
}


class Breakdown(Exception):
    """The fault."""


class _BreakingPort:
    def __init__(self, port: object, writes: set[str], after_write: Callable[[], None]) -> None:
        self._port = port
        self._writes = writes
        self._after_write = after_write

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in self._writes:
            return method

        def write(*args: object, **kwargs: object) -> object:
            result: object = method(*args, **kwargs)
            self._after_write()
            return result

        return write


class _BreakingTransaction:
    def __init__(self, tx: Transaction, after: int) -> None:
        self._tx = tx
        self._left = after

    def __getattr__(self, name: str) -> Any:
        port = getattr(self._tx, name)
        return _BreakingPort(port, WRITES[name], self._count) if name in WRITES else port

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Breakdown


class BreakingTransactions:
    """A runner whose use cases break down right after their nth write."""

    def __init__(self, transactions: Transactions, *, after: int) -> None:
        self._transactions = transactions
        self._after = after

    def run(self, call: Call[Result], /) -> Result:
        if call.needs is not Needs.WRITE:
            return self._transactions.run(call)

        def breaking(tx: Transaction) -> Result:
            return call.use_case(cast("Transaction", _BreakingTransaction(tx, self._after)))

        return self._transactions.run(attrs.evolve(call, use_case=breaking))

    def close(self) -> None:
        self._transactions.close()


if TYPE_CHECKING:

    def _conforms(transactions: Transactions) -> Transactions:
        return BreakingTransactions(transactions, after=1)
