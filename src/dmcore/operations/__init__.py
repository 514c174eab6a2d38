"""The operator: the switch, the health of the store, the journal; never content (MOD-2)."""

from dmcore.operations._calls import OperationsCalls
from dmcore.operations._facades import AsyncOperations, Operations

__all__ = ["AsyncOperations", "Operations", "OperationsCalls"]
