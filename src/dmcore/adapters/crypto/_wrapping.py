"""One key under another: AES-256-GCM with a random nonce of 96 bits, and what is bound to it."""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_SIZE: Final = 32
NONCE_SIZE: Final = 12
TAG_SIZE: Final = 16


def new_key() -> bytes:
    """A key of 256 random bits."""
    return secrets.token_bytes(KEY_SIZE)


def bound(*parts: bytes) -> bytes:
    """Parts as one value: no other parts give the same."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def wrapped(key: bytes, secret: bytes, context: bytes) -> bytes:
    """A secret under a key: nonce, ciphertext, tag."""
    nonce = secrets.token_bytes(NONCE_SIZE)
    return nonce + AESGCM(key).encrypt(nonce, secret, context)


def unwrapped(key: bytes, blob: bytes, context: bytes) -> bytes | None:
    """The secret; ``None`` for another key, another context or anything that was changed."""
    if len(blob) < NONCE_SIZE + TAG_SIZE:
        return None
    try:
        return AESGCM(key).decrypt(blob[:NONCE_SIZE], blob[NONCE_SIZE:], context)
    except InvalidTag:
        return None
