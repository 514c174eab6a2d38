"""Devices in memory."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dmcore.adapters.memory._store import Changes, Store
from dmcore.domain.devices import Device, Prekey
from dmcore.domain.ids import DeviceId, User
from dmcore.errors import StoreRefused
from dmcore.ports.devices import Devices


class MemoryDevices:
    """The ``Devices`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def of(self, *users: User) -> Mapping[User, Sequence[Device]]:
        return {user: sorted(self._of(user).values(), key=_id_of) for user in users}

    def _of(self, user: User) -> dict[DeviceId, Device]:
        return self._store.devices.get(user, {})

    def add(self, owner: User, device: Device) -> None:
        if device.id in self._of(owner):
            raise StoreRefused("pk_dm_device")
        self._changes.put(self._store.devices.setdefault(owner, {}), device.id, device)

    def save(self, owner: User, device: Device) -> None:
        self._changes.put(self._store.devices[owner], device.id, device)

    def remove(self, owner: User, device: DeviceId) -> None:
        self._changes.drop(self._store.devices[owner], device)
        self._changes.drop(self._store.one_time_keys, (owner, device))

    def replace_one_time_keys(self, owner: User, device: DeviceId, keys: Sequence[Prekey]) -> None:
        in_order = tuple(sorted(keys, key=_number_of))
        self._changes.put(self._store.one_time_keys, (owner, device), in_order)

    def take_one_time_keys(self, owner: User, draw: int) -> Mapping[DeviceId, Prekey]:
        taken = {}
        for device in self._of(owner):
            left = list(self._store.one_time_keys[owner, device])
            if left:
                taken[device] = left.pop(draw % len(left))
                self._changes.put(self._store.one_time_keys, (owner, device), tuple(left))
        return taken

    def forget(self, owner: User) -> None:
        for device in list(self._of(owner)):
            self.remove(owner, device)


def _id_of(device: Device) -> DeviceId:
    return device.id


def _number_of(key: Prekey) -> int:
    return key.number


if TYPE_CHECKING:

    def _conforms(store: Store, changes: Changes) -> Devices:
        return MemoryDevices(store, changes)
