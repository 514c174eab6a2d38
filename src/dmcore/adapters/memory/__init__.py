"""The in-memory store: complete, with real rollback, safe under threads, gone with the process."""

from dmcore.adapters.memory._store import Store
from dmcore.adapters.memory._transactions import AsyncMemoryTransactions, MemoryTransactions
from dmcore.adapters.opening import rules_for
from dmcore.direct_messages import AsyncDirectMessages, DirectMessages
from dmcore.domain.policy import Policy
from dmcore.ports.clock import Clock
from dmcore.ports.directory import AsyncDirectory, Directory
from dmcore.ports.ids import Entropy

__all__ = ["AsyncMemoryTransactions", "MemoryTransactions", "Store", "open_async", "open_sync"]


def open_sync(
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: Directory | None = None,
    store: Store | None = None,
) -> DirectMessages:
    """Messaging on a new, empty store whose switch is off, or on one that is shared.

    A store lives as long as whoever uses it.
    """
    return DirectMessages(
        rules=rules_for(policy, clock, entropy, directory),
        transactions=MemoryTransactions(Store() if store is None else store),
        directory=directory,
    )


async def open_async(
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: AsyncDirectory | None = None,
    store: Store | None = None,
) -> AsyncDirectMessages:
    """As ``open_sync``, awaited; one store may serve both colours."""
    return AsyncDirectMessages(
        rules=rules_for(policy, clock, entropy, directory),
        transactions=AsyncMemoryTransactions(Store() if store is None else store),
        directory=directory,
    )
