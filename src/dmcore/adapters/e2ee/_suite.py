"""The primitives of ``hpke-v1``, and how a ciphertext names the key that it is for."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
"""RFC 9180 in base mode."""

KEY_NAME_SIZE: Final = 5
"""Which key a ciphertext is for stands before it: its kind, and its number."""


def named_key(number: int, *, is_one_time: bool) -> bytes:
    """How a ciphertext names its key."""
    return bytes([is_one_time]) + number.to_bytes(KEY_NAME_SIZE - 1, "big")


def is_signed(identity: bytes, signature: bytes, statement: bytes) -> bool:
    """Whether who has ``identity`` signed this."""
    try:
        Ed25519PublicKey.from_public_bytes(identity).verify(signature, statement)
    except (InvalidSignature, ValueError):
        return False
    return True
