"""A device: it makes its keys, seals for the devices of two people, and opens what is for it.

Owns the protocol ``hpke-v1`` (ADR 62): RFC 9180 in base mode with X25519, HKDF-SHA256 and
ChaCha20-Poly1305, signed with Ed25519. It trusts no server: what it is handed is verified here.
"""

import secrets
import time
from typing import Final, Self
from uuid import UUID, uuid4

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from dmcore.adapters.e2ee._bytes import (
    FRANKING_KEY_SIZE,
    LARGEST_TEXT,
    PROTOCOL,
    VERSION,
    Header,
    Route,
    context,
    padded,
    prekey_statement,
    signed_statement,
)
from dmcore.adapters.e2ee._contents import Opened, Unopened
from dmcore.adapters.e2ee._memory import Known, Memory
from dmcore.adapters.e2ee._opening import opened
from dmcore.adapters.e2ee._passphrase import locked, unlocked
from dmcore.adapters.e2ee._suite import SUITE, is_signed, named_key
from dmcore.domain.body import BodyRules, parse_body
from dmcore.domain.devices import KeyBundle, KeyClaim, Prekey, safety_number
from dmcore.domain.envelope import Envelope, SealedPart
from dmcore.domain.franking import Disclosure, commitment_to
from dmcore.domain.ids import (
    DeviceId,
    MessageId,
    User,
    UserId,
    parse_device_id,
    parse_message_id,
    parse_tenant_id,
    parse_user_id,
)
from dmcore.domain.message import Message
from dmcore.errors import InvalidEnvelope, InvalidReport, UntrustedKeys

_ONE_TIME_KEYS: Final = 50
_NS_IN_US: Final = 1_000


@attrs.frozen(kw_only=True)
class Enrolment:
    """What the directory is told of a new device: ``mailbox.devices.add(**attrs.asdict(…))``."""

    device: DeviceId
    identity: bytes = attrs.field(repr=False)
    prekey: Prekey
    one_time_keys: tuple[Prekey, ...]


@attrs.frozen(kw_only=True)
class Renewal:
    """Other prekeys for the same device: ``mailbox.devices.renew(…)``."""

    device: DeviceId
    prekey: Prekey
    one_time_keys: tuple[Prekey, ...]


