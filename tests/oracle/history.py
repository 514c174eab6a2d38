"""Everything that can happen, as a list of events; and who the people are to whom it happens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID

OFF, READ_ONLY, REPLIES_ONLY, ON = "off", "read_only", "replies_only", "on"
MINUTE_US: Final = 60_000_000
DAY_US: Final = 86_400_000_000
NOW: Final = -1


@dataclass(frozen=True)
class Person:
    """A user of a tenant."""

    tenant: str
    name: str


@dataclass(frozen=True)
class Limit:
    """At most ``count`` in any ``window_us``."""

    count: int
    window_us: int


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What the host knows of one person."""

    role: str = "member"
    is_subscribed: bool = False
    is_staff: bool = False
    is_active: bool = True


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One way in for a sender of a role; ``None`` is for everybody."""

    sender_role: str | None = None
    needs_subscription: bool = False
    needs_connection: bool = False


@dataclass(frozen=True, kw_only=True)
class Host:
    """What the host says of its users; whoever has no profile is unknown to it."""

    profiles: dict[Person, Profile]
    connections: tuple[frozenset[Person], ...] = ()
    gates: tuple[Gate, ...] = ()

    def are_connected(self, one: Person, other: Person) -> bool:
        return frozenset((one, other)) in self.connections


@dataclass(frozen=True, kw_only=True)
class Product:
    """The rules of one product; ``host`` is there where a directory is asked."""

    messages: Limit | None = None
    starts: Limit | None = None
    absorbs: bool = False
    edit_window_us: int | None = 15 * MINUTE_US
    asks: bool = False
    request_messages: int = 1
    host: Host | None = None
    kept_us: int | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What somebody wants of others."""

    open_to: str = "everyone"
    receipts: bool = True
    typing: bool = True
    presence: bool = True


# Events ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Wrote:
    """A message was accepted."""

    actor: Person
    other: Person
    id: UUID
    text: str
    key: str | None
    reply_to: UUID | None = None
    at_us: int


@dataclass(frozen=True, kw_only=True)
class TurnedAway:
    """A limit refused: nothing happened, but the clock was looked at (LIMIT-2)."""

    actor: Person
    at_us: int


@dataclass(frozen=True, kw_only=True)
class Edited:
    """A message got another text."""

    actor: Person
    other: Person
    message: UUID
    text: str
    at_us: int


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """A message was taken back by its sender."""

    actor: Person
    other: Person
    message: UUID
    at_us: int


@dataclass(frozen=True, kw_only=True)
class Hid:
    """Somebody hid a message from themselves."""

    actor: Person
    other: Person
    message: UUID
    at_us: int


@dataclass(frozen=True, kw_only=True)
class MarkedRead:
    """A read marker moved, or what was read was told to the partner, or both."""

    actor: Person
    other: Person
    through: UUID
    at_us: int


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """Somebody changed how they have a conversation: what they did is the name of a fact."""

    actor: Person
    other: Person
    what: str
    at_us: int


CLEARED: Final = "history_cleared"
MUTED, UNMUTED = "conversation_muted", "conversation_unmuted"
ARCHIVED, UNARCHIVED = "conversation_archived", "conversation_unarchived"
ACCEPTED, DECLINED = "request_accepted", "request_declined"


@dataclass(frozen=True, kw_only=True)
class Chose:
    """Somebody changed their preferences."""

    actor: Person
    choice: Choice
    at_us: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Blocked:
    """A block began. Two blocks of the same two at the same instant are two."""

    actor: Person
    other: Person
    at_us: int


@dataclass(frozen=True, kw_only=True)
class Unblocked:
    """A block ended."""

    actor: Person
    other: Person
    at_us: int


@dataclass(frozen=True, kw_only=True)
class Turned:
    """The switch was turned."""

    actor: Person
    mode: str
    at_us: int


MUTE, SUSPEND, SHADOW_BAN = "mute", "suspend", "shadow_ban"


@dataclass(frozen=True, kw_only=True)
class Restricted:
    """A moderator took something from somebody, until an instant or for good."""

    actor: Person
    user: Person
    kind: str
    until_us: int | None
    at_us: int


@dataclass(frozen=True, kw_only=True)
class Lifted:
    """And gave it back."""

    actor: Person
    user: Person
    kind: str
    at_us: int


@dataclass(frozen=True, kw_only=True)
class Removed:
    """An operator removed for good what was kept no longer."""

    actor: Person
    messages: frozenset[UUID]
    at_us: int


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A moderator was refused what they asked about somebody, which is written down (AUD-1)."""

    actor: Person
    user: Person
    at_us: int


Event = (
    Wrote
    | TurnedAway
    | Reached
    | Edited
    | Deleted
    | Hid
    | MarkedRead
    | Sorted
    | Chose
    | Blocked
    | Unblocked
    | Turned
    | Restricted
    | Lifted
    | Removed
)

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def remembered(question: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """A question about the first ``upto`` events is answered once: what happened stays so.

    Without it every answer would be the same, and the nested readings of the list too slow.
    """

    @wraps(question)
    def ask(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        history: Any = args[0]
        known: dict[object, Answer] = history.answers
        upto = kwargs.get("upto", NOW)
        length = len(history.events) if upto == NOW else upto
        asked = (question.__qualname__, args[1:], length)
        if asked not in known:
            kwargs["upto"] = length
            known[asked] = question(*args, **kwargs)
        return known[asked]

    return ask


def concerns(event: object, one: Person, other: Person) -> bool:
    """Whether an event is something that ``one`` did to, or with, ``other``."""
    return (getattr(event, "actor", None), getattr(event, "other", None)) == (one, other)


def numbered(events: Sequence[Event], upto: int) -> list[tuple[int, Event]]:
    return list(enumerate(events[:upto]))
