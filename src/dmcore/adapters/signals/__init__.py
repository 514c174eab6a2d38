"""Ways to carry signals: within one process, or between several through Valkey."""

from dmcore.adapters.signals.local import LocalSignals
from dmcore.adapters.signals.valkey import ValkeySignals

__all__ = ["LocalSignals", "ValkeySignals"]
