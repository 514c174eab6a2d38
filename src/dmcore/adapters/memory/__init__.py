"""The in-memory store: complete, with real rollback, safe under threads, gone with the process."""

from dmcore.adapters.clock import SystemClock
from dmcore.adapters.ids import SystemEntropy
from dmcore.adapters.memory._store import Store
from dmcore.adapters.memory._transactions import MemoryTransactions
from dmcore.direct_messages import DirectMessages
from dmcore.domain.policy import Policy
from dmcore.ports.clock import Clock
from dmcore.ports.ids import Entropy

__all__ = ["MemoryTransactions", "Store", "open_sync"]


def open_sync(
    *, policy: Policy | None = None, clock: Clock | None = None, entropy: Entropy | None = None
) -> DirectMessages:
    """Messaging on a new, empty store whose switch is off. It lives as long as what is returned."""
    return DirectMessages(
        policy=policy or Policy(),
        transactions=MemoryTransactions(Store()),
        clock=clock or SystemClock(),
        entropy=entropy or SystemEntropy(),
    )
