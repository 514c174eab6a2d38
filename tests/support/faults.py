"""A fault at a chosen write: transactions that break down after their nth change."""

from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast

from dmcore.ports.transactions import Transaction, Transactions

Params = ParamSpec("Params")
Result = TypeVar("Result")

# The methods of the ports that change something.
WRITES: Final = {
    "installation": {"set_mode"},
    "contacts": {"add_block", "remove_block"},
    "conversations": {"add", "save"},
    "messages": {"add"},
    "mailboxes": {"save"},
    "journal": {"record"},
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

        def write(*args: object, **kwargs: object) -> None:
            method(*args, **kwargs)
            self._after_write()

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

    def read(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        return self._transactions.read(use_case, *args, **kwargs)

    def snapshot(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        return self._transactions.snapshot(use_case, *args, **kwargs)

    def write(
        self,
        use_case: Callable[Concatenate[Transaction, Params], Result],
        /,
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        def breaking(tx: Transaction) -> Result:
            broken = cast("Transaction", _BreakingTransaction(tx, self._after))
            return use_case(broken, *args, **kwargs)

        return self._transactions.write(breaking)

    def close(self) -> None:
        self._transactions.close()


def _conforms(transactions: Transactions) -> Transactions:
    return BreakingTransactions(transactions, after=1)
