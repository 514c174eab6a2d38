"""Returns what this person may see now, or the one error."""

from typing import TypeVar

from dmcore.domain.contact import Contact
from dmcore.domain.ids import ConversationId, Key, User
from dmcore.errors import AccessDenied
from dmcore.ports.reading import Reading
from dmcore.ports.transactions import Transaction

Found = TypeVar("Found")


def opened(reading: Reading[Found]) -> Found:
    """What a read found, if the switch allows reading. Raises ``MessagingUnavailable``."""
    reading.mode.check_read()
    return reading.found


def allowed(found: Found | None) -> Found:
    """What was found. Raises ``AccessDenied`` for nothing, whatever the cause (CONV-1)."""
    if found is None:
        raise AccessDenied
    return found


def held_conversation(
    tx: Transaction, actor: User, conversation: ConversationId, key: Key | None = None
) -> Contact:
    """Hold a conversation that ``actor`` has. Raises ``AccessDenied``."""
    return allowed(tx.contacts.hold_conversation(conversation, actor=actor, key=key))
