"""Pages and the opaque cursors between them (PAGE-1).

A cursor holds a place in a list and a mark of the list it belongs to. It is no secret and grants
nothing; the mark makes a cursor smuggled from another list, user or conversation an error.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from typing import Final, Generic, NewType, Self, TypeVar
from uuid import UUID

import attrs

from dmcore.domain.ids import ConversationId, DeviceId, MessageId, ReportId, User, UserId
from dmcore.domain.inbox import InboxPlace
from dmcore.domain.numbers import is_whole_number
from dmcore.domain.pseudonyms import named, number_of
from dmcore.domain.reports import ReportPlace
from dmcore.errors import InvalidCursor, InvalidPageSize

Cursor = NewType("Cursor", str)
"""An opaque place in a list; hand it back to the call that gave it."""

LARGEST_PAGE: Final = 100
Item = TypeVar("Item")


def check_page_size(limit: int) -> int:
    """Return ``limit`` when it is in 1..100. Raises ``InvalidPageSize``."""
    if not is_whole_number(limit, least=1, most=LARGEST_PAGE):
        raise InvalidPageSize(LARGEST_PAGE)
    return limit


@attrs.frozen
class Page(Generic[Item]):
    """A bounded piece of a list. ``next`` continues it and is ``None`` at the end."""

    items: tuple[Item, ...]
    next: Cursor | None

    @property
    def has_more(self) -> bool:
        """Whether at least one further item follows."""
        return self.next is not None

    @classmethod
    def cut(cls, found: Sequence[Item], limit: int, place: Callable[[Item], Cursor]) -> Self:
        """A page of ``limit`` from ``found``, which was read with one item to spare."""
        items = tuple(found[:limit])
        return cls(items, place(items[-1]) if len(found) > limit else None)


@attrs.frozen(kw_only=True)
class ThreadPlace:
    """Which messages of a thread: the newest, those before a message, or those after one."""

    before: MessageId | None = None
    after: MessageId | None = None


@attrs.frozen
class DevicePlace:
    """A place in an export: among the devices, after one of them."""

    after: DeviceId


@attrs.frozen
class BlockPlace:
    """A place in an export: among the blocks, below a position."""

    before: int


@attrs.frozen
class MessagePlace:
    """A place in an export: in a conversation, after a message of it."""

    conversation: ConversationId
    after: MessageId


ExportPlace = DevicePlace | BlockPlace | ReportPlace | MessagePlace

_MARK_SIZE: Final = 8
_UUID_SIZE: Final = 16
_POSITION_SIZE: Final = 8
_REPORT_SIZE: Final = _POSITION_SIZE + _UUID_SIZE
# Of another size than any other place.
_OF_DEVICE: Final = b"d"
_DEVICE_SIZE: Final = len(_OF_DEVICE) + _UUID_SIZE


@attrs.frozen
class CursorScope:
    """The list that cursors belong to: its name, its reader and what it is a list of."""

    name: str
    user: User
    subject: str = ""

    def message(self, message: MessageId) -> Cursor:
        return self._cursor(message.bytes)

    def read_message(self, cursor: str) -> MessageId:
        return MessageId(UUID(bytes=self._payload(cursor, _UUID_SIZE)))

    def inbox(self, place: InboxPlace) -> Cursor:
        return self._cursor(place.newest.bytes + place.conversation.bytes)

    def read_inbox(self, cursor: str) -> InboxPlace:
        payload = self._payload(cursor, 2 * _UUID_SIZE)
        return InboxPlace(
            newest=MessageId(UUID(bytes=payload[:_UUID_SIZE])),
            conversation=ConversationId(UUID(bytes=payload[_UUID_SIZE:])),
        )

    def position(self, position: int) -> Cursor:
        return self._cursor(position.to_bytes(_POSITION_SIZE, "big"))

    def read_position(self, cursor: str) -> int:
        return _position_of(self._payload(cursor, _POSITION_SIZE))

    def report(self, place: ReportPlace) -> Cursor:
        time = place.made_at_us.to_bytes(_POSITION_SIZE, "big", signed=True)
        return self._cursor(time + place.id.bytes)

    def read_report(self, cursor: str) -> ReportPlace:
        return _report_place(self._payload(cursor, _REPORT_SIZE))

    def pseudonym(self, name: UserId) -> Cursor:
        return self._cursor(number_of(name).bytes)

    def read_pseudonym(self, cursor: str) -> UserId:
        return named(UUID(bytes=self._payload(cursor, _UUID_SIZE)))

    def export(self, place: ExportPlace) -> Cursor:
        if isinstance(place, BlockPlace):
            return self.position(place.before)
        if isinstance(place, ReportPlace):
            return self.report(place)
        if isinstance(place, DevicePlace):
            return self._cursor(_OF_DEVICE + place.after.bytes)
        return self._cursor(place.conversation.bytes + place.after.bytes)

    def read_export(self, cursor: str) -> ExportPlace:
        sizes = (_POSITION_SIZE, _DEVICE_SIZE, _REPORT_SIZE, 2 * _UUID_SIZE)
        payload = self._payload(cursor, *sizes)
        if len(payload) == _POSITION_SIZE:
            return BlockPlace(_position_of(payload))
        if len(payload) == _REPORT_SIZE:
            return _report_place(payload)
        if len(payload) == _DEVICE_SIZE:
            return DevicePlace(DeviceId(UUID(bytes=payload[len(_OF_DEVICE) :])))
        return MessagePlace(
            ConversationId(UUID(bytes=payload[:_UUID_SIZE])),
            MessageId(UUID(bytes=payload[_UUID_SIZE:])),
        )

    def _mark(self) -> bytes:
        parts = (self.name, self.user.tenant, self.user.id, self.subject)
        return hashlib.sha256("\0".join(parts).encode()).digest()[:_MARK_SIZE]

    def _cursor(self, payload: bytes) -> Cursor:
        return Cursor(_encoded(self._mark() + payload))

    def _payload(self, cursor: str, *sizes: int) -> bytes:
        content = _decoded(cursor)
        mark, payload = content[:_MARK_SIZE], content[_MARK_SIZE:]
        if len(payload) not in sizes or mark != self._mark():
            raise InvalidCursor
        return payload


def _position_of(payload: bytes) -> int:
    # The first bit is left out: a position is never negative in any store.
    return int.from_bytes(payload, "big") & (1 << 63) - 1


def _report_place(payload: bytes) -> ReportPlace:
    time, id_ = payload[:_POSITION_SIZE], payload[_POSITION_SIZE:]
    return ReportPlace(
        made_at_us=int.from_bytes(time, "big", signed=True),
        id=ReportId(UUID(bytes=id_)),
    )


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(cursor: str) -> bytes:
    """The bytes of a cursor; none at all for a text that no cursor has."""
    try:
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (TypeError, ValueError):
        return b""
    # Decoding is lenient about letters and spare bits; a cursor has one spelling only.
    return content if _encoded(content) == cursor else b""
