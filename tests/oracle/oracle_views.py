"""What may X see, as of the first so many events? Everything is read off the list."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from tests.oracle.history import (
    ACCEPTED,
    ARCHIVED,
    DECLINED,
    MUTED,
    NOW,
    UNARCHIVED,
    UNMUTED,
    Blocked,
    MarkedRead,
    Person,
    Sorted,
    Unblocked,
    Wrote,
    concerns,
    numbered,
    remembered,
)
from tests.oracle.oracle_past import Past


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A message as somebody sees it."""

    id: UUID
    actor: Person
    other: Person
    text: str | None
    at_us: int
    edited_at_us: int | None
    reply_to: UUID | None
    thread_id: UUID | None
    seen_at_us: int | None


@dataclass(frozen=True, kw_only=True)
class View:
    """How somebody has a conversation."""

    other: str
    folder: str | None
    request: str | None
    newest: Seen | None
    read: UUID | None
    unread: int
    is_muted: bool
    is_archived: bool
    you_block: bool
    sealed_at_us: int | None = None  # Nobody has a device here.


class Views(Past):
    """What people see of it."""

    def seen(self, viewer: Person, message: Wrote, *, with_receipt: bool = True) -> Seen:
        """A message in all its parts."""
        edit = self.edit_seen_by(viewer, message.id)
        is_gone = self.is_deleted(message.id)
        reply_to, thread_id = self.links(viewer, message)
        return Seen(
            id=message.id,
            actor=message.actor,
            other=message.other,
            text=self.text_seen_by(viewer, message),
            at_us=message.at_us,
            edited_at_us=None if edit is None or is_gone else edit.at_us,
            reply_to=reply_to,
            thread_id=thread_id,
            seen_at_us=self._seen_at_us(viewer, message) if with_receipt else None,
        )

    # Read state ----------------------------------------------------------------------------------

    @remembered
    def marker(self, viewer: Person, other: Person, *, upto: int = NOW) -> UUID | None:
        """As far as somebody ever marked."""
        return max(
            (
                event.through
                for event in self.events[:upto]
                if isinstance(event, MarkedRead) and concerns(event, viewer, other)
            ),
            default=None,
        )

    def unread_with(self, viewer: Person, other: Person) -> int:
        marker = self.marker(viewer, other)
        return sum(
            message.actor == other
            and (marker is None or message.id > marker)
            and not self.is_deleted(message.id)
            for message in self.visible(viewer, other)
        )

    def receipt_of(self, index: int) -> UUID | None:
        """Up to which message a partner was told by an event that is a marking."""
        event = self.events[index]
        if not isinstance(event, MarkedRead) or self.is_hidden(index):
            return None
        seen = self.receipt_for(event.actor, event.other, event.through, upto=index)
        # What is not there any more is not told to be seen.
        is_gone = seen is not None and self.is_expired(seen, now_us=event.at_us)
        return None if is_gone else seen

    @remembered
    def receipt_for(
        self, reader: Person, other: Person, through: UUID, *, upto: int = NOW
    ) -> UUID | None:
        """Up to which message ``other`` is told, if ``reader`` now marks ``through``; if at all.

        Counted as ``other`` has the conversation: what never arrived is not told apart.
        """
        is_told = (
            self.choice(reader, upto=upto).receipts
            and self.choice(other, upto=upto).receipts
            and not self.blocks(reader, other, upto=upto)
            and not self.blocks(other, reader, upto=upto)
            and self.request(reader, other, upto=upto) is None
            and self.has(other, reader, upto=upto)
            and self.asked(other, reader, upto=upto) is None
        )
        if not is_told:
            return None
        seen = [
            event.id
            for event in self.events[:upto]
            if isinstance(event, Wrote) and (event.actor, event.other) == (other, reader)
            if event.id <= through
        ]
        known = [receipt for receipt, _ in self.receipts(reader, other, upto=upto)]
        return seen[-1] if seen and all(receipt < seen[-1] for receipt in known) else None

    @remembered
    def receipts(self, reader: Person, other: Person, *, upto: int = NOW) -> list[tuple[UUID, int]]:
        """Up to what ``other`` was told that ``reader`` saw it, and when."""
        given = []
        for index, event in numbered(self.events, upto):
            if isinstance(event, MarkedRead) and concerns(event, reader, other):
                through = self.receipt_of(index)
                if through is not None:
                    given.append((through, event.at_us))
        return given

    def _seen_at_us(self, viewer: Person, message: Wrote) -> int | None:
        both = self.choice(message.actor).receipts and self.choice(message.other).receipts
        if message.actor != viewer or not both:
            return None
        receipts = self.receipts(message.other, viewer)
        return next((at_us for through, at_us in receipts if through >= message.id), None)

    # How a conversation is had -------------------------------------------------------------------

    @remembered
    def is_muted(self, viewer: Person, other: Person, *, upto: int = NOW) -> bool:
        words = [
            event.what
            for event in self.events[:upto]
            if isinstance(event, Sorted) and self.is_sorted(event, viewer, other, MUTED, UNMUTED)
        ]
        return words[-1:] == [MUTED]

    @remembered
    def is_archived(self, viewer: Person, other: Person, *, upto: int = NOW) -> bool:
        """Whatever is written brings it back, unless it comes from the other and is muted."""
        answer = False
        for index, event in numbered(self.events, upto):
            if self.is_sorted(event, viewer, other, ARCHIVED, UNARCHIVED):
                answer = self.is_sorted(event, viewer, other, ARCHIVED)
            if self.reaches(viewer, other, index):
                is_own = event.actor == viewer
                answer = answer and not is_own and self.is_muted(viewer, other, upto=index)
        return answer

    def _needs_no_consent(self, sender: Person) -> bool:
        profile = self.profile(sender)
        return not self.product.asks or (profile is not None and profile.is_staff)

    @remembered
    def asked(self, sender: Person, other: Person, *, upto: int = NOW) -> int | None:
        """How many messages somebody wrote that await acceptance; ``None`` where none do."""
        count: int | None = None
        for index, event in numbered(self.events, upto):
            if isinstance(event, Wrote) and concerns(event, sender, other):
                is_start = not self.has(sender, other, upto=index)
                if is_start and not self._needs_no_consent(sender):
                    count = 1
                elif count is not None:
                    count += 1
            is_answer = concerns(event, other, sender) and self.reaches(sender, other, index)
            is_accepted = self.is_sorted(event, other, sender, ACCEPTED)
            if is_answer or (is_accepted and not self.is_hidden(index)):
                count = None
        return count

    @remembered
    def request(self, viewer: Person, other: Person, *, upto: int = NOW) -> str | None:
        """Whether a conversation awaits somebody's consent, or they declined it."""
        answer: str | None = None
        for index, event in numbered(self.events, upto):
            if self.reaches(viewer, other, index):
                if event.actor == viewer:
                    answer = None
                elif not self.has(viewer, other, upto=index):
                    awaits = self.asked(other, viewer, upto=index + 1) is not None
                    answer = "pending" if awaits else None
            if self.is_sorted(event, viewer, other, ACCEPTED):
                answer = None
            if self.is_sorted(event, viewer, other, DECLINED):
                answer = "declined"
        return answer

    def folder(self, viewer: Person, other: Person) -> str | None:
        request = self.request(viewer, other)
        shown = self.left(self.shown(viewer, other))
        is_listed = shown and not self.blocks(viewer, other)
        if not is_listed or request == "declined":
            return None
        if request == "pending":
            return "requests"
        return "archived" if self.is_archived(viewer, other) else "inbox"

    # What may X see now? -------------------------------------------------------------------------

    def thread(self, viewer: Person, other: Person) -> list[Seen] | None:
        """What somebody sees of a conversation now; ``None`` where they have none."""
        if not self.has(viewer, other):
            return None
        return [self.seen(viewer, message) for message in self.visible(viewer, other)]

    def chain(self, viewer: Person, other: Person, root: UUID) -> list[Seen] | None:
        """The part of it that is one thread."""
        seen = self.thread(viewer, other)
        if seen is None:
            return None
        return [message for message in seen if root in (message.id, message.thread_id)]

    def view(self, viewer: Person, other: Person) -> View | None:
        """How somebody has a conversation; ``None`` where they have none. Of somebody whom they
        block it shows nothing, not even what they wrote themselves.
        """
        you_block = self.blocks(viewer, other)
        seen = self.thread(viewer, other)
        if seen is None:
            return None
        return View(
            other=other.name,
            folder=self.folder(viewer, other),
            request=self.request(viewer, other),
            newest=seen[-1] if seen and not you_block else None,
            read=self.marker(viewer, other),
            unread=self.unread_with(viewer, other),
            is_muted=self.is_muted(viewer, other),
            is_archived=self.is_archived(viewer, other),
            you_block=you_block,
        )

    def listed(self, viewer: Person, folder: str) -> list[View]:
        """One of the lists, newest activity first."""
        lines = [view for view in self._views(viewer) if view.folder == folder]
        return sorted(lines, key=lambda line: line.newest.id.int if line.newest else 0)[::-1]

    def _views(self, viewer: Person) -> Iterator[View]:
        for other in self.neighbours(viewer):
            view = self.view(viewer, other)
            if view is not None:
                yield view

    def unread(self, viewer: Person) -> int:
        return sum(line.unread for line in self.listed(viewer, "inbox"))

    def block_list(self, owner: Person) -> list[Blocked]:
        """The blocks that somebody has not lifted, newest first."""
        lines: list[Blocked] = []
        for event in self.events:
            if isinstance(event, Blocked | Unblocked) and event.actor == owner:
                lines = [line for line in lines if line.other != event.other]
                if isinstance(event, Blocked):
                    lines.insert(0, event)
        return lines

    def can_see_profile(self, viewer: Person, other: Person) -> bool:
        return not self.blocks(other, viewer)
