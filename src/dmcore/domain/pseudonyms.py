"""The names that users have after they were erased.

A pseudonym is derived from the id under the installation's secret: erasing the same id again, also
after an older backup came back, gives the same name, and nobody without the secret can go from one
to the other (GDPR-1).
"""

import hashlib
import re
from functools import lru_cache
from typing import Final
from uuid import UUID

from dmcore.domain.ids import User, UserId

_PREFIX: Final = "erased-"
_FORM: Final = re.compile(
    _PREFIX + "[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
_VERSION_AND_VARIANT: Final = 0xF << 76 | 0x3 << 62


# Every statement of somebody asks for theirs, and few people ask for most.
@lru_cache(maxsize=4_096)
def pseudonym_of(namespace: bytes, user: User) -> User:
    """Whom ``user`` is after they were erased here: their only name in the store and its ledger."""
    digest = hashlib.blake2b(key=namespace, digest_size=16, person=b"dmcore-erased")
    for part in (user.tenant, user.id):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    number = int.from_bytes(digest.digest(), "big") & ~_VERSION_AND_VARIANT
    return User(user.tenant, named(UUID(int=number | 8 << 76 | 0x2 << 62)))


def is_pseudonym(user: str) -> bool:
    """Whether an id has the form of such a name: nobody may act under one."""
    # Next to nobody is called anything like it, and that much is seen at once.
    return user.startswith(_PREFIX) and _FORM.fullmatch(user) is not None


def named(number: UUID) -> UserId:
    """The name with a number."""
    return UserId(f"{_PREFIX}{number}")


def number_of(pseudonym: UserId) -> UUID:
    """The number in a name."""
    return UUID(pseudonym.removeprefix(_PREFIX))
