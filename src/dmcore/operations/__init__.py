"""The operator: the switch, the health of the store, the journal; never content (MOD-2)."""

from dmcore.operations._calls import OperationsCalls
from dmcore.operations._facades import AsyncOperations, Operations
from dmcore.operations._relay_facades import AsyncRelaying, Relaying

__all__ = ["AsyncOperations", "AsyncRelaying", "Operations", "OperationsCalls", "Relaying"]
