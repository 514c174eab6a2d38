"""What a host holds for its lifetime; it hands out one facade per role."""

from types import TracebackType
from typing import Self

import attrs

from dmcore.domain.ids import User, parse_tenant_id, parse_user_id
from dmcore.domain.policy import Policy
from dmcore.mailbox import Mailbox
from dmcore.operations import Operations
from dmcore.ports.clock import Clock
from dmcore.ports.ids import Entropy
from dmcore.ports.transactions import Transactions


@attrs.frozen(kw_only=True)
class DirectMessages:
    """Private one-to-one messaging on one store, under one policy.

    Made by an adapter's ``open_sync``; safe to share between threads. Who the acting user is, and
    who may operate, is the host's word: dmcore trusts it and nothing else.
    """

    policy: Policy
    _transactions: Transactions = attrs.field(repr=False)
    _clock: Clock = attrs.field(repr=False)
    _entropy: Entropy = attrs.field(repr=False)

    def mailbox(self, user: str, *, tenant: str = "") -> Mailbox:
        """The mailbox of one user. Raises ``InvalidId``."""
        return Mailbox(
            _user(user, tenant), self._transactions, self._clock, self._entropy, self.policy
        )

    def operations(self, operator: str, *, tenant: str = "") -> Operations:
        """The operator's desk, acting as ``operator`` in the journal. Raises ``InvalidId``."""
        return Operations(_user(operator, tenant), self._transactions, self._clock)

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


def _user(user: str, tenant: str) -> User:
    return User(parse_tenant_id(tenant), parse_user_id(user))
