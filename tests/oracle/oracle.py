"""An independent answer to "what may X see now?": a list of everything that happened.

Written from the specification, not from the code. It knows no tables, no counters, no indexes and
no cleverness: every question is answered by reading the list from its beginning. Of dmcore it takes
the names of errors and nothing else. Message ids are what the store under test handed out; that
they grow is checked here, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

from dmcore import errors

OFF, READ_ONLY, REPLIES_ONLY, ON = "off", "read_only", "replies_only", "on"


@dataclass(frozen=True)
class Person:
    """A user of a tenant."""

    tenant: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Wrote:
    """A message was accepted."""

    actor: Person
    other: Person
    id: UUID
    text: str
    key: str | None
    at_us: int


@dataclass(frozen=True, kw_only=True)
class TurnedAway:
    """A limit refused: nothing happened, but the clock was looked at (LIMIT-2)."""

    actor: Person
    at_us: int


@dataclass(frozen=True, kw_only=True)
class MarkedRead:
    """A read marker moved."""

    actor: Person
    other: Person
    through: UUID
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


Event = Wrote | TurnedAway | MarkedRead | Blocked | Unblocked | Turned


@dataclass(frozen=True)
class Refusal:
    """What an attempt must be answered with instead: an error, and what it says."""

    error: type[errors.DmcoreError]
    limit: str | None = None
    retry_after_us: int | None = None
    mode: str | None = None


@dataclass(frozen=True)
class Accepted:
    """The attempt must succeed; for a retry, with this message of long ago."""

    earlier: Wrote | None = None


@dataclass(frozen=True)
class Uncertain:
    """A clock went back: a limit may refuse, or must, but never for longer than its window."""

    must_refuse: bool
    longest_us: int


@dataclass(frozen=True)
class Line:
    """One line of an inbox."""

    other: str
    newest: Wrote
    read: UUID | None
    unread: int


@dataclass(frozen=True)
class Limit:
    """At most ``count`` in any ``window_us``."""

    count: int
    window_us: int


@dataclass
class Oracle:
    """What happened, and what follows from it."""

    people: tuple[Person, ...]
    messages: Limit | None
    starts: Limit | None
    absorbs: bool
    events: list[Event] = field(default_factory=list)

    # What was once the case: asked as of the first so many events ------

    def _upto(self, length: int | None) -> list[Event]:
        return self.events if length is None else self.events[:length]

    def blocks(self, blocker: Person, other: Person, length: int | None = None) -> bool:
        """Whether one blocks another: the last word between them counts."""
        answer = False
        for event in self._upto(length):
            if isinstance(event, Blocked | Unblocked) and (event.actor, event.other) == (
                blocker,
                other,
            ):
                answer = isinstance(event, Blocked)
        return answer

    def _between(
        self, one: Person, other: Person, length: int | None = None
    ) -> Iterator[tuple[Wrote, bool]]:
        """The messages of two people in the order of acceptance, and whether each was absorbed."""
        for index, event in enumerate(self._upto(length)):
            if isinstance(event, Wrote) and {event.actor, event.other} == {one, other}:
                yield event, self.blocks(event.other, event.actor, index)

    def _ever_shown(self, viewer: Person, other: Person, length: int | None = None) -> list[Wrote]:
        """What somebody may have seen of a conversation, blocks of their own set aside."""
        return [
            message
            for message, absorbed in self._between(viewer, other, length)
            if message.actor == viewer or not absorbed
        ]

    def has(self, viewer: Person, other: Person, length: int | None = None) -> bool:
        """Whether there is a conversation for somebody."""
        return self._ever_shown(viewer, other, length) != []

    def greatest_id(self, one: Person, other: Person) -> UUID | None:
        return max((message.id for message, _ in self._between(one, other)), default=None)

    def mode(self) -> str:
        answer = OFF
        for event in self.events:
            if isinstance(event, Turned):
                answer = event.mode
        return answer

    # What may X see now? -------------------------------------------------------------------------

    def thread(self, viewer: Person, other: Person) -> list[Wrote] | None:
        """What somebody sees of a conversation now; ``None`` where they have none."""
        if not self.has(viewer, other):
            return None
        is_blocking = self.blocks(viewer, other)
        return [
            message
            for message in self._ever_shown(viewer, other)
            if message.actor == viewer or not is_blocking
        ]

    def marker(self, viewer: Person, other: Person) -> UUID | None:
        answer = None
        for event in self.events:
            if isinstance(event, MarkedRead) and (event.actor, event.other) == (viewer, other):
                answer = event.through
        return answer

    def unread_with(self, viewer: Person, other: Person) -> int:
        marker = self.marker(viewer, other)
        return sum(
            message.actor == other and (marker is None or message.id > marker)
            for message in self._ever_shown(viewer, other)
        )

    def inbox(self, viewer: Person) -> list[Line]:
        lines = [
            Line(
                other=other.name,
                newest=self._ever_shown(viewer, other)[-1],
                read=self.marker(viewer, other),
                unread=self.unread_with(viewer, other),
            )
            for other in self.neighbours(viewer)
            if self.has(viewer, other) and not self.blocks(viewer, other)
        ]
        return sorted(lines, key=lambda line: line.newest.id, reverse=True)

    def unread(self, viewer: Person) -> int:
        return sum(line.unread for line in self.inbox(viewer))

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

    def neighbours(self, person: Person) -> list[Person]:
        return [it for it in self.people if it.tenant == person.tenant and it != person]

    def facts(self, owner: Person) -> list[tuple[object, ...]]:
        """What the journal tells about somebody: action, actor, other, whether a conversation is
        named, message, instant, mode.
        """
        told: list[tuple[object, ...]] = []
        for index, event in enumerate(self.events):
            match event:
                case Wrote():
                    absorbed = self.blocks(event.other, event.actor, index)
                    may_know = {event.actor} if absorbed else {event.actor, event.other}
                    if owner in may_know:
                        partner = event.other if owner == event.actor else event.actor
                        is_known = self.has(owner, partner, index)
                        told.append(
                            (
                                "message_sent" if is_known else "conversation_started",
                                event.actor.name,
                                event.other.name,
                                True,
                                event.id,
                                event.at_us,
                                None,
                            )
                        )
                case MarkedRead() if event.actor == owner:
                    names = owner.name, event.other.name
                    told.append(("marked_read", *names, True, event.through, event.at_us, None))
                case Blocked() | Unblocked() if event.actor == owner:
                    action = "user_blocked" if isinstance(event, Blocked) else "user_unblocked"
                    is_known = self.has(owner, event.other, index)
                    names = owner.name, event.other.name
                    told.append((action, *names, is_known, None, event.at_us, None))
                case Turned() if event.actor == owner:
                    told.append(
                        ("mode_changed", owner.name, None, False, None, event.at_us, event.mode)
                    )
                case _:
                    pass
        return told

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

    # What must be answered? ----------------------------------------------------------------------

    def _attempts(self, person: Person) -> list[tuple[int, frozenset[str]]]:
        """What the clock showed whenever the limits had a say, and what the attempt counted as."""
        attempts = []
        for index, event in enumerate(self.events):
            if isinstance(event, Wrote) and event.actor == person:
                is_start = not self.has(person, event.other, index)
                counts_as = {"messages", "starts"} if is_start else {"messages"}
                attempts.append((event.at_us, frozenset(counts_as)))
            if isinstance(event, TurnedAway) and event.actor == person:
                attempts.append((event.at_us, frozenset()))
        return attempts

    @staticmethod
    def _wait_us(limit: Limit, instants: list[int], now_us: int) -> int:
        """The first moment from now at which fewer than the limit lie within the window."""
        leaving = sorted(instant + limit.window_us for instant in instants)
        for wait_us in (0, *(moment - now_us for moment in leaving)):
            if wait_us >= 0 and sum(moment > now_us + wait_us for moment in leaving) < limit.count:
                return wait_us
        raise AssertionError("a window that never opens")

    def edges_us(self, person: Person) -> list[int]:
        """The instants at which something of somebody's leaves a window."""
        attempts = self._attempts(person)
        return [
            at_us + limit.window_us
            for name, limit in (("messages", self.messages), ("starts", self.starts))
            if limit is not None
            for at_us, counts_as in attempts
            if name in counts_as
        ]

    def judge_writing(
        self, sender: Person, other: Person, *, text: str, key: str | None, now_us: int, by_id: bool
    ) -> Accepted | Refusal | Uncertain:
        """What an attempt to write must come to."""
        if sender == other:
            return Refusal(errors.CannotMessageYourself)
        if by_id and not self.has(sender, other):
            return Refusal(errors.AccessDenied)
        earlier = self._under_key(sender, other, key)
        if earlier is not None:
            is_retry = earlier.text == text
            return Accepted(earlier) if is_retry else Refusal(errors.KeyConflict)
        is_start = not self.has(sender, other)
        mode = self.mode()
        if mode not in ((ON,) if is_start else (ON, REPLIES_ONLY)):
            return Refusal(errors.MessagingUnavailable, mode=mode)
        if self.blocks(sender, other):
            return Refusal(errors.YouBlockedThem)
        if self.blocks(other, sender) and not self.absorbs:
            return Refusal(errors.RecipientUnavailable)
        return self._judge_limits(sender, is_start=is_start, now_us=now_us)

    def _under_key(self, sender: Person, other: Person, key: str | None) -> Wrote | None:
        for message, _ in self._between(sender, other):
            if key is not None and (message.actor, message.key) == (sender, key):
                return message
        return None

    def _judge_limits(
        self, sender: Person, *, is_start: bool, now_us: int
    ) -> Accepted | Refusal | Uncertain:
        """Exact where the clock never went back for the sender.

        Where it did, no list of readings tells how much time has passed, and the specification
        gives bounds: what was sent since the clock last went back counts as it would anywhere, and
        what lies further back than every jump taken together does not count any more (LIMIT-2).
        """
        attempts = self._attempts(sender)
        names = ("starts", "messages") if is_start else ("messages",)
        limits = {"messages": self.messages, "starts": self.starts}
        asked = {name: limit for name in names if (limit := limits[name]) is not None}
        readings = [*(at_us for at_us, _ in attempts), now_us]
        jumps = [after - before for before, after in pairwise(readings) if after < before]
        if jumps:
            return self._bounds(asked, attempts, now_us, all_jumps_us=-sum(jumps))
        waits_us = {
            name: self._wait_us(
                limit, [at for at, counts_as in attempts if name in counts_as], now_us
            )
            for name, limit in asked.items()
        }
        for name, wait_us in waits_us.items():
            if wait_us > 0:
                return Refusal(errors.LimitReached, name, max(waits_us.values()))
        return Accepted()

    def _bounds(
        self,
        asked: dict[str, Limit],
        attempts: list[tuple[int, frozenset[str]]],
        now_us: int,
        *,
        all_jumps_us: int,
    ) -> Accepted | Uncertain:
        # Backwards from now, as long as the clock shows less and less.
        since_last_jump: list[tuple[int, frozenset[str]]] = []
        for attempt in reversed(attempts):
            if attempt[0] > (since_last_jump[-1][0] if since_last_jump else now_us):
                break
            since_last_jump.append(attempt)
        latest_us = max(at_us for at_us, _ in attempts)
        must_refuse = may_refuse = False
        for name, limit in asked.items():
            surely = [
                at_us
                for at_us, counts_as in since_last_jump
                if name in counts_as and at_us + limit.window_us > now_us
            ]
            perhaps = [at_us for at_us, counts_as in attempts if name in counts_as]
            is_over = now_us >= latest_us + all_jumps_us + limit.window_us
            must_refuse |= len(surely) >= limit.count
            may_refuse |= len(perhaps) >= limit.count and not is_over
        if not may_refuse:
            return Accepted()
        return Uncertain(must_refuse, max(limit.window_us for limit in asked.values()))

    def judge_marking(self, reader: Person, other: Person, through: UUID) -> Accepted | Refusal:
        """What an attempt to move a marker must come to."""
        seen = self.thread(reader, other)
        if seen is None:
            return Refusal(errors.AccessDenied)
        if self.mode() == OFF:
            return Refusal(errors.MessagingUnavailable, mode=OFF)
        if through not in {message.id for message in seen}:
            return Refusal(errors.AccessDenied)
        return Accepted()

    def judge_blocking(self, blocker: Person, other: Person) -> Accepted | Refusal:
        """What an attempt to block or to unblock must come to."""
        if blocker == other:
            return Refusal(errors.CannotMessageYourself)
        return self.judge_reading()

    def judge_reading(self) -> Accepted | Refusal:
        """What looking must come to."""
        mode = self.mode()
        return Refusal(errors.MessagingUnavailable, mode=mode) if mode == OFF else Accepted()

    # What happened -------------------------------------------------------------------------------

    def wrote(
        self, sender: Person, other: Person, *, id_: UUID, text: str, key: str | None, now_us: int
    ) -> None:
        greatest = self.greatest_id(sender, other)
        assert greatest is None or id_ > greatest, "message ids of a conversation must grow"
        assert id_.version == 7
        milliseconds = id_.int >> 80
        if greatest is None or greatest.int >> 80 < now_us // 1000:
            assert milliseconds == now_us // 1000, "a message id carries the time"
        self.events.append(
            Wrote(actor=sender, other=other, id=id_, text=text, key=key, at_us=now_us)
        )

    def turned_away(self, sender: Person, *, now_us: int) -> None:
        self.events.append(TurnedAway(actor=sender, at_us=now_us))

    def marked(self, reader: Person, other: Person, *, through: UUID, now_us: int) -> None:
        marker = self.marker(reader, other)
        if marker is None or through > marker:
            self.events.append(MarkedRead(actor=reader, other=other, through=through, at_us=now_us))

    def blocked(self, blocker: Person, other: Person, *, now_us: int) -> None:
        if not self.blocks(blocker, other):
            self.events.append(Blocked(actor=blocker, other=other, at_us=now_us))

    def unblocked(self, blocker: Person, other: Person, *, now_us: int) -> None:
        if self.blocks(blocker, other):
            self.events.append(Unblocked(actor=blocker, other=other, at_us=now_us))

    def turned(self, operator: Person, mode: str, *, now_us: int) -> None:
        if self.mode() != mode:
            self.events.append(Turned(actor=operator, mode=mode, at_us=now_us))
