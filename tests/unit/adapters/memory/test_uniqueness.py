"""What a table of a database refuses, the memory refuses too."""

from uuid import UUID

import pytest

from dmcore import Device, Prekey
from dmcore.adapters.memory import MemoryTransactions, Store
from dmcore.domain.erasure import Erasure
from dmcore.domain.ids import DeviceId, TenantId, User, UserId
from dmcore.domain.restriction import Restriction, RestrictionKind, RestrictionReason
from dmcore.errors import StoreRefused
from dmcore.ports.transactions import Transaction, writing

HERE = TenantId("")
LINE = Erasure(tenant=HERE, pseudonym=UserId("erased"), began_at_us=1)
MUTE = Restriction(
    tenant=HERE,
    user=UserId("bob"),
    number=1,
    kind=RestrictionKind.MUTE,
    reason=RestrictionReason.SPAM,
    by=UserId("mod"),
    since_us=1,
    until_us=None,
)


PHONE = Device(
    id=DeviceId(UUID(int=1)),
    identity=bytes(32),
    prekey=Prekey(number=0, public=bytes(32), signature=bytes(64)),
    added_at_us=1,
    renewed_at_us=1,
)


def add_line(tx: Transaction) -> None:
    tx.erasures.add(LINE)


def add_restriction(tx: Transaction) -> None:
    tx.restrictions.add(MUTE)


def add_device(tx: Transaction) -> None:
    tx.devices.add(User(TenantId(""), UserId("ann")), PHONE)


@pytest.mark.promise("CRYPT-2")
def test_a_user_has_one_device_of_an_id() -> None:
    transactions = MemoryTransactions(Store())
    transactions.run(writing(add_device))
    with pytest.raises(StoreRefused) as caught:
        transactions.run(writing(add_device))
    assert caught.value.details == {"rule": "pk_dm_device"}


@pytest.mark.promise("GDPR-1")
def test_a_user_has_one_line_in_the_ledger() -> None:
    transactions = MemoryTransactions(Store())
    transactions.run(writing(add_line))
    with pytest.raises(StoreRefused) as caught:
        transactions.run(writing(add_line))
    assert caught.value.details == {"rule": "pk_dm_erasure"}


@pytest.mark.promise("MOD-4")
def test_a_number_is_one_restriction() -> None:
    transactions = MemoryTransactions(Store())
    transactions.run(writing(add_restriction))
    with pytest.raises(StoreRefused) as caught:
        transactions.run(writing(add_restriction))
    assert caught.value.details == {"rule": "pk_dm_restriction"}
