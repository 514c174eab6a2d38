"""What is told to whom: the facts of a journal, each derived from the event that caused it."""

from uuid import UUID

from tests.oracle.history import (
    ACCEPTED,
    NOW,
    Blocked,
    Chose,
    Deleted,
    Edited,
    Event,
    Hid,
    MarkedRead,
    Person,
    Sorted,
    Turned,
    TurnedAway,
    Unblocked,
    Wrote,
    numbered,
    remembered,
)
from tests.oracle.oracle_views import Views

Told = tuple[object, ...]
"""Action, actor, other, whether a conversation is named, message, instant, mode."""


class Journal(Views):
    """What the journal says."""

    @remembered
    def facts(self, owner: Person, *, upto: int = NOW) -> list[Told]:
        """What the journal tells about somebody."""
        told: list[Told] = []
        for index, event in numbered(self.events, upto):
            told += self._own(owner, index, event) if event.actor == owner else []
            told += self._others(owner, index, event) if event.actor != owner else []
        return told

    def _own(self, owner: Person, index: int, event: Event) -> list[Told]:
        """Everybody is told what they did."""
        if isinstance(event, Chose):
            return [("preferences_changed", owner.name, None, False, None, event.at_us, None)]
        if isinstance(event, Turned):
            return [("mode_changed", owner.name, None, False, None, event.at_us, event.mode)]
        if isinstance(event, TurnedAway):
            return []
        if isinstance(event, Blocked | Unblocked):
            action = "user_blocked" if isinstance(event, Blocked) else "user_unblocked"
            has = self.has(owner, event.other, upto=index)
            return [_told(action, event, names_conversation=has)]
        match event:
            case Wrote():
                told = self._news(owner, event.other, index), event.id
            case MarkedRead():
                told = "marked_read", event.through
            case Edited():
                told = "message_edited", event.message
            case Deleted():
                told = "message_deleted", event.message
            case Hid():
                told = "message_hidden", event.message
            case Sorted():
                return [_told(event.what, event)]
        return [_told(told[0], event, message=told[1])]

    def _others(self, owner: Person, index: int, event: Event) -> list[Told]:
        """And of others what concerns them, and they may know."""
        if getattr(event, "other", None) != owner:
            return []
        has_declined = self.request(owner, event.actor, upto=index) == "declined"
        match event:
            case Wrote() | Edited() | Deleted() if has_declined:
                return []
            case Wrote() if self.reaches(owner, event.actor, index):
                return [_told(self._news(owner, event.actor, index), event, message=event.id)]
            case Edited() if self.is_visible(owner, event.actor, event.message, upto=index):
                return [_told("message_edited", event, message=event.message)]
            case Deleted() if self.is_visible(owner, event.actor, event.message, upto=index):
                return [_told("message_deleted", event, message=event.message)]
            case MarkedRead():
                seen = self.receipt_for(event.actor, owner, event.through, upto=index)
                return [] if seen is None else [_told("messages_seen", event, message=seen)]
            case Sorted() if event.what == ACCEPTED and not self.blocks(
                owner, event.actor, upto=index
            ):
                return [_told(ACCEPTED, event)]
            case _:
                return []

    def _news(self, owner: Person, partner: Person, index: int) -> str:
        is_known = self.has(owner, partner, upto=index)
        return "message_sent" if is_known else "conversation_started"

    def counts(self) -> dict[str, int]:
        """What an operator sees counted."""
        wrote = [event for event in self.events if isinstance(event, Wrote)]
        told = {person: self.facts(person) for person in self.people}
        return {
            "conversations": len({frozenset((it.actor, it.other)) for it in wrote}),
            "messages": len(wrote),
            "users": sum(facts != [] for facts in told.values()),
            "blocks": sum(len(self.block_list(person)) for person in self.people),
            "journal_entries": sum(map(len, told.values())),
        }


Between = Wrote | Edited | Deleted | Hid | MarkedRead | Sorted | Blocked | Unblocked


def _told(
    action: str, event: Between, *, message: UUID | None = None, names_conversation: bool = True
) -> Told:
    names = event.actor.name, event.other.name
    return (action, *names, names_conversation, message, event.at_us, None)
