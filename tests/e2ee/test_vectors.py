"""The suite is the one of RFC 9180, held against its test vectors (appendix A.2.1, base mode)."""

import hmac

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from dmcore.adapters.e2ee._suite import SUITE

pytestmark = pytest.mark.promise("CRYPT-2")

INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
PRIVATE = bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
ENC = bytes.fromhex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
TEXT = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
KEY = bytes.fromhex("ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91")
NONCE = bytes.fromhex("5c4d98150661b848853b547f")
SEALED = bytes.fromhex(
    "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
)

KEM = b"KEM\x00\x20"
HPKE = b"HPKE\x00\x20\x00\x01\x00\x03"


def extract(suite: bytes, salt: bytes, label: bytes, key: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite + label + key, "sha256")


def expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    told = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, told + b"\x01", "sha256")[:length]


def schedule(private: bytes, enc: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and nonce for who has a private key: RFC 9180, sections 4.1 and 5.1, word for word."""
    own = X25519PrivateKey.from_private_bytes(private)
    shared = own.exchange(X25519PublicKey.from_public_bytes(enc))
    both = enc + own.public_key().public_bytes_raw()
    eae = extract(KEM, b"", b"eae_prk", shared)
    secret = expand(KEM, eae, b"shared_secret", both, 32)
    context = b"\x00" + extract(HPKE, b"", b"psk_id_hash", b"")
    context += extract(HPKE, b"", b"info_hash", info)
    prk = extract(HPKE, secret, b"secret", b"")
    return expand(HPKE, prk, b"key", context, 32), expand(HPKE, prk, b"base_nonce", context, 12)


def test_the_schedule_is_that_of_the_vectors() -> None:
    assert schedule(PRIVATE, ENC, INFO) == (KEY, NONCE)
    assert ChaCha20Poly1305(KEY).encrypt(NONCE, TEXT, b"Count-0") == SEALED


def test_the_suite_is_that_schedule_both_ways() -> None:
    private = X25519PrivateKey.from_private_bytes(PRIVATE)
    sealed = SUITE.encrypt(TEXT, private.public_key(), INFO)
    key, nonce = schedule(PRIVATE, sealed[:32], INFO)
    assert ChaCha20Poly1305(key).decrypt(nonce, sealed[32:], b"") == TEXT
    by_hand = ENC + ChaCha20Poly1305(KEY).encrypt(NONCE, TEXT, b"")
    assert SUITE.decrypt(by_hand, private, INFO) == TEXT
    with pytest.raises(InvalidTag):
        SUITE.decrypt(by_hand, private, INFO + b".")
