"""The relay: a worker that delivers events, and the consumers that ship with dmcore (OPS-8)."""

from typing import TYPE_CHECKING, Any

from dmcore.adapters.relay.callables import Callback, ObservedConsumer
from dmcore.adapters.relay.webhook import Webhook
from dmcore.adapters.relay.worker import Relay, Relayed

if TYPE_CHECKING:
    from dmcore.adapters.relay.references import HostReferences as HostReferences

__all__ = ["Callback", "HostReferences", "ObservedConsumer", "Relay", "Relayed", "Webhook"]


def __getattr__(name: str) -> Any:
    # Needs the extra, which the others do without.
    if name == "HostReferences":
        from dmcore.adapters.relay.references import HostReferences

        return HostReferences
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
