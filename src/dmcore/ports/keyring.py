"""Keys that live outside of the message store, and what a store asks of whoever holds them.

Three contracts, one above the other: a master key that can be in somebody else's service; a
keyring that keeps one key for each user, wrapped under it; and the sealing of texts, which is all
that a store of messages sees (CRYPT-1, ADR 9).
"""

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import Protocol
from uuid import UUID

import attrs

from dmcore.domain.ids import User


@attrs.frozen(kw_only=True)
class WrappedKey:
    """A secret that a master key made unreadable: which key did it, in which version, and what."""

    key: str
    version: str
    blob: bytes = attrs.field(repr=False)


class MasterKey(Protocol):
    """What wraps the keys of a keyring: a key file, or a key management service.

    It is called when a keyring is opened and when it is rotated, never for a message: it MAY be
    slow and far away. Whatever it raises reaches the host as ``KeyringUnavailable``, except
    ``WrongKeyring``, and nothing of its words does.
    """

    def wrap(self, secret: bytes, /, *, context: bytes) -> WrappedKey:
        """Make 32 bytes unreadable under the newest version of the key.

        ``context`` is public and MUST be bound: unwrapping under another one MUST fail.
        """
        ...

    def unwrap(self, wrapped: WrappedKey, /, *, context: bytes) -> bytes:
        """The secret again, by the key and the version that ``wrapped`` names.

        Every version that has wrapped something MUST stay usable until it is rewrapped. Raises
        ``WrongKeyring`` where the key is not known here.
        """
        ...


@attrs.frozen(kw_only=True)
class UserKey:
    """A key of one user: 32 bytes, a random id of 8 bytes, and the round in which it was made."""

    id: bytes
    round: int
    secret: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class UserKeys:
    """The keys of one user, and the round that the keyring is in."""

    round: int
    keys: Sequence[UserKey]

    @property
    def current(self) -> UserKey | None:
        """The one to seal under; ``None`` where one has to be made first."""
        return next((key for key in self.keys if key.round == self.round), None)


class Keyring(Protocol):
    """One key for each user and round, kept wrapped, outside of the message store.

    Safe to use from any number of threads and processes. It blocks. Every method raises
    ``KeyringUnavailable`` where the keyring cannot be asked.
    """

    @property
    def identity(self) -> bytes:
        """16 random bytes that never change: a message store remembers whose keys it needs."""
        ...

    def find(self, users: Collection[User]) -> Mapping[User, UserKeys]:
        """The keys of these users; nobody is left out, who has none has no keys."""
        ...

    def make(self, user: User) -> UserKeys:
        """The keys of a user, with one of the current round among them.

        Of any number of processes that ask at once, all MUST get the same one.
        """
        ...

    def destroy(self, user: User) -> None:
        """Forget every key of a user, at once and for good; doing it twice is doing it once.

        What was sealed under them is unreadable from then on, wherever a copy of it lies. A key
        that is made later MUST be another one, with another id.
        """
        ...

    def close(self) -> None:
        """Forget what is in memory and release every connection; it MAY be used again."""
        ...


class Shelf(Enum):
    """Which value of a message is sealed: each is bound to its own."""

    BODY = b"body"
    OWN_BODY = b"own_body"
    FINGERPRINT = b"fingerprint"
    FRANKING = b"franking"
    EVIDENCE = b"evidence"


@attrs.frozen(kw_only=True)
class Place:
    """Where a sealed value lies, and the only place where it can be opened.

    ``owner`` is who wrote the text, ``scope`` the conversation, or the report of a copy.
    """

    owner: User
    scope: UUID
    message: UUID
    shelf: Shelf


class Encryption(Protocol):
    """Sealing and opening of texts, for a store. Safe to share between threads.

    Keys are kept in memory for a bounded time: a key that was destroyed, by any process, MUST NOT
    open or seal anything after that. All errors are of ``StoreError`` and carry nothing of a text.
    """

    @property
    def identity(self) -> bytes:
        """The identity of the keyring behind it."""
        ...

    def is_ready(self, owners: Collection[User], *, writer: User | None = None) -> bool:
        """Whether the texts of ``owners`` can be opened without asking the keyring.

        And whether one of ``writer`` can be sealed.
        """
        ...

    def prepare(self, owners: Collection[User], *, writer: User | None = None) -> None:
        """Ask the keyring, once for all of them, for what is not in memory; this blocks.

        ``writer`` gets a key where there is none. ``seal`` and ``open`` do the same by themselves
        where nobody did it before.
        """
        ...

    def seal(self, content: bytes, place: Place) -> bytes:
        """Make a text unreadable everywhere but in its place; no two results are alike."""
        ...

    def open(self, sealed: bytes, place: Place) -> bytes:
        """The text again.

        Raises ``UnreadableText`` for whatever was not sealed for this very place, was changed since
        or was sealed under a key that is gone: one error, whatever the cause.
        """
        ...

    def is_current(self, sealed: bytes, owner: User) -> bool:
        """Whether ``owner``'s next text would be sealed under the same key."""
        ...

    def destroy(self, user: User) -> None:
        """Destroy every key of a user (see ``Keyring.destroy``), and forget them here at once."""
        ...

    def close(self) -> None:
        """Forget every key in memory and release every connection; it MAY be used again."""
        ...
