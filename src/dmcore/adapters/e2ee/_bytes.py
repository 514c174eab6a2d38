"""The bytes of ``hpke-v1``: what is signed, what a ciphertext is bound to, how a text is padded.

Every part is written with its length before it, so no two different things are the same bytes.
"""

import hashlib
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import attrs

from dmcore.domain.envelope import SealedPart
from dmcore.domain.ids import DeviceId, MessageId, TenantId, UserId

PROTOCOL: Final = "hpke"
VERSION: Final = 1
FRANKING_KEY_SIZE: Final = 32
LARGEST_TEXT: Final = 30_000
"""In bytes: the longest that fits into a report, however a form spells it."""

_NAME: Final = b"dmcore hpke-v1"
_HEADER_SIZE: Final = 8 + 2 * 16
_NONE: Final = UUID(int=0)
_LENGTH_SIZE: Final = 4
# Texts of about one length look alike.
_STEP: Final = 256


@attrs.frozen(kw_only=True)
class Header:
    """What is told in the clear: the place among those of its device, and what it is about.

    ``edits`` is the message that it gives another text. What it answers is not here: that may be a
    message which the other does not have.
    """

    sequence: int
    number: UUID
    edits: MessageId | None = None

    def written(self) -> bytes:
        ids = (self.number, self.edits or _NONE)
        return self.sequence.to_bytes(8, "big") + b"".join(it.bytes for it in ids)


def read_header(header: bytes) -> Header | None:
    """The same; ``None`` for what is none."""
    if len(header) != _HEADER_SIZE:
        return None
    number, edits = (UUID(bytes=header[at : at + 16]) for at in (8, 24))
    return Header(
        sequence=int.from_bytes(header[:8], "big"),
        number=number,
        edits=MessageId(edits) if edits.int else None,
    )


@attrs.frozen(kw_only=True)
class Route:
    """From whom to whom. A pair has one conversation, so this names it, whatever a server says."""

    tenant: TenantId
    sender: UserId
    device: DeviceId
    recipient: UserId

    def written(self) -> bytes:
        people = (self.tenant, self.sender, self.recipient)
        return joined(*(it.encode() for it in people), self.device.bytes)


def joined(*parts: bytes) -> bytes:
    """Parts one after the other, each behind its length."""
    return b"".join(len(part).to_bytes(_LENGTH_SIZE, "big") + part for part in parts)


def prekey_statement(
    tenant: TenantId, user: UserId, device: DeviceId, *, is_one_time: bool, number: int, key: bytes
) -> bytes:
    """What an identity key signs about a prekey of its device."""
    kind = b"one-time" if is_one_time else b"prekey"
    told = (tenant.encode(), user.encode(), device.bytes, kind, number.to_bytes(4, "big"), key)
    return joined(_NAME + b" key", *told)


def context(
    route: Route, *, owner: UserId, device: DeviceId, key: bytes, header: bytes, commitment: bytes
) -> bytes:
    """What the ciphertext for one device is bound to: HPKE's ``info``."""
    whose = (owner.encode(), device.bytes, key)
    return joined(_NAME + b" text", route.written(), *whose, header, commitment)


def signed_statement(
    route: Route,
    *,
    changes: tuple[int, int],
    header: bytes,
    commitment: bytes,
    own: Sequence[SealedPart],
    other: Sequence[SealedPart],
) -> bytes:
    """What the sender's device signs: everything."""
    parts = [
        joined(*(it for part in side for it in (part.device.bytes, part.ciphertext)))
        for side in (own, other)
    ]
    told = b"".join(it.to_bytes(4, "big") for it in changes)
    whole = joined(route.written(), told, header, commitment, *parts)
    return joined(_NAME + b" envelope", hashlib.sha256(whole).digest())


def padded(text: str, franking_key: bytes) -> bytes:
    """What is sealed: the franking key and the text, as long as others of about its length."""
    content = text.encode()
    filled = _LENGTH_SIZE + len(content)
    length = len(content).to_bytes(_LENGTH_SIZE, "big")
    return franking_key + length + content + bytes(-filled % _STEP)


def unpadded(content: bytes) -> tuple[str, bytes]:
    """Text and franking key again. Raises ``ValueError``."""
    franking_key, rest = content[:FRANKING_KEY_SIZE], content[FRANKING_KEY_SIZE:]
    length = int.from_bytes(rest[:_LENGTH_SIZE], "big")
    text = rest[_LENGTH_SIZE : _LENGTH_SIZE + length]
    if len(text) != length:
        raise ValueError("it is shorter than it says")
    # What no report could hold is none that is shown: else a sender could see to it.
    if not 0 < length <= LARGEST_TEXT or b"\0" in text:
        raise ValueError("nobody could report it")
    return text.decode(), franking_key
