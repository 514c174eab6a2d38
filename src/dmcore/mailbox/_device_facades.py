"""What a host holds for one user's devices, in two colours. Both run ``MailboxCalls``."""

from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

import attrs

from dmcore.domain.devices import Device, KeyBundle, KeyClaim, Prekey
from dmcore.domain.ids import User
from dmcore.mailbox._advice import Advice
from dmcore.mailbox._calls import MailboxCalls
from dmcore.ports.transactions import AsyncTransactions, Call, Transactions

Claiming = Callable[[Advice], Call[KeyClaim]]
"""The call that takes keys, made with what was said so far."""


@attrs.frozen
class DeviceList:
    """The devices of one user, and the keys that messages are sealed with (CRYPT-2).

    Keys are public and opaque: 32 bytes each, 64 a signature. Nothing here verifies a signature;
    who seals does. Any method may raise ``StoreError``, ``MessagingUnavailable`` and, but for
    ``list`` and ``remove``, ``Suspended``.
    """

    _calls: MailboxCalls = attrs.field(repr=False)
    _transactions: Transactions = attrs.field(repr=False)
    _advised: Callable[[Claiming], KeyClaim] = attrs.field(repr=False)

    @property
    def user(self) -> User:
        """Whose devices."""
        return self._calls.user

    def list(self) -> tuple[Device, ...]:
        """This user's devices, in order of their ids."""
        return self._transactions.run(self._calls.own_devices())

    def add(
        self,
        device: UUID | str,
        *,
        identity: bytes,
        prekey: Prekey,
        one_time_keys: Collection[Prekey] = (),
    ) -> Device:
        """Add a device under an id that it made up; adding it twice is adding it once.

        ``identity`` is its Ed25519 key, which signed the others. Raises ``InvalidId``,
        ``InvalidDevice``, ``DeviceConflict`` and ``TooManyDevices``.
        """
        call = self._calls.add_device(
            device, identity=identity, prekey=prekey, one_time_keys=one_time_keys
        )
        return self._transactions.run(call)

    def renew(
        self, device: UUID | str, *, prekey: Prekey, one_time_keys: Collection[Prekey] = ()
    ) -> Device:
        """Put other prekeys in the place of all that were left of a device.

        How many were left is never told: it would tell who was about to write. Raises
        ``AccessDenied`` for a device that this user does not have, ``InvalidDevice``.
        """
        call = self._calls.renew_device(device, prekey=prekey, one_time_keys=one_time_keys)
        return self._transactions.run(call)

    def remove(self, device: UUID | str) -> None:
        """Remove a device: nothing is sealed for it any more. Raises ``AccessDenied``."""
        self._transactions.run(self._calls.remove_device(device))

    def claim(self, other: str) -> KeyClaim:
        """Take what one message to ``other`` is sealed with: a one-time key of each device.

        Where a device has none left, its prekey is what there is. Raises what writing to ``other``
        raises (GATE-1, BLOCK-1), ``NoDevice`` where one of the two has none, and ``LimitReached``.
        """
        return self._advised(
            lambda advice: self._calls.claim_keys(other, introduction=advice.introduction)
        )

    def keys_of(self, other: str) -> KeyBundle:
        """The devices of somebody with whom this user has a conversation, to look at.

        Raises ``AccessDenied`` where there is none.
        """
        return self._transactions.run(self._calls.keys_of(other))

    def safety_number(self, other: str) -> str:
        """Sixty digits that ``other`` is shown too, while both have the same keys of each other.

        It is the directory's word: a client computes it from the keys that it uses itself, with
        ``dmcore.domain.devices.safety_number``. Raises ``AccessDenied``.
        """
        return self._transactions.run(self._calls.safety_number(other))


@attrs.frozen
class AsyncDeviceList:
    """As `DeviceList`, awaited."""

    _calls: MailboxCalls = attrs.field(repr=False)
    _transactions: AsyncTransactions = attrs.field(repr=False)
    _advised: Callable[[Claiming], Awaitable[KeyClaim]] = attrs.field(repr=False)

    @property
    def user(self) -> User:
        """As `DeviceList.user`."""
        return self._calls.user

    async def list(self) -> tuple[Device, ...]:
        """As `DeviceList.list`."""
        return await self._transactions.run(self._calls.own_devices())

    async def add(
        self,
        device: UUID | str,
        *,
        identity: bytes,
        prekey: Prekey,
        one_time_keys: Collection[Prekey] = (),
    ) -> Device:
        """As `DeviceList.add`."""
        call = self._calls.add_device(
            device, identity=identity, prekey=prekey, one_time_keys=one_time_keys
        )
        return await self._transactions.run(call)

    async def renew(
        self, device: UUID | str, *, prekey: Prekey, one_time_keys: Collection[Prekey] = ()
    ) -> Device:
        """As `DeviceList.renew`."""
        call = self._calls.renew_device(device, prekey=prekey, one_time_keys=one_time_keys)
        return await self._transactions.run(call)

    async def remove(self, device: UUID | str) -> None:
        """As `DeviceList.remove`."""
        await self._transactions.run(self._calls.remove_device(device))

    async def claim(self, other: str) -> KeyClaim:
        """As `DeviceList.claim`."""
        return await self._advised(
            lambda advice: self._calls.claim_keys(other, introduction=advice.introduction)
        )

    async def keys_of(self, other: str) -> KeyBundle:
        """As `DeviceList.keys_of`."""
        return await self._transactions.run(self._calls.keys_of(other))

    async def safety_number(self, other: str) -> str:
        """As `DeviceList.safety_number`."""
        return await self._transactions.run(self._calls.safety_number(other))
