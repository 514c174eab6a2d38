"""The port of devices on ``sqlite3``: each as a value, found by its user and its id."""

from collections.abc import Mapping, Sequence

from tests.third.rows import Rows
from tests.third.values import from_json, to_json

from dmcore import Device, DeviceId, Prekey, User


class Devices(Rows):
    """The ``Devices`` port."""

    def of(self, *users: User) -> Mapping[User, Sequence[Device]]:
        query = "SELECT value FROM devices WHERE tenant = ? AND user = ? ORDER BY id"
        return {
            user: [from_json(Device, it) for it in self._values(query, user.tenant, user.id)]
            for user in users
        }

    def add(self, owner: User, device: Device) -> None:
        row = (owner.tenant, owner.id, str(device.id), to_json(device))
        self._rows.execute("INSERT INTO devices VALUES (?, ?, ?, ?)", row)

    def save(self, owner: User, device: Device) -> None:
        row = (to_json(device), owner.tenant, owner.id, str(device.id))
        query = "UPDATE devices SET value = ? WHERE tenant = ? AND user = ? AND id = ?"
        self._rows.execute(query, row)

    def remove(self, owner: User, device: DeviceId) -> None:
        self.replace_one_time_keys(owner, device, ())
        query = "DELETE FROM devices WHERE tenant = ? AND user = ? AND id = ?"
        self._rows.execute(query, (owner.tenant, owner.id, str(device)))

    def replace_one_time_keys(self, owner: User, device: DeviceId, keys: Sequence[Prekey]) -> None:
        place = (owner.tenant, owner.id, str(device))
        query = "DELETE FROM one_time_keys WHERE tenant = ? AND user = ? AND device = ?"
        self._rows.execute(query, place)
        rows = [(*place, key.number, to_json(key)) for key in keys]
        self._rows.executemany("INSERT INTO one_time_keys VALUES (?, ?, ?, ?, ?)", rows)

    def take_one_time_keys(self, owner: User, draw: int) -> Mapping[DeviceId, Prekey]:
        taken = {}
        for device in self.of(owner)[owner]:
            place = (owner.tenant, owner.id, str(device.id))
            query = """SELECT value FROM one_time_keys WHERE tenant = ? AND user = ? AND device = ?
                ORDER BY number"""
            left = list(self._values(query, *place))
            if left:
                key = taken[device.id] = from_json(Prekey, left[draw % len(left)])
                query = """DELETE FROM one_time_keys
                    WHERE tenant = ? AND user = ? AND device = ? AND number = ?"""
                self._rows.execute(query, (*place, key.number))
        return taken

    def forget(self, owner: User) -> None:
        for table in ("one_time_keys", "devices"):
            query = f"DELETE FROM {table} WHERE tenant = ? AND user = ?"
            self._rows.execute(query, (owner.tenant, owner.id))
