"""Signals through Valkey; without a server, what is told in this process is heard in it."""

from dmcore import TenantId, User, UserId
from dmcore.adapters.signals import ValkeySignals
from dmcore.ports.signals import SignedOut

signals = ValkeySignals("unix:///nowhere.sock", timeout=0.1)
heard: list[object] = []
signals.listen(heard.append)
told = SignedOut(user=User(TenantId(""), UserId("ann")), session=None)
signals.tell(told)
assert heard == [told]
signals.close()