class SealingDevice:
    """One device of one user, with all that only it knows. For one thread at a time.

    Whatever changes it is lost unless ``exported`` is kept afterwards: above all what it opened,
    because the key that opened it is gone from then on.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._identity = Ed25519PrivateKey.from_private_bytes(memory.identity)

    @classmethod
    def new(cls, user: str, *, tenant: str = "") -> Self:
        """A device of ``user`` that nobody knows yet."""
        memory = Memory(
            tenant=parse_tenant_id(tenant),
            user=parse_user_id(user),
            device=parse_device_id(uuid4()),
            identity=Ed25519PrivateKey.generate().private_bytes_raw(),
        )
        return cls(memory)

    @classmethod
    def imported(cls, file: bytes, passphrase: str) -> Self:
        """The device that was exported: the same one, so only one of the two may go on.

        Raises ``WrongPassphrase``.
        """
        return cls(Memory.read(unlocked(file, passphrase)))

    def exported(self, passphrase: str) -> bytes:
        """All that the device knows, for nobody without the passphrase."""
        return locked(self._memory.written(), passphrase)

    @property
    def id(self) -> DeviceId:
        """The name that it made up for itself."""
        return self._memory.device

    @property
    def user(self) -> User:
        """Whose device it is."""
        return User(self._memory.tenant, self._memory.user)

    # Its own keys -------------------------------------------------------------------------------

    def enrolment(self, *, one_time_keys: int = _ONE_TIME_KEYS) -> Enrolment:
        """What to add to the directory."""
        renewal = self.renewal(one_time_keys=one_time_keys)
        return Enrolment(
            device=self.id,
            identity=self._identity.public_key().public_bytes_raw(),
            prekey=renewal.prekey,
            one_time_keys=renewal.one_time_keys,
        )

    def renewal(self, *, one_time_keys: int = _ONE_TIME_KEYS) -> Renewal:
        """New prekeys, to be put in the place of the old ones now and then.

        The last prekeys are kept, and the newest one-time keys: a message may be on its way.
        """
        prekey = self._made(is_one_time=False)
        one_time = tuple(self._made(is_one_time=True) for _ in range(one_time_keys))
        self._memory.drop_old_keys()
        return Renewal(device=self.id, prekey=prekey, one_time_keys=one_time)

    def _made(self, *, is_one_time: bool) -> Prekey:
        private, number = X25519PrivateKey.generate(), self._memory.number()
        public = private.public_key().public_bytes_raw()
        kept = self._memory.one_time if is_one_time else self._memory.prekeys
        kept[number] = private.private_bytes_raw()
        statement = prekey_statement(
            self.user.tenant,
            self.user.id,
            self.id,
            is_one_time=is_one_time,
            number=number,
            key=public,
        )
        return Prekey(number=number, public=public, signature=self._identity.sign(statement))

    # Keys of others -----------------------------------------------------------------------------

    def learn(self, bundle: KeyBundle) -> tuple[DeviceId, ...]:
        """Verify somebody's keys and remember whose they are; return which devices were added.

        Those that ``seal`` met since this was asked last are among them, and one that was removed
        and is back. Raises ``UntrustedKeys`` where a signature is wrong, where a device has another
        identity key than before, or where anything changed since the two compared their number.
        """
        known = self._learned(bundle)
        added, known.untold = known.untold, set()
        return tuple(it.device.id for it in bundle.devices if it.device.id in added)

    def _learned(self, bundle: KeyBundle) -> Known:
        for keys in bundle.devices:
            signed = [(keys.device.prekey, False)]
            signed += [(keys.one_time, True)] if keys.one_time is not None else []
            for prekey, is_one_time in signed:
                statement = prekey_statement(
                    self.user.tenant,
                    bundle.user,
                    keys.device.id,
                    is_one_time=is_one_time,
                    number=prekey.number,
                    key=prekey.public,
                )
                if not is_signed(keys.device.identity, prekey.signature, statement):
                    raise UntrustedKeys("a key is not signed by its device")
        found = {keys.device.id: keys.device.identity for keys in bundle.devices}
        known = self._memory.known.setdefault(bundle.user, Known())
        if any(known.identities.get(device, key) != key for device, key in found.items()):
            raise UntrustedKeys("a device has another identity key than before")
        if known.is_compared and set(found) != known.present:
            raise UntrustedKeys("devices changed since the two of you compared your number")
        known.identities |= found
        known.untold = (known.untold | (set(found) - known.present)) & set(found)
        known.present = set(found)
        return known

    def safety_number(self, other: str) -> str:
        """Sixty digits to compare with what ``other`` sees, over another way than this one."""
        mine, theirs = self._identities_of(self.user.id), self._identities_of(UserId(other))
        return safety_number(self.user.id, mine, UserId(other), theirs)

    def compared(self, other: str) -> None:
        """Remember that the number is the same: from now on a change is refused, not just told."""
        self._memory.known[UserId(other)].is_compared = True

    def accept_changes(self, other: str) -> None:
        """Take what changed: the number is to be compared anew."""
        self._memory.known[UserId(other)].is_compared = False

    def _identities_of(self, user: UserId) -> list[bytes]:
        known = self._memory.known.get(user, Known())
        return [known.identities[device] for device in known.present]

    # Sealing ------------------------------------------------------------------------------------

    def seal(
        self,
        text: str,
        claim: KeyClaim,
        *,
        to: str,
        edits: UUID | str | None = None,
        rules: BodyRules | None = None,
    ) -> Envelope:
        """Seal a text for every device of this user and of ``to``, with what was claimed for it.

        ``edits`` is the message that it gives another text, if it does. ``rules`` are those of the
        site for texts: nobody else can check them. Keep the envelope until it is acknowledged: a
        retry sends the same one. Raises ``InvalidBody``, ``UntrustedKeys``, and
        ``InvalidEnvelope`` for a text that is too long to be sealed, or for so many devices.
        """
        body = parse_body(text, rules or BodyRules())
        if len(body.text.encode()) > LARGEST_TEXT:
            raise InvalidEnvelope(f"a sealed text has at most {LARGEST_TEXT} bytes")
        for bundle in (claim.own, claim.other):
            self._learned(bundle)
        present = {keys.device.id: keys.device.identity for keys in claim.own.devices}
        is_listed = present.get(self.id) == self._identity.public_key().public_bytes_raw()
        if (claim.own.user, claim.other.user) != (self.user.id, UserId(to)) or not is_listed:
            raise UntrustedKeys("these are not the keys of these two people")
        # Always more, and by how much says when and not how many: of what never arrived, or went to
        # somebody else, nobody learns (MOD-4).
        self._memory.sequence = max(self._memory.sequence + 1, time.time_ns() // _NS_IN_US)
        header = Header(
            sequence=self._memory.sequence,
            number=uuid4(),
            edits=None if edits is None else parse_message_id(edits),
        ).written()
        franking_key = secrets.token_bytes(FRANKING_KEY_SIZE)
        commitment = commitment_to(body.text, franking_key)
        route = Route(
            tenant=self.user.tenant,
            sender=self.user.id,
            device=self.id,
            recipient=claim.other.user,
        )

        def parts(bundle: KeyBundle) -> tuple[SealedPart, ...]:
            sealed = []
            for keys in bundle.devices:
                key = keys.one_time or keys.device.prekey
                named = named_key(key.number, is_one_time=keys.one_time is not None)
                info = context(
                    route,
                    owner=bundle.user,
                    device=keys.device.id,
                    key=named,
                    header=header,
                    commitment=commitment,
                )
                content = _sealed(padded(body.text, franking_key), key.public, info)
                sealed.append(SealedPart(device=keys.device.id, ciphertext=named + content))
            return tuple(sorted(sealed, key=lambda part: part.device))

        own, other = parts(claim.own), parts(claim.other)
        changes = (claim.own.key_changes, claim.other.key_changes)
        statement = signed_statement(
            route, changes=changes, header=header, commitment=commitment, own=own, other=other
        )
        return Envelope(
            protocol=PROTOCOL,
            version=VERSION,
            device=self.id,
            own_changes=changes[0],
            other_changes=changes[1],
            header=header,
            commitment=commitment,
            signature=self._identity.sign(statement),
            own=own,
            other=other,
        )

    # Opening ------------------------------------------------------------------------------------

    def open(self, message: Message, *, partner: str) -> Opened | Unopened:
        """Open a message of the conversation with ``partner``; never an error, whatever it holds.

        What was opened is remembered, and its one-time key is gone. The sender's keys have to be
        learned before, from ``mailbox.devices.keys_of``.
        """
        return opened(self._memory, message, UserId(partner))

    def disclosure(self, message: UUID | str) -> Disclosure:
        """What proves a message of the other's that this device opened, for a report.

        It holds whatever became of the message since. Raises ``InvalidReport`` for one that was
        never opened here, or is one's own.
        """
        id_ = parse_message_id(message)
        opened_, origin = self._memory.opened.get(id_), self._memory.origins.get(id_)
        if opened_ is None or origin is None or origin.tag is None:
            raise InvalidReport("this device did not open such a message of somebody else")
        return Disclosure(
            message=id_,
            sender=origin.sender,
            text=opened_.text,
            sent_at_us=origin.sent_at_us,
            edited_at_us=origin.edited_at_us,
            tag=origin.tag,
            key=opened_.franking_key,
        )

    def forget(self, message: MessageId) -> None:
        """Forget what a message said: it was taken back, or is too old."""
        self._memory.opened.pop(message, None)
        self._memory.origins.pop(message, None)


def _sealed(content: bytes, key: bytes, info: bytes) -> bytes:
    """Sealed for who has the key to ``key``. Raises ``UntrustedKeys`` for a weak one."""
    try:
        return SUITE.encrypt(content, X25519PublicKey.from_public_bytes(key), info)
    except ValueError:
        pass
    raise UntrustedKeys("a key is none that anything could be sealed with")
