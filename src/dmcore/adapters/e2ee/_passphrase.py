"""Secrets under a passphrase: scrypt, then AES-256-GCM. What it was made with stands before it."""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from dmcore.errors import WrongPassphrase

_MAGIC: Final = b"dmcore device 1\n"
_SALT_SIZE: Final = 16
_NONCE_SIZE: Final = 12
_WORK: Final = 1 << 15


def locked(content: bytes, passphrase: str) -> bytes:
    """The content for nobody who does not have the passphrase."""
    salt, nonce = os.urandom(_SALT_SIZE), os.urandom(_NONCE_SIZE)
    ciphertext = AESGCM(_key(passphrase, salt)).encrypt(nonce, content, _MAGIC)
    return _MAGIC + salt + nonce + ciphertext


def unlocked(file: bytes, passphrase: str) -> bytes:
    """The content again. Raises ``WrongPassphrase``, also where something was changed."""
    rest = file.removeprefix(_MAGIC)
    salt, nonce = rest[:_SALT_SIZE], rest[_SALT_SIZE : _SALT_SIZE + _NONCE_SIZE]
    if rest == file or len(nonce) < _NONCE_SIZE:
        raise WrongPassphrase
    key = AESGCM(_key(passphrase, salt))
    try:
        return key.decrypt(nonce, rest[_SALT_SIZE + _NONCE_SIZE :], _MAGIC)
    except InvalidTag:
        pass
    raise WrongPassphrase


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_WORK, r=8, p=1).derive(passphrase.encode())
