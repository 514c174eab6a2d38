"""The in-memory store: complete, with real rollback, safe under threads, gone with the process."""

from collections.abc import Sequence

from dmcore.adapters.memory._store import Store
from dmcore.adapters.memory._transactions import AsyncMemoryTransactions, MemoryTransactions
from dmcore.adapters.opening import open_async_on, open_on
from dmcore.direct_messages import AsyncDirectMessages, DirectMessages
from dmcore.domain.policy import Policy
from dmcore.ports.clock import Clock
from dmcore.ports.directory import AsyncDirectory, Directory
from dmcore.ports.ids import Entropy
from dmcore.ports.screening import Screener, WhenBroken

__all__ = ["AsyncMemoryTransactions", "MemoryTransactions", "Store", "open_async", "open_sync"]


def open_sync(
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: Directory | None = None,
    screeners: Sequence[Screener] = (),
    when_screener_breaks: WhenBroken = "refuse",
    store: Store | None = None,
) -> DirectMessages:
    """Messaging on a new, empty store whose switch is off, or on one that is shared.

    A store lives as long as whoever uses it.
    """
    return open_on(
        MemoryTransactions(Store() if store is None else store),
        policy=policy,
        clock=clock,
        entropy=entropy,
        directory=directory,
        screeners=screeners,
        when_screener_breaks=when_screener_breaks,
    )


async def open_async(
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    directory: AsyncDirectory | None = None,
    screeners: Sequence[Screener] = (),
    when_screener_breaks: WhenBroken = "refuse",
    store: Store | None = None,
) -> AsyncDirectMessages:
    """As ``open_sync``, awaited; one store may serve both colours."""
    return open_async_on(
        AsyncMemoryTransactions(Store() if store is None else store),
        policy=policy,
        clock=clock,
        entropy=entropy,
        directory=directory,
        screeners=screeners,
        when_screener_breaks=when_screener_breaks,
    )
