"""Messaging on a runner of transactions: how an adapter, a stranger's too, makes the portable type.

Owns the defaults of what a host leaves out. Refuses to know any store.
"""

from dmcore._rules import Rules
from dmcore.adapters.clock import SystemClock
from dmcore.adapters.ids import SystemEntropy
from dmcore.direct_messages import AsyncDirectMessages, DirectMessages
from dmcore.domain.policy import Policy
from dmcore.ports.clock import Clock
from dmcore.ports.directory import AsyncDirectory, Directory
from dmcore.ports.ids import Entropy
from dmcore.ports.transactions import AsyncTransactions, Transactions


def open_on(
    transactions: Transactions,
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: Directory | None = None,
) -> DirectMessages:
    """Messaging on a store that is asked through ``transactions``; closing it closes them.

    Raises ``InvalidSetting`` for a policy with gates and no directory (GATE-1).
    """
    return DirectMessages(
        rules=rules_for(policy, clock, entropy, directory),
        transactions=transactions,
        directory=directory,
    )


def open_async_on(
    transactions: AsyncTransactions,
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: AsyncDirectory | None = None,
) -> AsyncDirectMessages:
    """As ``open_on``, for a runner that is awaited. There is nothing to await in opening itself."""
    return AsyncDirectMessages(
        rules=rules_for(policy, clock, entropy, directory),
        transactions=transactions,
        directory=directory,
    )


def rules_for(
    policy: Policy | None,
    clock: Clock | None,
    entropy: Entropy | None,
    directory: object,
) -> Rules:
    """The rules of a handle, with the defaults for what is left out. Raises ``InvalidSetting``."""
    return Rules(
        policy=Policy() if policy is None else policy,
        clock=SystemClock() if clock is None else clock,
        entropy=SystemEntropy() if entropy is None else entropy,
        has_directory=directory is not None,
    )
