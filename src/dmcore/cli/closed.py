"""Working in a store whose messaging is off, as everybody in turn, while nobody else can (OPS-1).

The switch is not touched. It is looked at with the facts of each call, and whoever finds it turned
on does nothing more.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import attrs

from dmcore.cli.failures import MessagingIsOn
from dmcore.direct_messages import DirectMessages
from dmcore.domain.contact import Contact
from dmcore.domain.mode import Mode
from dmcore.ports.reading import Reading
from dmcore.ports.transactions import Call, Transaction, Transactions

Result = TypeVar("Result")

_OF_PEOPLE: Final = frozenset({"contacts", "conversations", "messages"})
"""The ports that tell a participant's call what the switch allows."""


def behind_closed_doors(dm: DirectMessages) -> DirectMessages:
    """The same messaging on the same store, whose calls are as if it were on while it is off.

    Every call of a mailbox raises ``MessagingIsOn`` where it is not off, and nothing is done.
    """
    transactions = _Closed(dm._transactions)  # noqa: SLF001 - the same store, another runner
    return attrs.evolve(dm, transactions=transactions)


@attrs.frozen
class _Closed:
    _transactions: Transactions

    def run(self, call: Call[Result], /) -> Result:
        def behind(tx: Transaction) -> Result:
            return call.use_case(cast("Transaction", _Ports(tx)))

        return self._transactions.run(attrs.evolve(call, use_case=behind))

    def close(self) -> None:
        self._transactions.close()


@attrs.frozen
class _Ports:
    _tx: Transaction

    def __getattr__(self, name: str) -> Any:
        port = getattr(self._tx, name)
        return _Port(port) if name in _OF_PEOPLE else port


@attrs.frozen
class _Port:
    _port: Any

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._port, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            found = method(*args, **kwargs)
            return _opened(found) if isinstance(found, (Contact, Reading)) else found

        return call


def _opened(found: Contact | Reading[Any]) -> Contact | Reading[Any]:
    if found.mode is not Mode.OFF:
        raise MessagingIsOn(found.mode)
    return attrs.evolve(found, mode=Mode.ON)
