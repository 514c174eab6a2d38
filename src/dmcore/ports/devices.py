"""Devices: the directory of public keys (CRYPT-2)."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from dmcore.domain.devices import Device, Prekey
from dmcore.domain.ids import DeviceId, User


class Devices(Protocol):
    """Storage of devices and of their one-time keys; all that is in it is public.

    What writes MUST be called only while the account of ``owner`` is held, which says how many
    devices there are and is saved in the same transaction. So nobody changes what a message is
    being sealed with, and a one-time key is taken once.
    """

    def of(self, *users: User) -> Mapping[User, Sequence[Device]]:
        """The devices of one or two users of a tenant, each in order of its ids.

        A user without any has an empty sequence. In one statement.
        """
        ...

    def add(self, owner: User, device: Device) -> None:
        """Store a new device; a user MUST NOT have two of one id."""
        ...

    def save(self, owner: User, device: Device) -> None:
        """Store the new state of a device that ``of`` returned in this transaction."""
        ...

    def remove(self, owner: User, device: DeviceId) -> None:
        """Remove a device, which is there, with its one-time keys."""
        ...

    def replace_one_time_keys(self, owner: User, device: DeviceId, keys: Sequence[Prekey]) -> None:
        """Put these in the place of all one-time keys that are left of a device."""
        ...

    def take_one_time_keys(self, owner: User, draw: int) -> Mapping[DeviceId, Prekey]:
        """Take one of the one-time keys of each device that has any left, by lot.

        Of ``n`` keys in order of their numbers, that is the one at ``draw % n``, counted from 0. So
        what a device sees of its keys tells it nothing of the others. Nobody MUST ever get one of
        them again. In one statement beside the one that writes.
        """
        ...

    def forget(self, owner: User) -> None:
        """Remove all devices of a user, and whatever belongs to them."""
        ...
