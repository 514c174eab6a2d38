"""Devices and their public keys: what somebody seals a message with (CRYPT-2).

Owns the form of keys, who may have how many, and the number that two people compare. Keys are bytes
of one length and nothing more: who signed what is verified by those who seal and open.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

import attrs

from dmcore.domain.ids import DeviceId, UserId
from dmcore.domain.instants import to_datetime
from dmcore.domain.numbers import is_whole_number
from dmcore.errors import DeviceConflict, InvalidDevice, TooManyDevices

KEY_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
MOST_DEVICES: Final = 5
MOST_ONE_TIME_KEYS: Final = 100

LARGEST_NUMBER: Final = (1 << 31) - 1
_ROUNDS: Final = 5_200
_GROUP_SIZE: Final = 5
_DIGITS_OF_EACH: Final = 30


@attrs.frozen(kw_only=True)
class Prekey:
    """A public key to seal with, and the signature of its device's identity key over it.

    ``number`` tells it apart from the others of its device. Raises ``InvalidDevice``.
    """

    number: int
    public: bytes = attrs.field(repr=False)
    signature: bytes = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        if not is_whole_number(self.number, least=0, most=LARGEST_NUMBER):
            raise InvalidDevice(f"the number of a key is a whole number in 0..{LARGEST_NUMBER}")
        _check_size("a key", self.public, KEY_SIZE)
        _check_size("a signature", self.signature, SIGNATURE_SIZE)


@attrs.frozen(kw_only=True)
class Device:
    """A device of a user: the key that it signs with, and the one that anybody may seal for it.

    Raises ``InvalidDevice``.
    """

    id: DeviceId
    identity: bytes = attrs.field(repr=False)
    prekey: Prekey
    added_at_us: int
    renewed_at_us: int

    def __attrs_post_init__(self) -> None:
        _check_size("a key", self.identity, KEY_SIZE)
        if not isinstance(self.prekey, Prekey):
            raise InvalidDevice("it needs a prekey")

    @property
    def added_at(self) -> datetime:
        """When it was added, in UTC."""
        return to_datetime(self.added_at_us)

    @property
    def renewed_at(self) -> datetime:
        """When its prekeys were changed last, in UTC."""
        return to_datetime(self.renewed_at_us)


@attrs.frozen(kw_only=True)
class DeviceKeys:
    """A device with what a message is sealed for it with.

    That is ``one_time`` where there is one, which nobody else is given, and else the device's
    ``prekey``.
    """

    device: Device
    one_time: Prekey | None = None


@attrs.frozen(kw_only=True)
class KeyBundle:
    """The keys of one user. ``key_changes`` counts how often a device was added or removed."""

    user: UserId
    key_changes: int
    devices: tuple[DeviceKeys, ...]


@attrs.frozen(kw_only=True)
class KeyClaim:
    """What a message is sealed with: for the other's devices, and for one's own."""

    own: KeyBundle
    other: KeyBundle


def _check_size(what: str, value: object, size: int) -> None:
    if not isinstance(value, bytes) or len(value) != size:
        raise InvalidDevice(f"{what} has {size} bytes")


def check_one_time_keys(keys: Collection[Prekey]) -> tuple[Prekey, ...]:
    """The same keys, of which no two have one number. Raises ``InvalidDevice``."""
    if len(keys) > MOST_ONE_TIME_KEYS:
        raise InvalidDevice(f"it has at most {MOST_ONE_TIME_KEYS} one-time keys")
    if not all(isinstance(key, Prekey) for key in keys):
        raise InvalidDevice("its one-time keys must be prekeys")
    if len({key.number for key in keys}) < len(keys):
        raise InvalidDevice("two of its one-time keys have one number")
    return tuple(keys)


def accepted(there: Sequence[Device], device: Device) -> Device | None:
    """The device as it is to be added, or ``None`` where it is there already.

    Raises ``DeviceConflict`` and ``TooManyDevices``.
    """
    for it in there:
        if it.id == device.id:
            if (it.identity, it.prekey) != (device.identity, device.prekey):
                raise DeviceConflict
            return None
    if len(there) >= MOST_DEVICES:
        raise TooManyDevices(MOST_DEVICES)
    return device


def safety_number(
    one: UserId, ones_keys: Iterable[bytes], other: UserId, others_keys: Iterable[bytes]
) -> str:
    """Sixty digits that are the same for both, as long as nobody gave either of them other keys.

    They depend on every identity key of the two and on nothing else; which of them is first does
    not matter.
    """
    halves = sorted((_fingerprint(one, ones_keys), _fingerprint(other, others_keys)))
    digits = "".join(halves)
    groups = (digits[at : at + _GROUP_SIZE] for at in range(0, len(digits), _GROUP_SIZE))
    return " ".join(groups)


def _fingerprint(user: UserId, keys: Iterable[bytes]) -> str:
    salt = b"dmcore safety number 1\0" + user.encode()
    digest = hashlib.pbkdf2_hmac("sha512", b"".join(sorted(keys)), salt, _ROUNDS)
    return str(int.from_bytes(digest, "big") % 10**_DIGITS_OF_EACH).zfill(_DIGITS_OF_EACH)
