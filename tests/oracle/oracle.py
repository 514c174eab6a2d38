"""An independent answer to "what may X see now?": a list of everything that happened.

Written from the specification, not from the code. It knows no tables, no counters, no indexes and
no cleverness: every question is answered by reading the list from its beginning. Of dmcore it takes
the names of errors and nothing else. Message ids are what the store under test handed out; that
they grow is checked here, too.
"""

from uuid import UUID

from tests.oracle.history import (
    ACCEPTED,
    ARCHIVED,
    CLEARED,
    DAY_US,
    DECLINED,
    MUTE,
    MUTED,
    OFF,
    ON,
    REPLIES_ONLY,
    SUSPEND,
    UNARCHIVED,
    UNMUTED,
    Blocked,
    Choice,
    Chose,
    Deleted,
    Edited,
    Gate,
    Hid,
    Host,
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
)
from tests.oracle.oracle_journal import Journal
from tests.oracle.oracle_limits import Accepted, Limits, Refusal, Uncertain

from dmcore import errors

Verdict = Accepted | Refusal


class Oracle(Journal, Limits):
    """What must be answered, and what is written down of it."""

    # What must be answered? ----------------------------------------------------------------------

    def judge_writing(
        self,
        sender: Person,
        other: Person,
        *,
        text: str,
        key: str | None,
        now_us: int,
        by_id: bool,
        reply_to: UUID | None = None,
    ) -> Accepted | Refusal | Uncertain:
        """What an attempt to write must come to."""
        if sender == other:
            return Refusal(error=errors.CannotMessageYourself)
        if by_id and not self.has(sender, other):
            return Refusal(error=errors.AccessDenied)
        earlier = self._under_key(sender, other, key)
        if earlier is not None:
            is_retry = earlier.text == text and not self.is_expired(earlier.id)
            return Accepted(earlier) if is_retry else Refusal(error=errors.KeyConflict)
        if reply_to is not None and not self.is_visible(sender, other, reply_to):
            return Refusal(error=errors.AccessDenied)
        is_start = not self.has(sender, other)
        refusal = self._refusal_between(sender, other, is_start=is_start)
        return refusal or self.judge_limits(sender, is_start=is_start, now_us=now_us)

    def _refusal_between(self, sender: Person, other: Person, *, is_start: bool) -> Refusal | None:
        """What stands between two people, the limits apart, the first cause first."""
        mode, most = self.mode(), self.product.request_messages
        start = self._judge_start(sender, other) if is_start else None
        is_refused = self.blocks(other, sender) and not self.product.absorbs
        causes = (
            (
                mode not in ((ON,) if is_start else (ON, REPLIES_ONLY)),
                Refusal(error=errors.MessagingUnavailable, mode=mode),
            ),
            (self._left(sender, SUSPEND) != 0, self._refused_by(sender, SUSPEND)),
            (self._left(sender, MUTE) != 0, self._refused_by(sender, MUTE)),
            (self.blocks(sender, other), Refusal(error=errors.YouBlockedThem)),
            (start is not None, Refusal(error=start or errors.StartRefused)),
            (is_refused, Refusal(error=errors.RecipientUnavailable)),
            (
                (self.asked(sender, other) or 0) >= most,
                Refusal(error=errors.NotAcceptedYet, most=most),
            ),
        )
        return next((refusal for is_so, refusal in causes if is_so), None)

    def _under_key(self, sender: Person, other: Person, key: str | None) -> Wrote | None:
        for message in self.between(sender, other):
            is_known = key is not None and not self.is_removed(message.id)
            if is_known and (message.actor, message.key) == (sender, key):
                return message
        return None

    def _judge_start(self, sender: Person, other: Person) -> type[errors.DmcoreError] | None:
        """Who may start with whom: what everybody may know first, what one chose in private last
        and with the words of a block.
        """
        one, two = self.profile(sender), self.profile(other)
        if one is None or two is None:
            return errors.UnknownUser
        host = self.product.host or Host(profiles={})
        are_connected = host.are_connected(sender, other)

        def fits(gate: Gate, *, is_subscribed: bool) -> bool:
            return (
                gate.sender_role in (None, one.role)
                and (are_connected or not gate.needs_connection)
                and (is_subscribed or not gate.needs_subscription)
            )

        if not one.is_active:
            return errors.StartRefused
        if host.gates and not one.is_staff:
            if not any(fits(gate, is_subscribed=True) for gate in host.gates):
                return errors.StartRefused
            if not any(fits(gate, is_subscribed=one.is_subscribed) for gate in host.gates):
                return errors.UpgradeRequired
        open_to = self.choice(other).open_to
        is_welcome = open_to == "everyone" or (open_to == "connections" and are_connected)
        if two.is_active and (is_welcome or one.is_staff):
            return None
        return errors.RecipientUnavailable

    def _left(self, person: Person, kind: str) -> int | None:
        """For how long a restriction holds yet: 0 for none, ``None`` for good."""
        word = self.word_on(person, kind)
        if not isinstance(word, Restricted) or not self.is_restricted(person, kind):
            return 0
        return None if word.until_us is None else word.until_us - self.now_us()

    def _refused_by(self, person: Person, kind: str) -> Refusal:
        error = errors.Suspended if kind == SUSPEND else errors.Muted
        return Refusal(error=error, retry_after_us=self._left(person, kind))

    def judge_protecting(self) -> Verdict:
        """What must come of an act that protects, which only the switch can refuse."""
        mode = self.mode()
        if mode == OFF:
            return Refusal(error=errors.MessagingUnavailable, mode=mode)
        return Accepted()

    def judge_reading(self, person: Person) -> Verdict:
        """What looking must come to."""
        verdict = self.judge_protecting()
        if verdict == Accepted() and self.is_restricted(person, SUSPEND):
            return self._refused_by(person, SUSPEND)
        return verdict

    def judge_touching(self, actor: Person, other: Person) -> Verdict:
        """What any act on a conversation must come to first of all."""
        if not self.has(actor, other):
            return Refusal(error=errors.AccessDenied)
        return self.judge_reading(actor)

    def judge_touching_message(self, actor: Person, other: Person, message: UUID) -> Verdict:
        """What marking or hiding must come to: they take a message that one sees."""
        return self._seeing(actor, other, message, self.judge_touching(actor, other))

    def _seeing(self, actor: Person, other: Person, message: UUID, verdict: Verdict) -> Verdict:
        if verdict == Accepted() and not self.is_visible(actor, other, message):
            return Refusal(error=errors.AccessDenied)
        return verdict

    def judge_deleting(self, sender: Person, other: Person, message: UUID) -> Verdict:
        """What taking back must come to: only what one wrote, and sees."""
        if not self.has(sender, other):
            return Refusal(error=errors.AccessDenied)
        return self._owning(sender, other, message, self.judge_protecting())

    def _owning(self, sender: Person, other: Person, message: UUID, verdict: Verdict) -> Verdict:
        verdict = self._seeing(sender, other, message, verdict)
        if verdict == Accepted() and self.message(message).actor != sender:
            return Refusal(error=errors.AccessDenied)
        return verdict

    def judge_editing(
        self, sender: Person, other: Person, message: UUID, *, text: str, now_us: int
    ) -> Verdict:
        """What changing must come to: it is writing, of what one wrote a short while ago."""
        verdict = self._owning(sender, other, message, self.judge_touching(sender, other))
        if verdict != Accepted():
            return verdict
        if self.mode() not in (ON, REPLIES_ONLY):
            return Refusal(error=errors.MessagingUnavailable, mode=self.mode())
        if self.is_restricted(sender, MUTE):
            return self._refused_by(sender, MUTE)
        if self.blocks(sender, other):
            return Refusal(error=errors.YouBlockedThem)
        if self.blocks(other, sender) and not self.product.absorbs:
            return Refusal(error=errors.RecipientUnavailable)
        written, window_us = self.message(message), self.product.edit_window_us
        is_late = window_us is not None and now_us - written.at_us > window_us
        if self.is_deleted(message) or is_late or window_us == 0:
            return Refusal(error=errors.TooLateToEdit)
        return Accepted(changes_nothing=self.text_seen_by(sender, written) == text)

    def judge_sorting(self, actor: Person, other: Person, what: str) -> Verdict:
        """What clearing, muting, archiving, accepting and declining must come to."""
        verdict = self.judge_touching(actor, other)
        if verdict != Accepted():
            return verdict
        request = self.request(actor, other)
        if what == ACCEPTED and request is not None and self.blocks(actor, other):
            return Refusal(error=errors.YouBlockedThem)
        if what == DECLINED and request is None:
            return Refusal(error=errors.NoRequest)
        is_so_already = {
            CLEARED: self.left(self.shown(actor, other)) == [],
            MUTED: self.is_muted(actor, other),
            UNMUTED: not self.is_muted(actor, other),
            ARCHIVED: self.is_archived(actor, other),
            UNARCHIVED: not self.is_archived(actor, other),
            ACCEPTED: request is None,
            DECLINED: request == "declined",
        }
        return Accepted(changes_nothing=is_so_already[what])

    def judge_choosing(self, choice: Choice) -> Verdict:
        """What new preferences must come to."""
        if choice.open_to == "connections" and self.product.host is None:
            rest = (
                ("reason", "this host has no directory that knows connections"),
                ("setting", "open_to"),
            )
            return Refusal(error=errors.ChoiceNotOffered, rest=rest)
        return self.judge_protecting()

    def judge_blocking(self, blocker: Person, other: Person) -> Verdict:
        """What an attempt to block or to unblock must come to."""
        if blocker == other:
            return Refusal(error=errors.CannotMessageYourself)
        return self.judge_protecting()

    def judge_lifting(self, user: Person, kind: str) -> Verdict:
        """What giving back must come to: it is there as long as it holds."""
        if not self.is_restricted(user, kind):
            return Refusal(error=errors.NotRestricted)
        return Accepted()

    # What happened -------------------------------------------------------------------------------

    def greatest_id(self, one: Person, other: Person) -> UUID | None:
        return max((message.id for message in self.between(one, other)), default=None)

    def wrote(
        self,
        sender: Person,
        other: Person,
        *,
        id_: UUID,
        text: str,
        key: str | None,
        now_us: int,
        reply_to: UUID | None = None,
    ) -> Wrote:
        greatest = self.greatest_id(sender, other)
        assert greatest is None or id_ > greatest, "message ids of a conversation must grow"
        assert id_.version == 7
        milliseconds = id_.int >> 80
        if greatest is None or greatest.int >> 80 < now_us // 1000:
            assert milliseconds == now_us // 1000, "a message id carries the time"
        message = Wrote(
            actor=sender, other=other, id=id_, text=text, key=key, reply_to=reply_to, at_us=now_us
        )
        self.events.append(message)
        return message

    def turned_away(self, sender: Person, *, now_us: int) -> None:
        self.events.append(TurnedAway(actor=sender, at_us=now_us))

    def marked(self, reader: Person, other: Person, *, through: UUID, now_us: int) -> None:
        marker = self.marker(reader, other)
        # Only a move is ever told: what was not told when it was seen stays untold (BLOCK-2).
        if marker is None or through > marker:
            self.events.append(MarkedRead(actor=reader, other=other, through=through, at_us=now_us))

    def edited(
        self, sender: Person, other: Person, message: UUID, *, text: str, now_us: int
    ) -> None:
        self.events.append(
            Edited(actor=sender, other=other, message=message, text=text, at_us=now_us)
        )

    def deleted(self, sender: Person, other: Person, message: UUID, *, now_us: int) -> None:
        if not self.is_deleted(message):
            self.events.append(Deleted(actor=sender, other=other, message=message, at_us=now_us))

    def hid(self, viewer: Person, other: Person, message: UUID, *, now_us: int) -> None:
        self.events.append(Hid(actor=viewer, other=other, message=message, at_us=now_us))

    def sorted(self, actor: Person, other: Person, what: str, *, now_us: int) -> None:
        self.events.append(Sorted(actor=actor, other=other, what=what, at_us=now_us))

    def chose(self, person: Person, choice: Choice, *, now_us: int) -> None:
        if self.choice(person) != choice:
            self.events.append(Chose(actor=person, choice=choice, at_us=now_us))

    def blocked(self, blocker: Person, other: Person, *, now_us: int) -> None:
        if not self.blocks(blocker, other):
            self.events.append(Blocked(actor=blocker, other=other, at_us=now_us))

    def unblocked(self, blocker: Person, other: Person, *, now_us: int) -> None:
        if self.blocks(blocker, other):
            self.events.append(Unblocked(actor=blocker, other=other, at_us=now_us))

    def restricted(
        self, moderator: Person, user: Person, kind: str, *, until_us: int | None, now_us: int
    ) -> None:
        self.events.append(
            Restricted(actor=moderator, user=user, kind=kind, until_us=until_us, at_us=now_us)
        )

    def lifted(self, moderator: Person, user: Person, kind: str, *, now_us: int) -> None:
        self.events.append(Lifted(actor=moderator, user=user, kind=kind, at_us=now_us))

    def removable(self) -> frozenset[UUID]:
        """What an operator may remove: expired, and a day old for the sake of its key."""
        return frozenset(
            it.id
            for it in self.events
            if isinstance(it, Wrote)
            and self.is_expired(it.id, at_least_us=DAY_US)
            and not self.is_removed(it.id)
        )

    def removed(self, operator: Person, messages: frozenset[UUID], *, now_us: int) -> None:
        if messages:
            self.events.append(Removed(actor=operator, messages=messages, at_us=now_us))

    def refused(self, moderator: Person, user: Person, *, now_us: int) -> None:
        self.events.append(Reached(actor=moderator, user=user, at_us=now_us))

    def turned(self, operator: Person, mode: str, *, now_us: int) -> None:
        if self.mode() != mode:
            self.events.append(Turned(actor=operator, mode=mode, at_us=now_us))
