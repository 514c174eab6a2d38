"""Signed transcripts: an export that somebody else can verify with a published key (CRYPT-2).

What is signed is what the export says, line by line; nothing is read here but its bytes.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any, Final, Self

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dmcore.domain.ids import User
from dmcore.errors import InvalidTranscript

_STATEMENT: Final = b"dmcore transcript 1\n"


@attrs.frozen(kw_only=True)
class Transcript:
    """What a verified transcript says of itself: whose export it is, when it was made, and how many
    lines are in it.
    """

    user: User
    made_at: datetime
    lines: int


class TranscriptSigner:
    """Signs exports in the name of the site. Keep the key as any key; publish ``public_key``."""

    def __init__(self, private_key: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)

    @classmethod
    def new(cls) -> Self:
        """With a key that was made just now."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def private_key(self) -> bytes:
        """The 32 bytes to keep."""
        return self._key.private_bytes_raw()

    @property
    def public_key(self) -> bytes:
        """The 32 bytes to publish, where nobody doubts whose they are."""
        return self._key.public_key().public_bytes_raw()

    def signed(self, lines: Iterable[str], *, user: User, made_at: datetime) -> Iterator[str]:
        """The lines of an export between one that says whose it is and one that signs it all."""
        told = {
            "kind": "transcript",
            "tenant": user.tenant,
            "user": user.id,
            "made_at": made_at.isoformat(),
        }
        digest = hashlib.sha256()
        for line in chain((json.dumps(told, separators=(",", ":")),), lines):
            digest.update(f"{line}\n".encode())
            yield line
        signature = self._key.sign(_STATEMENT + digest.digest()).hex()
        ending = {"kind": "signature", "key": self.public_key.hex(), "signature": signature}
        yield json.dumps(ending, separators=(",", ":"))


def verify_transcript(lines: Iterable[str], *, public_key: bytes) -> Transcript:
    """What a transcript says of itself, if the site with this key signed exactly these lines.

    Raises ``InvalidTranscript``.
    """
    *signed, ending = [line.rstrip("\n") for line in lines] or [""]
    digest = hashlib.sha256("".join(f"{line}\n" for line in signed).encode()).digest()
    try:
        signature = bytes.fromhex(json.loads(ending)["signature"])
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _STATEMENT + digest)
        told: dict[str, Any] = json.loads(signed[0])
    except (InvalidSignature, ValueError, KeyError, TypeError, IndexError):
        told = {}
    if told.get("kind") != "transcript":
        raise InvalidTranscript
    return Transcript(
        user=User(told["tenant"], told["user"]),
        made_at=datetime.fromisoformat(told["made_at"]),
        lines=len(signed) - 1,
    )
