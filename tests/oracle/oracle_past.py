"""What was so, as of the first so many events: blocks, choices, and who ever got which message."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from tests.oracle.history import (
    CLEARED,
    NOW,
    OFF,
    SHADOW_BAN,
    Blocked,
    Choice,
    Chose,
    Deleted,
    Edited,
    Event,
    Hid,
    Lifted,
    Person,
    Product,
    Profile,
    Removed,
    Restricted,
    Sorted,
    Turned,
    Unblocked,
    Wrote,
    concerns,
    numbered,
    remembered,
)


@dataclass
class Past:
    """What happened, and what follows from it without any view of a conversation."""

    people: tuple[Person, ...]
    product: Product
    events: list[Event] = field(default_factory=list)
    answers: dict[object, object] = field(default_factory=dict, repr=False)
    moderators: tuple[Person, ...] = ()
    now_us: Callable[[], int] = lambda: 0

    # What was so ---------------------------------------------------------------------------------

    @remembered
    def blocks(self, blocker: Person, other: Person, *, upto: int = NOW) -> bool:
        """Whether one blocks another: the last word between them counts."""
        words = [
            event
            for event in self.events[:upto]
            if isinstance(event, Blocked | Unblocked) and concerns(event, blocker, other)
        ]
        return bool(words) and isinstance(words[-1], Blocked)

    @remembered
    def mode(self, *, upto: int = NOW) -> str:
        turns = [event.mode for event in self.events[:upto] if isinstance(event, Turned)]
        return turns[-1] if turns else OFF

    @remembered
    def choice(self, person: Person, *, upto: int = NOW) -> Choice:
        chosen = [
            event.choice
            for event in self.events[:upto]
            if isinstance(event, Chose) and event.actor == person
        ]
        return chosen[-1] if chosen else Choice()

    @remembered
    def word_on(self, person: Person, kind: str, *, upto: int = NOW) -> Restricted | Lifted | None:
        """The last that a moderator decided about somebody, in one respect."""
        words = [
            event
            for event in self.events[:upto]
            if isinstance(event, Restricted | Lifted) and (event.user, event.kind) == (person, kind)
        ]
        return words[-1] if words else None

    def is_restricted(
        self, person: Person, kind: str, *, now_us: int | None = None, upto: int = NOW
    ) -> bool:
        """Whether it holds at an instant, or now; an end that has passed says nothing."""
        word = self.word_on(person, kind, upto=upto)
        if not isinstance(word, Restricted):
            return False
        at_us = self.now_us() if now_us is None else now_us
        return word.until_us is None or at_us < word.until_us

    def is_hidden(self, index: int) -> bool:
        """Whether an event is of somebody whom nobody else may notice at that moment."""
        event = self.events[index]
        return self.is_restricted(event.actor, SHADOW_BAN, now_us=event.at_us, upto=index)

    def profile(self, person: Person) -> Profile | None:
        host = self.product.host
        return host.profiles.get(person) if host is not None else Profile()

    def neighbours(self, person: Person) -> list[Person]:
        return [it for it in self.people if it.tenant == person.tenant and it != person]

    # Messages ------------------------------------------------------------------------------------

    def between(self, one: Person, other: Person) -> list[Wrote]:
        """The messages of two people in the order of acceptance."""
        return [
            event
            for event in self.events
            if isinstance(event, Wrote) and {event.actor, event.other} == {one, other}
        ]

    def reaches(self, viewer: Person, other: Person, index: int) -> bool:
        """Whether an event is a message that one wrote to another, or got from them.

        None is got from somebody whom one blocks, or whom a moderator hides, then or later; nor is
        what would begin, with one who is not open to it, what its sender has begun unheard.
        """
        event = self.events[index]
        if not isinstance(event, Wrote):
            return False
        if concerns(event, viewer, other):
            return True
        if not concerns(event, other, viewer) or self.is_hidden(index):
            return False
        is_begun_unheard = self.has(other, viewer, upto=index) and not self.has(
            viewer, other, upto=index
        )
        is_closed = self.choice(viewer, upto=index).open_to != "everyone"
        return not self.blocks(viewer, other, upto=index) and not (is_begun_unheard and is_closed)

    @remembered
    def reached(self, viewer: Person, other: Person, *, upto: int = NOW) -> list[Wrote]:
        """What ever came before somebody's eyes, or would have but for what they did themselves."""
        return [
            event
            for index, event in numbered(self.events, upto)
            if isinstance(event, Wrote) and self.reaches(viewer, other, index)
        ]

    @remembered
    def has(self, viewer: Person, other: Person, *, upto: int = NOW) -> bool:
        """Whether there is a conversation for somebody."""
        return self.reached(viewer, other, upto=upto) != []

    @remembered
    def shown(self, viewer: Person, other: Person, *, upto: int = NOW) -> list[Wrote]:
        """What of it they neither hid nor cleared: a block of their own set aside."""
        left: list[Wrote] = []
        for index, event in numbered(self.events, upto):
            if isinstance(event, Wrote) and self.reaches(viewer, other, index):
                left.append(event)
            if isinstance(event, Hid) and concerns(event, viewer, other):
                left = [message for message in left if message.id != event.message]
            if self.is_sorted(event, viewer, other, CLEARED):
                left = []
        return left

    def visible(self, viewer: Person, other: Person, *, upto: int = NOW) -> list[Wrote]:
        """What they see: nothing of somebody whom they block, and now nothing that is gone."""
        is_blocking = self.blocks(viewer, other, upto=upto)
        shown = self.shown(viewer, other, upto=upto)
        return [
            message
            for message in (self.left(shown) if upto == NOW else shown)
            if message.actor == viewer or not is_blocking
        ]

    def left(self, messages: list[Wrote]) -> list[Wrote]:
        """What of it is there yet."""
        return [it for it in messages if not (self.is_expired(it.id) or self.is_removed(it.id))]

    def is_expired(self, id_: UUID, *, now_us: int | None = None, at_least_us: int = 0) -> bool:
        """Whether the time of a message is over: that of all before it in its conversation, too."""
        kept_us = self.product.kept_us
        if kept_us is None:
            return False
        message = self.message(id_)
        before = [it for it in self.between(message.actor, message.other) if it.id <= id_]
        at_us = self.now_us() if now_us is None else now_us
        return at_us - max(it.at_us for it in before) >= max(kept_us, at_least_us)

    @remembered
    def is_removed(self, id_: UUID, *, upto: int = NOW) -> bool:
        return any(
            isinstance(event, Removed) and id_ in event.messages for event in self.events[:upto]
        )

    def is_visible(self, viewer: Person, other: Person, id_: UUID, *, upto: int = NOW) -> bool:
        return id_ in {message.id for message in self.visible(viewer, other, upto=upto)}

    @remembered
    def is_deleted(self, id_: UUID, *, upto: int = NOW) -> bool:
        return any(
            isinstance(event, Deleted) and event.message == id_ for event in self.events[:upto]
        )

    def message(self, id_: UUID) -> Wrote:
        return next(it for it in self.events if isinstance(it, Wrote) and it.id == id_)

    @remembered
    def edit_seen_by(self, viewer: Person, id_: UUID, *, upto: int = NOW) -> Edited | None:
        """The last edit that somebody knows of: none from behind their block, or a moderator's."""
        last: Edited | None = None
        for index, event in numbered(self.events, upto):
            if not isinstance(event, Edited) or event.message != id_:
                continue
            is_kept = self.blocks(viewer, event.actor, upto=index) or self.is_hidden(index)
            # What says the same as before follows an edit that this viewer never saw.
            had = self.message(id_).text if last is None else last.text
            if event.actor == viewer or not (is_kept or event.text == had):
                last = event
        return last

    def text_seen_by(self, viewer: Person, message: Wrote) -> str | None:
        if self.is_deleted(message.id):
            return None
        edit = self.edit_seen_by(viewer, message.id)
        return edit.text if edit is not None else message.text

    def links(self, viewer: Person, message: Wrote) -> tuple[UUID | None, UUID | None]:
        """The message that one answers, and the first of that chain, as somebody knows them."""
        partner = message.other if viewer == message.actor else message.actor
        for target in self.reached(viewer, partner):
            if target.id == message.reply_to:
                return target.id, self.links(viewer, target)[1] or target.id
        return None, None

    @staticmethod
    def is_sorted(event: Event, actor: Person, other: Person, *what: str) -> bool:
        return isinstance(event, Sorted) and event.what in what and concerns(event, actor, other)
