"""What is told to whom: the facts of a journal, each derived from the event that caused it."""

from typing import Final
from uuid import UUID

from tests.oracle.history import (
    ACCEPTED,
    MUTE,
    NOW,
    SHADOW_BAN,
    SUSPEND,
    Blocked,
    Chose,
    Deleted,
    Edited,
    Event,
    Hid,
    Lifted,
    MarkedRead,
    Person,
    Reached,
    Removed,
    Restricted,
    Sorted,
    Turned,
    TurnedAway,
    Unblocked,
    Wrote,
    numbered,
    remembered,
)
from tests.oracle.oracle_views import Views

_DECIDED: Final = {
    (Restricted, MUTE): "user_muted",
    (Lifted, MUTE): "user_unmuted",
    (Restricted, SUSPEND): "user_suspended",
    (Lifted, SUSPEND): "user_unsuspended",
    (Restricted, SHADOW_BAN): "user_shadow_banned",
    (Lifted, SHADOW_BAN): "user_shadow_ban_lifted",
}

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

    def feed(self, owner: Person, *, after: int = 0) -> list[Told]:
        """What the feed tells somebody of all but the first ``after`` facts: nothing of a partner
        whom they block.
        """
        blocked = {line.other.name for line in self.block_list(owner)}
        return [
            fact
            for fact in self.facts(owner)[after:]
            if fact[1] not in blocked
            and not (isinstance(fact[4], UUID) and self.is_expired(fact[4]))
        ]

    def _own(self, owner: Person, index: int, event: Event) -> list[Told]:
        """Everybody is told what they did."""
        if isinstance(event, Chose):
            return [("preferences_changed", owner.name, None, False, None, event.at_us, None)]
        if isinstance(event, Turned):
            return [("mode_changed", owner.name, None, False, None, event.at_us, event.mode)]
        if isinstance(event, Removed):
            return [("messages_pruned", owner.name, None, False, None, event.at_us, None)]
        if isinstance(event, TurnedAway):
            return []
        if isinstance(event, Restricted | Lifted | Reached):
            return [_decided(event, owner, event.user.name)]
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
        if isinstance(event, Restricted | Lifted):
            # In their own name, and nothing of what they must not notice.
            is_told = event.user == owner and event.kind != SHADOW_BAN
            return [_decided(event, owner, None)] if is_told else []
        if getattr(event, "other", None) != owner:
            return []
        has_declined = self.request(owner, event.actor, upto=index) == "declined"
        match event:
            case Wrote() | Edited() | Deleted() if has_declined:
                return []
            case Wrote() if self.reaches(owner, event.actor, index):
                return [_told(self._news(owner, event.actor, index), event, message=event.id)]
            case Edited() | Deleted() if self._notices_change(owner, event, index):
                is_edit = isinstance(event, Edited)
                action = "message_edited" if is_edit else "message_deleted"
                return [_told(action, event, message=event.message)]
            case MarkedRead():
                seen = self.receipt_of(index)
                return [] if seen is None else [_told("messages_seen", event, message=seen)]
            case Sorted() if event.what == ACCEPTED and not (
                self.blocks(owner, event.actor, upto=index) or self.is_hidden(index)
            ):
                return [_told(ACCEPTED, event)]
            case _:
                return []

    def _notices_change(self, owner: Person, event: Edited | Deleted, index: int) -> bool:
        """What is taken back is told also of somebody whom nobody else may notice."""
        is_known = isinstance(event, Deleted) or event == self.edit_seen_by(
            owner, event.message, upto=index + 1
        )
        return is_known and self.is_visible(owner, event.actor, event.message, upto=index)

    def _news(self, owner: Person, partner: Person, index: int) -> str:
        is_known = self.has(owner, partner, upto=index)
        return "message_sent" if is_known else "conversation_started"

    def counts(self) -> dict[str, int]:
        """What an operator sees counted."""
        wrote = [event for event in self.events if isinstance(event, Wrote)]
        everybody = (*self.people, *self.moderators)
        told = {person: self.facts(person) for person in everybody}
        restricted = {it.user for it in self.events if isinstance(it, Restricted)}
        return {
            "conversations": len({frozenset((it.actor, it.other)) for it in wrote}),
            "messages": sum(not self.is_removed(it.id) for it in wrote),
            "users": sum(told[it] != [] or it in restricted for it in everybody),
            "blocks": sum(len(self.block_list(person)) for person in self.people),
            "journal_entries": sum(map(len, told.values())),
        }


Between = Wrote | Edited | Deleted | Hid | MarkedRead | Sorted | Blocked | Unblocked


def _told(
    action: str, event: Between, *, message: UUID | None = None, names_conversation: bool = True
) -> Told:
    names = event.actor.name, event.other.name
    return (action, *names, names_conversation, message, event.at_us, None)


def _decided(event: Restricted | Lifted | Reached, actor: Person, other: str | None) -> Told:
    if isinstance(event, Reached):
        action = "restriction_refused"
    else:
        action = _DECIDED[type(event), event.kind]
    return (action, actor.name, other, False, None, event.at_us, None)
