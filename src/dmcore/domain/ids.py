"""The ids of the product: how each is read, derived and ordered.

Ids exist only in valid form: a string from outside becomes an id here or not at all.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from typing import Final, NewType, overload
from uuid import UUID

import attrs

from dmcore.errors import InvalidId, InvalidKey

UserId = NewType("UserId", str)
"""A host's user, as text: 1..255 code points, compared byte for byte (spec section 1, EMB-5)."""
TenantId = NewType("TenantId", str)
"""A host's organisation, the same kind of text; ``""`` where there is only one (TEN-1)."""
Key = NewType("Key", str)
"""An idempotency key, scoped to (conversation, sender), of the same form as a user id (MSG-3)."""
ConversationId = NewType("ConversationId", UUID)
"""UUIDv8 derived from installation namespace, tenant and pair (PAIR-1)."""
MessageId = NewType("MessageId", UUID)
"""UUIDv7 that grows within its conversation: sort key, cursor and read marker (MSG-2)."""
ReportId = NewType("ReportId", UUID)
"""A UUID that tells nothing; a report made under a key has the one that belongs to the key."""

DeviceId = NewType("DeviceId", UUID)
"""A UUID that a device made up for itself; it is one of its user's (CRYPT-2)."""

ConsumerName = NewType("ConsumerName", str)
"""The operator's word for somebody to whom events leave, of the same form as a user id (OPS-8)."""

LONGEST_ID: Final = 255


@attrs.frozen
class User:
    """A user of a tenant: users of different tenants are different whatever their ids (TEN-1)."""

    tenant: TenantId
    id: UserId


def parse_user_id(text: str) -> UserId:
    """Read a user id. Raises ``InvalidId``."""
    return UserId(_parse("user", text))


def parse_tenant_id(text: str) -> TenantId:
    """Read a tenant id; the empty text is the default tenant. Raises ``InvalidId``."""
    if text == "":
        return TenantId("")
    return TenantId(_parse("tenant", text))


def parse_consumer_name(text: str) -> ConsumerName:
    """Read the name of a consumer of events. Raises ``InvalidId``."""
    return ConsumerName(_parse("consumer", text))


def parse_key(text: str) -> Key:
    """Read an idempotency key. Raises ``InvalidKey``."""
    reason = _fault_of(text)
    if reason is not None:
        raise InvalidKey(reason)
    return Key(text)


def parse_conversation_id(value: UUID | str) -> ConversationId:
    """Read a conversation id. Raises ``InvalidId``; whether it exists is another question."""
    return ConversationId(_parse_uuid("conversation", value))


def parse_message_id(value: UUID | str) -> MessageId:
    """Read a message id. Raises ``InvalidId``; whether it exists is another question."""
    return MessageId(_parse_uuid("message", value))


def parse_report_id(value: UUID | str) -> ReportId:
    """Read a report id. Raises ``InvalidId``; whether it exists is another question."""
    return ReportId(_parse_uuid("report", value))


def parse_device_id(value: UUID | str) -> DeviceId:
    """Read a device id. Raises ``InvalidId``; whether it exists is another question."""
    return DeviceId(_parse_uuid("device", value))


def _parse(kind: str, text: str) -> str:
    reason = _fault_of(text)
    if reason is not None:
        raise InvalidId(kind, reason)
    return text


def _fault_of(text: object) -> str | None:
    # Callers without a type checker hand in numbers and None: they get the typed error as well.
    if not isinstance(text, str):
        return "it is not text"
    if text == "":
        return "it is empty"
    if len(text) > LONGEST_ID:
        return f"it is longer than {LONGEST_ID} characters"
    # Almost every id is printable: then it has no category C character and needs no closer look.
    if text.isprintable():
        return None
    categories = {unicodedata.category(character) for character in text}
    if "Cc" in categories:
        return "it holds a control character"
    if "Cs" in categories:
        return "it holds a lone surrogate"
    return None


