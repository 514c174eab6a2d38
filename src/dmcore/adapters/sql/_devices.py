"""Devices in SQL: the directory of public keys, which nobody who reads messages looks at."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Connection, Row, bindparam, delete, func, select

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._conditions import TENANT, id_param, text_param
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._schema import device, one_time_key
from dmcore.domain.devices import Device, Prekey
from dmcore.domain.ids import DeviceId, User
from dmcore.ports.devices import Devices

_OWNER = text_param("owner")
_OF = (
    select(device)
    .where(device.c.tenant == TENANT, device.c.user_id.in_((_OWNER, text_param("other"))))
    .order_by(device.c.id)
)
_KEYS = one_time_key.c
_NUMBERED = (
    select(
        one_time_key,
        (func.row_number().over(partition_by=_KEYS.device_id, order_by=_KEYS.number) - 1).label(
            "place"
        ),
        func.count().over(partition_by=_KEYS.device_id).label("kept"),
    )
    .where(_KEYS.tenant == TENANT, _KEYS.user_id == _OWNER)
    .subquery("numbered")
)
_DRAWN = select(_NUMBERED).where(
    _NUMBERED.c.place == bindparam("draw", type_=BigInteger()) % _NUMBERED.c.kept
)
# In statements that change rows a parameter cannot have the name of a column.
_OF_OWNER = (_KEYS.tenant == text_param("of_tenant"), _KEYS.user_id == _OWNER)
_DROP_KEYS = delete(one_time_key).where(*_OF_OWNER, _KEYS.device_id == id_param("of_device"))
_FORGET_KEYS = delete(one_time_key).where(*_OF_OWNER)
_FORGET = delete(device).where(
    device.c.tenant == text_param("of_tenant"), device.c.user_id == _OWNER
)


class SqlDevices:
    """The ``Devices`` port."""

    def __init__(self, connection: Connection, batch: Batch, identity: Identity) -> None:
        self._connection = connection
        self._batch = batch
        self._identity = identity

    def of(self, *users: User) -> Mapping[User, Sequence[Device]]:
        found: dict[User, list[Device]] = {user: [] for user in users}
        tenant = users[0].tenant
        facts = {"tenant": tenant, "owner": users[0].id, "other": users[-1].id}
        for row in self._connection.execute(_OF, facts):
            owner = User(tenant, row.user_id)
            found[owner].append(self._identity.device(owner, _device_of(row)))
        return found

    def add(self, owner: User, device_: Device) -> None:
        self._batch.insert(device, _device_row(owner, device_))

    def save(self, owner: User, device_: Device) -> None:
        before = self._identity.device_before(owner, device_.id)
        self._batch.update(device, _device_row(owner, device_), _device_row(owner, before))

    def remove(self, owner: User, device_: DeviceId) -> None:
        self._drop_keys(owner, device_)
        self._batch.delete(device, {"tenant": owner.tenant, "user_id": owner.id, "id": device_})

    def replace_one_time_keys(self, owner: User, device_: DeviceId, keys: Sequence[Prekey]) -> None:
        # At once: one of the new ones may have the number of an old one.
        self._drop_keys(owner, device_)
        for key in keys:
            row = {"public": key.public, "signature": key.signature}
            self._batch.insert(one_time_key, _key_of(owner, device_, key.number) | row)

    def _drop_keys(self, owner: User, device_: DeviceId) -> None:
        facts = {"of_tenant": owner.tenant, "owner": owner.id, "of_device": device_}
        self._connection.execute(_DROP_KEYS, facts)

    def take_one_time_keys(self, owner: User, draw: int) -> Mapping[DeviceId, Prekey]:
        facts = {"tenant": owner.tenant, "owner": owner.id, "draw": draw}
        taken = {}
        for row in self._connection.execute(_DRAWN, facts):
            self._batch.delete(one_time_key, _key_of(owner, row.device_id, row.number))
            taken[DeviceId(row.device_id)] = _prekey_of(row.number, row.public, row.signature)
        return taken

    def forget(self, owner: User) -> None:
        facts = {"of_tenant": owner.tenant, "owner": owner.id}
        for statement in (_FORGET_KEYS, _FORGET):
            self._connection.execute(statement, facts)


def _key_of(owner: User, device_: DeviceId, number: int) -> dict[str, object]:
    return {
        "tenant": owner.tenant,
        "user_id": owner.id,
        "device_id": device_,
        "number": number,
    }


def _prekey_of(number: int, public: bytes, signature: bytes) -> Prekey:
    return Prekey(number=number, public=bytes(public), signature=bytes(signature))


def _device_row(owner: User, device_: Device) -> dict[str, object]:
    return {
        "tenant": owner.tenant,
        "user_id": owner.id,
        "id": device_.id,
        "identity": device_.identity,
        "prekey_number": device_.prekey.number,
        "prekey": device_.prekey.public,
        "prekey_signature": device_.prekey.signature,
        "added_at_us": device_.added_at_us,
        "renewed_at_us": device_.renewed_at_us,
    }


def _device_of(row: Row[Any]) -> Device:
    return Device(
        id=DeviceId(row.id),
        identity=bytes(row.identity),
        prekey=_prekey_of(row.prekey_number, row.prekey, row.prekey_signature),
        added_at_us=row.added_at_us,
        renewed_at_us=row.renewed_at_us,
    )


if TYPE_CHECKING:

    def _conforms(connection: Connection, batch: Batch, identity: Identity) -> Devices:
        return SqlDevices(connection, batch, identity)
