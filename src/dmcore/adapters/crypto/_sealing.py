"""Sealing and opening: AES-256-GCM under a data key for each conversation and sender.

The data key is derived from the sender's key in the keyring (ADR 37), so there is none to store,
and none left when that key is destroyed. A sealed value is: one byte for the form, the id of the
sender's key, a nonce, ciphertext and tag. Nonces are 96 random bits: one data key is good for 2**32
texts, one every second for 136 years.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from threading import Lock
from typing import TYPE_CHECKING, Final

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from dmcore.adapters.crypto._keyring import open_keyring
from dmcore.adapters.crypto._wrapping import KEY_SIZE, NONCE_SIZE, TAG_SIZE, bound
from dmcore.domain.ids import User
from dmcore.errors import InvalidSetting, UnreadableText
from dmcore.ports.keyring import Encryption, Keyring, MasterKey, Place, Shelf, UserKey, UserKeys

CACHED_FOR_S: Final = 60.0
"""How long a process may go on with a key that another process destroyed."""

_FORM: Final = b"\x01"
_KEY_ID_SIZE: Final = 8
_HEADER: Final = len(_FORM) + _KEY_ID_SIZE
_MOST_USERS: Final = 4_096
_MOST_CIPHERS: Final = 256


@attrs.define
class _Held:
    """The keys of one user in memory, and the ciphers made of them."""

    keys: UserKeys
    until_s: float
    gone: set[bytes] = attrs.field(factory=set)
    ciphers: dict[tuple[bytes, bytes], AESGCM] = attrs.field(factory=dict)

    @property
    def newest(self) -> UserKey:
        """The one to seal under, where it is certain that there is one."""
        return max(self.keys.keys, key=lambda key: key.round)

    def key(self, id_: bytes) -> UserKey | None:
        return next((key for key in self.keys.keys if key.id == id_), None)

    def cipher(self, key: UserKey, place: Place) -> AESGCM:
        name = (key.id, _scope(place))
        found = self.ciphers.get(name)
        if found is None:
            if len(self.ciphers) >= _MOST_CIPHERS:
                self.ciphers.clear()
            found = AESGCM(_data_key(key, place))
            self.ciphers[name] = found
        return found


class AesGcm:
    """The ``Encryption`` port on a keyring."""

    def __init__(
        self,
        keyring: Keyring,
        *,
        cached_for_s: float = CACHED_FOR_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 <= cached_for_s <= CACHED_FOR_S:
            raise InvalidSetting("cached_for_s", f"must be in 0..{CACHED_FOR_S:g}")
        self._keyring = keyring
        self._cached_for_s = cached_for_s
        self._monotonic = monotonic
        self._held: OrderedDict[User, _Held] = OrderedDict()
        self._lock = Lock()

    @property
    def identity(self) -> bytes:
        return self._keyring.identity

    def is_ready(self, owners: Collection[User], *, writer: User | None = None) -> bool:
        if writer is not None:
            held = self._in_memory(writer)
            if held is None or held.keys.current is None:
                return False
        return all(self._in_memory(owner) is not None for owner in owners)

    def prepare(self, owners: Collection[User], *, writer: User | None = None) -> None:
        missing = [owner for owner in owners if self._in_memory(owner) is None]
        if missing:
            # Before the keyring is asked: what it answers may be that old.
            asked_s = self._monotonic()
            for owner, keys in self._keyring.find(missing).items():
                self._hold(owner, keys, asked_s)
        if writer is not None and not self.is_ready((), writer=writer):
            asked_s = self._monotonic()
            self._hold(writer, self._keyring.make(writer), asked_s)

    def seal(self, content: bytes, place: Place) -> bytes:
        held = self._in_memory(place.owner)
        if held is None or held.keys.current is None:
            asked_s = self._monotonic()
            held = self._hold(place.owner, self._keyring.make(place.owner), asked_s)
        key = held.newest
        nonce = secrets.token_bytes(NONCE_SIZE)
        header = _FORM + key.id
        return header + nonce + held.cipher(key, place).encrypt(nonce, content, _bound_to(place))

    def open(self, sealed: bytes, place: Place) -> bytes:
        key_id, rest = sealed[len(_FORM) : _HEADER], sealed[_HEADER:]
        if sealed[: len(_FORM)] != _FORM or len(rest) < NONCE_SIZE + TAG_SIZE:
            raise UnreadableText
        held = self._asked(place.owner)
        key = held.key(key_id)
        if key is None and key_id not in held.gone:
            # Made by another process since. Where it is not there now it was destroyed: the key is
            # older than the text, and its id never comes back.
            held = self._again(place.owner)
            key = held.key(key_id)
            held.gone.add(key_id)
        if key is None:
            raise UnreadableText
        nonce, ciphertext = rest[:NONCE_SIZE], rest[NONCE_SIZE:]
        try:
            return held.cipher(key, place).decrypt(nonce, ciphertext, _bound_to(place))
        except InvalidTag:
            pass
        raise UnreadableText

    def is_current(self, sealed: bytes, owner: User) -> bool:
        current = self._asked(owner).keys.current
        return current is not None and sealed[len(_FORM) : _HEADER] == current.id

    def destroy(self, user: User) -> None:
        self._keyring.destroy(user)
        with self._lock:
            self._held.pop(user, None)

    def close(self) -> None:
        with self._lock:
            self._held.clear()
        self._keyring.close()

    def __repr__(self) -> str:
        return "AesGcm()"

    def _asked(self, owner: User) -> _Held:
        return self._in_memory(owner) or self._again(owner)

    def _again(self, owner: User) -> _Held:
        asked_s = self._monotonic()
        return self._hold(owner, self._keyring.find([owner])[owner], asked_s)

    def _in_memory(self, user: User) -> _Held | None:
        with self._lock:
            held = self._held.get(user)
            if held is not None and held.until_s <= self._monotonic():
                del self._held[user]
                held = None
            return held

    def _hold(self, user: User, keys: UserKeys, asked_s: float) -> _Held:
        held = _Held(keys, asked_s + self._cached_for_s)
        with self._lock:
            self._held[user] = held
            self._held.move_to_end(user)
            while len(self._held) > _MOST_USERS:
                self._held.popitem(last=False)
        return held


def encryption(keyring: str, *, master: MasterKey, cached_for_s: float = CACHED_FOR_S) -> AesGcm:
    """What a store of messages is given: sealing with the keys of the keyring at a URL.

    Raises ``InvalidSetting``, ``KeyringUnavailable`` and ``WrongKeyring``.
    """
    return AesGcm(open_keyring(keyring, master=master), cached_for_s=cached_for_s)


def _scope(place: Place) -> bytes:
    kind = b"report" if place.shelf is Shelf.EVIDENCE else b"conversation"
    return bound(kind, place.scope.bytes)


def _data_key(key: UserKey, place: Place) -> bytes:
    owner = place.owner
    names = bound(owner.tenant.encode(), owner.id.encode())
    label = bound(b"dmcore data key", names, _scope(place))
    return HKDFExpand(SHA256(), KEY_SIZE, label).derive(key.secret)


def _bound_to(place: Place) -> bytes:
    owner = place.owner
    return bound(
        b"dmcore text",
        owner.tenant.encode(),
        _scope(place),
        owner.id.encode(),
        place.message.bytes,
        place.shelf.value,
    )


if TYPE_CHECKING:

    def _conforms(keyring: Keyring) -> Encryption:
        return AesGcm(keyring)
