"""What was so, as of the first so many events: blocks, choices, and who ever got which message."""

from dataclasses import dataclass, field
from uuid import UUID

from tests.oracle.history import (
    CLEARED,
    NOW,
    OFF,
    Blocked,
    Choice,
    Chose,
    Deleted,
    Edited,
    Event,
    Hid,
    Person,
    Product,
    Profile,
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
        """Whether an event is a message that one wrote to another, or got from them: none is got
        from somebody whom one blocks, then or later.
        """
        event = self.events[index]
        if not isinstance(event, Wrote):
            return False
        is_absorbed = self.blocks(viewer, other, upto=index)
        return concerns(event, viewer, other) or (
            concerns(event, other, viewer) and not is_absorbed
        )

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
        """What they see: nothing of somebody whom they block."""
        is_blocking = self.blocks(viewer, other, upto=upto)
        return [
            message
            for message in self.shown(viewer, other, upto=upto)
            if message.actor == viewer or not is_blocking
        ]

    def is_visible(self, viewer: Person, other: Person, id_: UUID, *, upto: int = NOW) -> bool:
        return id_ in {message.id for message in self.visible(viewer, other, upto=upto)}

    @remembered
    def is_deleted(self, id_: UUID, *, upto: int = NOW) -> bool:
        return any(
            isinstance(event, Deleted) and event.message == id_ for event in self.events[:upto]
        )

    @remembered
    def edit_seen_by(self, viewer: Person, id_: UUID, *, upto: int = NOW) -> Edited | None:
        """The last edit that somebody knows of: none that was made while they blocked."""
        edits = [
            event
            for index, event in numbered(self.events, upto)
            if isinstance(event, Edited)
            and event.message == id_
            and (event.actor == viewer or not self.blocks(viewer, event.actor, upto=index))
        ]
        return edits[-1] if edits else None

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