def _parse_uuid(kind: str, value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    if isinstance(value, str) and len(value) == 36:  # noqa: PLR2004 - the canonical form
        try:
            parsed = UUID(value)
        except ValueError:
            parsed = None
        if parsed is not None and str(parsed) == value.lower():
            return parsed
    raise InvalidId(kind, "it is not a UUID")


def derive_conversation_id(namespace: bytes, *parts: str) -> ConversationId:
    """The UUIDv8 that is the conversation of ``parts`` (tenant, low, high) here (PAIR-1).

    ``namespace`` is the installation's secret of 16 bytes, so an id tells an outsider nothing. Each
    part is written with its length before it: no two different triples are the same bytes.
    """
    return ConversationId(_derived(namespace, *parts))


def installation_mark(namespace: bytes) -> str:
    """What tells installations apart, and nothing of their secret."""
    return str(derive_conversation_id(namespace, "ledger"))


def derive_report_id(namespace: bytes, reporter: User, key: Key) -> ReportId:
    """The id of what ``reporter`` reports under ``key``: repeating it finds what is there.

    It has one part more than that of a conversation, so the two are never the same bytes.
    """
    return ReportId(_derived(namespace, "report", reporter.tenant, reporter.id, key))


def derive_flag_id(
    namespace: bytes, conversation: ConversationId, message: MessageId, flags: Sequence[str]
) -> ReportId:
    """The id of what screening reports of a message for these reasons: that is reported once."""
    return ReportId(_derived(namespace, "flagged", str(conversation), str(message), *flags))


def new_report_id(now_us: int, entropy: int) -> ReportId:
    """The id of a report that was made without a key."""
    return ReportId(next_message_id(now_us, entropy, None))


def _derived(namespace: bytes, *parts: str) -> UUID:
    digest = hashlib.sha256(namespace)
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    number = int.from_bytes(digest.digest()[:16], "big")
    return UUID(int=_stamped(number, version=8))


_VERSION_BITS: Final = 0xF << 76
_VARIANT_BITS: Final = 0x3 << 62
_LOW_BITS: Final = (1 << 62) - 1
_MIDDLE_BITS: Final = (1 << 12) - 1
_LARGEST_UUID: Final = (1 << 128) - 1
_LARGEST_MS: Final = (1 << 48) - 1


def _stamped(number: int, *, version: int) -> int:
    cleared = number & ~(_VERSION_BITS | _VARIANT_BITS)
    return cleared | version << 76 | 0x2 << 62


def next_message_id(now_us: int, entropy: int, after: MessageId | None) -> MessageId:
    """A UUIDv7 for the instant ``now_us``, greater than ``after`` whatever the clock says (MSG-2).

    The twelve bits behind the milliseconds hold the fraction of one, so ids of different
    conversations sort by time to the microsecond; 62 bits are ``entropy``. Where the clock has not
    moved past ``after`` (same microsecond, or it jumped back), the id continues from ``after`` by a
    random step of 32 bits, so order holds and the next id still cannot be guessed.
    """
    milliseconds, rest_us = divmod(min(max(now_us, 0), _LARGEST_MS * 1000 + 999), 1000)
    fraction = rest_us * (_MIDDLE_BITS + 1) // 1000
    fresh = milliseconds << 74 | fraction << 62 | entropy & _LOW_BITS
    if after is not None:
        fresh = max(fresh, _payload(after) + 1 + (entropy & 0xFFFFFFFF))
    return MessageId(UUID(int=_spread(fresh)))


def lowest_message_id(at_us: int) -> MessageId:
    """The lowest id that a message of the instant ``at_us`` can have; of any later one it is
    higher.
    """
    return next_message_id(at_us, 0, None)


@overload
def neighbour_of(message: MessageId, step: int) -> MessageId: ...
@overload
def neighbour_of(message: MessageId | None, step: int) -> MessageId | None: ...
def neighbour_of(message: MessageId | None, step: int) -> MessageId | None:
    """The place directly after (``step`` 1) or before (-1) a message, where no message can be."""
    if message is None:
        return None
    return MessageId(UUID(int=min(max(message.int + step, 0), _LARGEST_UUID)))


def _payload(message: MessageId) -> int:
    """The 122 bits of an id that are not version or variant, in order."""
    number = message.int
    return (number >> 80) << 74 | (number >> 64 & _MIDDLE_BITS) << 62 | number & _LOW_BITS


def _spread(payload: int) -> int:
    number = (payload >> 74) << 80 | (payload >> 62 & _MIDDLE_BITS) << 64 | payload & _LOW_BITS
    return _stamped(number, version=7)
