"""What an operator does with keys and seals: the words for it, and the fact of each (AUD-1).

Keys lie outside of the message store, so a fact about them comes first: it says that somebody set
about it, and nothing of any key (ADR 50).
"""

from enum import StrEnum
from typing import Self

from dmcore.domain.events import Action
from dmcore.errors import InvalidSetting


class KeyWork(StrEnum):
    """What can be done with the keys that texts are sealed with."""

    ENCRYPT = "encrypt"
    """From now on texts are sealed."""
    SEAL = "seal"
    """Texts that are not sealed, or not under the newest key, are sealed under that."""
    ROTATE = "rotate"
    """Another master key."""
    ROTATE_USERS = "rotate_users"
    """Another key for every user."""
    REWRAP = "rewrap"
    """The keys of users come under the newest master key."""
    DESTROY = "destroy"
    """The keys of one user are gone for good."""

    @classmethod
    def parse(cls, text: str, *, is_of_somebody: bool) -> Self:
        """Read a word; whose keys it is about is said for one of them and for no other.

        Raises ``InvalidSetting``.
        """
        work = next((it for it in cls if it.value == str(text)), None)
        if work is None:
            raise InvalidSetting("work", f"must be one of {', '.join(cls)}")
        if is_of_somebody is not (work is cls.DESTROY):
            raise InvalidSetting("user", f"is whose keys are destroyed: {work} is about everybody")
        return work

    @property
    def action(self) -> Action:
        """What it is called in the journal."""
        return _ACTIONS[self]


_ACTIONS = {
    KeyWork.ENCRYPT: Action.ENCRYPTION_TURNED_ON,
    KeyWork.SEAL: Action.TEXTS_SEALED,
    KeyWork.ROTATE: Action.MASTER_KEY_ROTATED,
    KeyWork.ROTATE_USERS: Action.USER_KEYS_ROTATED,
    KeyWork.REWRAP: Action.USER_KEYS_REWRAPPED,
    KeyWork.DESTROY: Action.USER_KEYS_DESTROYED,
}
