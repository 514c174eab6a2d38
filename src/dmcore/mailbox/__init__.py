"""The participant: what a user may do with their own messages.

Use cases are functions of a transaction, in three movements: load facts, ask the domain, store.
``MailboxCalls`` parses what comes from outside; ``Mailbox`` and ``AsyncMailbox`` run its calls.
"""

from dmcore.mailbox._calls import MailboxCalls
from dmcore.mailbox._device_facades import AsyncDeviceList, DeviceList
from dmcore.mailbox._exporting import Exported
from dmcore.mailbox._facades import AsyncMailbox, Mailbox
from dmcore.mailbox._lines import json_line
from dmcore.mailbox._reading import Permission, ThreadPage

__all__ = [
    "AsyncDeviceList",
    "AsyncMailbox",
    "DeviceList",
    "Exported",
    "Mailbox",
    "MailboxCalls",
    "Permission",
    "ThreadPage",
    "json_line",
]
