"""The names that users have after they were erased.

A pseudonym is derived from the id under the installation's secret: erasing the same id again, also
after an older backup came back, gives the same name, and nobody without the secret can go from one
to the other (GDPR-1).
"""

import hashlib
import re
from typing import Final
from uuid import UUID

from dmcore.domain.ids import User, UserId

_PREFIX: Final = "erased-"
_FORM: Final = re.compile(
    _PREFIX + "[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
_VERSION_AND_VARIANT: Final = 0xF << 76 | 0x3 << 62


def pseudonym_of(namespace: bytes, user: User) -> User:
    """Whom ``user`` is after they were erased here: their only name in the store and its ledger."""
    digest = hashlib.blake2b(key=namespace, digest_size=16, person=b"dmcore-erased")
    for part in (user.tenant, user.id):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    number = int.from_bytes(digest.digest(), "big") & ~_VERSION_AND_VARIANT
    # Spelled here, for every statement of somebody asks for it.
    text = f"{number | 8 << 76 | 0x2 << 62:032x}"
    name = f"{_PREFIX}{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return User(user.tenant, UserId(name))


def is_pseudonym(user: str) -> bool:
    """Whether an id has the form of such a name: nobody may act under one."""
    return _FORM.fullmatch(user) is not None


def named(number: UUID) -> UserId:
    """The name with a number."""
    return UserId(f"{_PREFIX}{number}")


def number_of(pseudonym: UserId) -> UUID:
    """The number in a name."""
    return UUID(pseudonym.removeprefix(_PREFIX))
