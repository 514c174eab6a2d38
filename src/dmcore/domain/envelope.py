"""Envelopes: a text that its sender sealed, as the server has it (CRYPT-2).

Owns the form, and looks into nothing: ciphertexts, header and signature are bytes. An envelope is
stored where a text would be, in its one spelling, so that whatever holds for texts holds for it.
"""

import base64
import binascii
import json
import re
from typing import Any, Final

import attrs

from dmcore.domain.body import Body
from dmcore.domain.devices import KEY_SIZE, MOST_DEVICES, SIGNATURE_SIZE
from dmcore.domain.ids import DeviceId, parse_device_id
from dmcore.domain.numbers import is_whole_number
from dmcore.errors import InvalidEnvelope, InvalidId

LARGEST_ENVELOPE: Final = 262_144
"""In characters of its one spelling."""

_LARGEST_HEADER: Final = 1_024
_LARGEST_NUMBER: Final = (1 << 31) - 1
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


@attrs.frozen(kw_only=True)
class SealedPart:
    """What one device opens."""

    device: DeviceId
    ciphertext: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Envelope:
    """A sealed text: for whom it is sealed, by which device and how. Raises ``InvalidEnvelope``.

    ``protocol`` and ``version`` name what knows the rest. ``own_changes`` and ``other_changes`` are
    the states of both users' keys that it was sealed with; where they are not the present ones,
    somebody's device would be left out. ``header`` is what the protocol tells in the clear,
    ``commitment`` binds the sender to the text, and ``signature`` is the device's over all of it.
    ``own`` and ``other`` are for devices of the sender and of the recipient.
    """

    protocol: str
    version: int
    device: DeviceId
    own_changes: int
    other_changes: int
    header: bytes = attrs.field(repr=False)
    commitment: bytes = attrs.field(repr=False)
    signature: bytes = attrs.field(repr=False)
    own: tuple[SealedPart, ...] = attrs.field(repr=False)
    other: tuple[SealedPart, ...] = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        numbers = (self.version, self.own_changes, self.other_changes)
        if not _NAME.fullmatch(self.protocol):
            raise InvalidEnvelope("it names no protocol")
        if not all(is_whole_number(it, least=0, most=_LARGEST_NUMBER) for it in numbers):
            raise InvalidEnvelope("its version and states of keys are whole numbers")
        if len(self.header) > _LARGEST_HEADER:
            raise InvalidEnvelope(f"its header has at most {_LARGEST_HEADER} bytes")
        if (len(self.commitment), len(self.signature)) != (KEY_SIZE, SIGNATURE_SIZE):
            raise InvalidEnvelope(f"it has {KEY_SIZE} bytes of commitment, {SIGNATURE_SIZE} signed")
        for parts, least in ((self.own, 0), (self.other, 1)):
            devices = [part.device for part in parts]
            if not least <= len(devices) <= MOST_DEVICES or devices != sorted(set(devices)):
                raise InvalidEnvelope(
                    f"it is for up to {MOST_DEVICES} devices of each, in order of their ids"
                )
        if len(self.text) > LARGEST_ENVELOPE:
            raise InvalidEnvelope(f"it has at most {LARGEST_ENVELOPE} characters")

    @property
    def text(self) -> str:
        """Its one spelling, as JSON in ASCII."""
        told = {
            "protocol": self.protocol,
            "version": self.version,
            "device": str(self.device),
            "changes": [self.own_changes, self.other_changes],
            "header": _spelled(self.header),
            "commitment": _spelled(self.commitment),
            "signature": _spelled(self.signature),
            "own": {str(part.device): _spelled(part.ciphertext) for part in self.own},
            "other": {str(part.device): _spelled(part.ciphertext) for part in self.other},
        }
        return json.dumps(told, separators=(",", ":"))

    @property
    def body(self) -> Body:
        """What is stored where a text would be."""
        return Body(self.text)


def parse_envelope(text: str) -> Envelope:
    """Read an envelope in its one spelling. Raises ``InvalidEnvelope``, which has none of it."""
    if len(text) > LARGEST_ENVELOPE:
        raise InvalidEnvelope(f"it has at most {LARGEST_ENVELOPE} characters")
    try:
        found = _read(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidId):
        found = None
    # One thing has one spelling, or a retry would be another message.
    if found is None or found.text != text:
        raise InvalidEnvelope("it is not spelled as envelopes are")
    return found


def _read(told: dict[str, Any]) -> Envelope:
    own_changes, other_changes = told["changes"]
    return Envelope(
        protocol=told["protocol"],
        version=told["version"],
        device=parse_device_id(told["device"]),
        own_changes=own_changes,
        other_changes=other_changes,
        header=_bytes_of(told["header"]),
        commitment=_bytes_of(told["commitment"]),
        signature=_bytes_of(told["signature"]),
        own=_parts_of(told["own"]),
        other=_parts_of(told["other"]),
    )


def _parts_of(told: dict[str, str]) -> tuple[SealedPart, ...]:
    return tuple(
        SealedPart(device=parse_device_id(device), ciphertext=_bytes_of(ciphertext))
        for device, ciphertext in told.items()
    )


def _spelled(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes_of(spelled: str) -> bytes:
    try:
        return base64.b64decode(spelled, validate=True)
    except binascii.Error:
        raise ValueError from None
