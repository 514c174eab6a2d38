"""Devices and their keys over HTTP, and sealing a conversation (CRYPT-2).

Keys are public. What opens a text is on the devices, and is never sent here.
"""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, WithJsonSchema

from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire import _contents, _models
from dmcore.adapters.web.wire._answering import DONE, answer
from dmcore.adapters.web.wire._bytes import Bytes32, Bytes64
from dmcore.domain import devices as directory
from dmcore.domain.devices import LARGEST_NUMBER, MOST_ONE_TIME_KEYS

_User = Annotated[str, WithJsonSchema(_contents.USER_SCHEMA)]
_Number = Annotated[
    int, WithJsonSchema({"type": "integer", "minimum": 0, "maximum": LARGEST_NUMBER})
]


class Prekey(_contents.Content):
    """A public key to seal with, and the signature of its device over it."""

    number: _Number
    """What tells it apart from the others of its device."""
    public: Bytes32
    signature: Bytes64

    @classmethod
    def of(cls, found: directory.Prekey) -> Self:
        """The same."""
        return cls(number=found.number, public=found.public, signature=found.signature)

    @property
    def value(self) -> directory.Prekey:
        """What messaging takes. Raises ``InvalidDevice``."""
        return directory.Prekey(number=self.number, public=self.public, signature=self.signature)


_OneTimeKeys = Annotated[
    list[Prekey], Field(default_factory=list, json_schema_extra={"maxItems": MOST_ONE_TIME_KEYS})
]


# What is sent ------------------------------------------------------------------------------------


class NewKeys(_contents.Content):
    """The keys that are given out for a device from now on, instead of all that it had."""

    prekey: Prekey
    """What anybody may seal with, where there is no other."""
    one_time_keys: _OneTimeKeys
    """Each of them is given to one sender."""

    @property
    def one_time(self) -> list[directory.Prekey]:
        """What messaging takes. Raises ``InvalidDevice``."""
        return [each.value for each in self.one_time_keys]


class NewDevice(NewKeys):
    """A device with the keys that it made."""

    identity: Bytes32
    """The key that it signs with: its signatures are over the others."""


class NewKeyClaim(_contents.Content):
    """For whom a message is to be sealed."""

    user: _User


# What is answered --------------------------------------------------------------------------------


class Device(_models.Answer):
    """A device: the key that it signs with, and the one that anybody may seal with."""

    id: UUID
    identity: Bytes32
    prekey: Prekey
    added_at: _models.Instant
    renewed_at: _models.Instant
    """When its keys were changed last."""

    @classmethod
    def of(cls, found: directory.Device) -> Self:
        """The same."""
        return cls(
            id=found.id,
            identity=found.identity,
            prekey=Prekey.of(found.prekey),
            added_at=found.added_at,
            renewed_at=found.renewed_at,
        )


class Devices(_models.Answer):
    """One's own devices, in order of their ids."""

    items: list[Device]


class DeviceKeys(_models.Answer):
    """What to seal with for one device: the one-time key where there is one, else the prekey."""

    device: Device
    one_time: Prekey | None


class KeyBundle(_models.Answer):
    """The keys of one user. Whoever seals verifies them; nothing here did."""

    user: str
    key_changes: int
    """How often a device was added or removed: an envelope says with which state it was sealed."""
    devices: list[DeviceKeys]

    @classmethod
    def of(cls, found: directory.KeyBundle) -> Self:
        """The same."""
        return cls(
            user=found.user,
            key_changes=found.key_changes,
            devices=[
                DeviceKeys(
                    device=Device.of(each.device),
                    one_time=None if each.one_time is None else Prekey.of(each.one_time),
                )
                for each in found.devices
            ],
        )


class KeyClaim(_models.Answer):
    """What one message is sealed with: for the other's devices, and for one's own."""

    own: KeyBundle
    other: KeyBundle


# What is done ------------------------------------------------------------------------------------


async def list_devices(visit: Visit) -> Response:
    """One's own devices."""
    found = await visit.mailbox.devices.list()
    return answer(Devices(items=[Device.of(each) for each in found]))


async def add_device(visit: Visit) -> Response:
    """Add a device under the id that it made up; adding it twice is adding it once.

    A user has five at most. Nobody here verifies a signature: whoever seals does.
    """
    new = _contents.content(visit.request, NewDevice)
    added = await visit.mailbox.devices.add(
        visit.arguments["device"],
        identity=new.identity,
        prekey=new.prekey.value,
        one_time_keys=new.one_time,
    )
    return answer(Device.of(added))


async def renew_device(visit: Visit) -> Response:
    """Give a device other keys, instead of all that nobody took.

    How many were left is not told: it would tell who was about to write.
    """
    new = _contents.content(visit.request, NewKeys)
    renewed = await visit.mailbox.devices.renew(
        visit.arguments["device"], prekey=new.prekey.value, one_time_keys=new.one_time
    )
    return answer(Device.of(renewed))


async def remove_device(visit: Visit) -> Response:
    """Remove a device: nothing is sealed for it any more."""
    _contents.nothing(visit.request)
    await visit.mailbox.devices.remove(visit.arguments["device"])
    return DONE


async def claim_keys(visit: Visit) -> Response:
    """Take what one message to somebody is sealed with.

    Each device of theirs has one key less to give, so whoever may not write to them takes none.
    """
    wanted = _contents.content(visit.request, NewKeyClaim)
    found = await visit.mailbox.devices.claim(wanted.user)
    return answer(KeyClaim(own=KeyBundle.of(found.own), other=KeyBundle.of(found.other)))


async def read_keys(visit: Visit) -> Response:
    """The keys of somebody with whom one has a conversation, to open what they sealed.

    None is taken, so there are no one-time keys in it.
    """
    return answer(KeyBundle.of(await visit.mailbox.devices.keys_of(visit.arguments["user"])))


async def seal_thread(visit: Visit) -> Response:
    """Have a conversation sealed from now on, which nobody undoes."""
    _contents.nothing(visit.request)
    await visit.mailbox.seal(visit.arguments["thread"])
    view = await visit.mailbox.conversation(visit.arguments["thread"])
    return answer(_models.Conversation.of(view))
