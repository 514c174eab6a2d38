"""End to end: a device's own side of sealed conversations, protocol ``hpke-v1`` (CRYPT-2, ADR 62).

Needs the extra ``crypto``. It asks nobody for anything: what it makes is handed to a mailbox, what
a mailbox returned is handed to it. So it goes with either colour, and with an HTTP client.
"""

from dmcore._extras import extra

with extra("crypto"):
    from dmcore.adapters.e2ee._contents import CannotOpen, Opened, Unopened
    from dmcore.adapters.e2ee._device import Enrolment, Renewal, SealingDevice

PLACEHOLDER = "This message cannot be opened on this device."
"""What to show in the place of whatever could not be opened: for every cause the same."""

__all__ = [
    "PLACEHOLDER",
    "CannotOpen",
    "Enrolment",
    "Opened",
    "Renewal",
    "SealingDevice",
    "Unopened",
]
