"""What people do, judged by the oracle, done on every store, and written down where it happened."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

import attrs
from hypothesis.stateful import RuleBasedStateMachine
from tests.oracle.history import (
    ACCEPTED,
    ARCHIVED,
    CLEARED,
    DECLINED,
    MUTED,
    ON,
    SHADOW_BAN,
    UNARCHIVED,
    UNMUTED,
    Choice,
    Person,
    Restricted,
    Wrote,
)
from tests.oracle.machine.expected import answered
from tests.oracle.machine.people import ANN, MODERATORS, NOWHERE, OLGA, PEOPLE
from tests.oracle.machine.store import Answer, Store
from tests.oracle.oracle import Oracle, Verdict
from tests.oracle.oracle_limits import Accepted, Refusal, Uncertain
from tests.support.stores import Harness

from dmcore import Message, errors
from dmcore.adapters.clock import ManualClock
from dmcore.domain.preferences import OpenTo, Preferences
from dmcore.testing.world import SECOND_US

SORTING: Final = {
    CLEARED: "clear",
    MUTED: "mute",
    UNMUTED: "unmute",
    ARCHIVED: "archive",
    UNARCHIVED: "unarchive",
    ACCEPTED: "accept",
    DECLINED: "decline",
}


class Acting(RuleBasedStateMachine):
    """The stores, the oracle and the clock, and the acts that change them together."""

    harnesses: ClassVar[tuple[Harness, ...]]
    clock: ManualClock
    stores: list[Store]
    oracle: Oracle

    def __init__(self) -> None:
        super().__init__()
        self._actor = ANN

    def on_all(self, actor: Person, act: Callable[[Store], Any]) -> Answer:
        """The one answer that every store gives."""
        self._actor = actor
        answers = {store.name: store.attempt(act) for store in self.stores}
        first = next(iter(answers.values()))
        assert all(answer == first for answer in answers.values()), answers
        return first

    @property
    def now_us(self) -> int:
        return self.clock.now_us()

    @staticmethod
    def expect(verdict: Verdict, answer: Answer) -> bool:
        """Whether it happened, and changed something."""
        if isinstance(verdict, Refusal):
            assert answer == verdict
            return False
        assert not isinstance(answer, Refusal), answer
        return not verdict.changes_nothing

    def written(self) -> list[Wrote]:
        return [event for event in self.oracle.events if isinstance(event, Wrote)]

    def some_message(self, number: int) -> UUID:
        """Any message there is, of whomever; now and then none."""
        written = self.written()
        return written[number].id if number < len(written) else NOWHERE

    def _one_of_theirs(
        self, number: int, *, is_recipient: bool
    ) -> tuple[Person, Person, Wrote] | None:
        """A message, with one of the two whose conversation it is as the one who acts."""
        written = self.written()
        if not written:
            return None
        message = written[-1 - number % len(written)]
        if is_recipient:
            return message.other, message.actor, message
        return message.actor, message.other, message

    # Writing -------------------------------------------------------------------------------------

    def write(
        self, pair: tuple[Person, Person], text: str, key: str | None, *, by_id: bool
    ) -> None:
        self._write(*pair, text=text, key=key, by_id=by_id)

    def converse(self, pair: tuple[Person, Person], turns: list[bool]) -> None:
        for number, is_answer in enumerate(turns):
            sender, other = pair[::-1] if is_answer else pair
            self._write(sender, other, text=str(number))
            self.clock.advance(us=SECOND_US)

    def answer(self, number: int, text: str, key: str | None, *, is_recipient: bool) -> None:
        """To any message there is, also to an own one, or one that was absorbed or hidden."""
        found = self._one_of_theirs(number, is_recipient=is_recipient)
        if found is not None:
            sender, other, message = found
            self._write(sender, other, text=text, key=key, by_id=True, reply_to=message.id)

    def retry(self, number: int, text: str, *, by_id: bool) -> None:
        """Under a key that was used before, with the same text or with another."""
        keyed = [message for message in self.written() if message.key is not None]
        if keyed:
            message = keyed[number % len(keyed)]
            again = message.text if number % 3 else text
            self._write(message.actor, message.other, text=again, key=message.key, by_id=by_id)

    def write_to_one_who_blocks(
        self, pair: tuple[Person, Person], text: str, *, lifts: bool, answers: bool
    ) -> None:
        """And who then, perhaps, thinks better of it, and, perhaps, writes back."""
        sender, other = pair
        self._block(other, sender)
        self._write(sender, other, text=text)
        if lifts:
            self._unblock(other, sender)
        if answers:
            self._write(other, sender, text=text)

    def write_to_everybody(self, pair: tuple[Person, Person]) -> None:
        """And to one of them twice, so that both limits come into play."""
        sender, other = pair
        targets = [*self.oracle.neighbours(sender), other]
        for number, target in enumerate(targets):
            self._write(sender, target, text=str(number))

    def _write(
        self,
        sender: Person,
        other: Person,
        *,
        text: str = "hello",
        key: str | None = None,
        by_id: bool = False,
        reply_to: UUID | None = None,
    ) -> None:
        verdict = self.oracle.judge_writing(
            sender,
            other,
            text=text,
            key=key,
            now_us=self.now_us,
            by_id=by_id,
            reply_to=reply_to,
        )

        def act(store: Store) -> Message:
            box = store.box(sender)
            if by_id:
                conversation = store.conversation(sender, other)
                return box.send(conversation, text, key=key, reply_to=reply_to)
            return box.start(other.name, text, key=key)

        answer = self.on_all(sender, act)
        if isinstance(answer, Refusal) and answer.error is errors.LimitReached:
            self.oracle.turned_away(sender, now_us=self.now_us)
        if isinstance(verdict, Uncertain):
            verdict = within_bounds(verdict, answer)
        if not self.expect(verdict, answer):
            return
        assert isinstance(verdict, Accepted)
        assert isinstance(answer, tuple)
        message = verdict.earlier or self.oracle.wrote(
            sender,
            other,
            id_=answer[0],
            text=text,
            key=key,
            now_us=self.now_us,
            reply_to=reply_to,
        )
        assert answer == answered(self.oracle, message)

    # Changing what was written -------------------------------------------------------------------

    def edit(self, number: int, text: str, *, is_recipient: bool) -> None:
        # Seldom somebody else's.
        found = self._one_of_theirs(number, is_recipient=is_recipient and number % 3 == 0)
        if found is not None:
            self._edit(*found, text)

    def edit_while_blocked(self, number: int, text: str, *, lifts: bool) -> None:
        """By somebody whom the other blocks for a while, and perhaps once more after that."""
        found = self._one_of_theirs(number, is_recipient=False)
        if found is not None:
            sender, other, message = found
            self._block(other, sender)
            self._edit(sender, other, message, text)
            if lifts:
                self._unblock(other, sender)
            if number % 2:
                self._edit(sender, other, message, text + "!")

    def _edit(self, sender: Person, other: Person, message: Wrote, text: str) -> None:
        verdict = self.oracle.judge_editing(
            sender, other, message.id, text=text, now_us=self.now_us
        )
        answer = self.on_all(
            sender,
            lambda it: it.box(sender).edit(it.conversation(sender, other), message.id, text),
        )
        if self.expect(verdict, answer):
            self.oracle.edited(sender, other, message.id, text=text, now_us=self.now_us)
        if isinstance(verdict, Accepted):
            assert answer == answered(self.oracle, message)

    def delete(self, number: int, *, is_recipient: bool) -> None:
        found = self._one_of_theirs(number, is_recipient=is_recipient and number % 3 == 0)
        if found is not None:
            actor, other, message = found
            verdict = self.oracle.judge_deleting(actor, other, message.id)
            answer = self.on_all(
                actor, lambda it: it.box(actor).delete(it.conversation(actor, other), message.id)
            )
            if self.expect(verdict, answer):
                self.oracle.deleted(actor, other, message.id, now_us=self.now_us)

    def hide(self, number: int, *, is_recipient: bool) -> None:
        found = self._one_of_theirs(number, is_recipient=is_recipient)
        if found is not None:
            actor, other, message = found
            verdict = self.oracle.judge_touching_message(actor, other, message.id)
            answer = self.on_all(
                actor, lambda it: it.box(actor).hide(it.conversation(actor, other), message.id)
            )
            if self.expect(verdict, answer):
                self.oracle.hid(actor, other, message.id, now_us=self.now_us)

    # One's own view ------------------------------------------------------------------------------

    def mark_read(self, pair: tuple[Person, Person], number: int) -> None:
        self._mark_read(*pair, self.some_message(number))

    def mark_read_one_that_is_theirs(self, number: int, *, is_recipient: bool) -> None:
        found = self._one_of_theirs(number, is_recipient=is_recipient)
        if found is not None:
            reader, other, message = found
            self._mark_read(reader, other, message.id)

    def _mark_read(self, reader: Person, other: Person, through: UUID) -> None:
        verdict = self.oracle.judge_touching_message(reader, other, through)
        answer = self.on_all(
            reader,
            lambda it: it.box(reader).mark_read(it.conversation(reader, other), through=through),
        )
        if self.expect(verdict, answer):
            self.oracle.marked(reader, other, through=through, now_us=self.now_us)

    def sort(self, pair: tuple[Person, Person], what: str) -> None:
        actor, other = pair
        verdict = self.oracle.judge_sorting(actor, other, what)
        answer = self.on_all(
            actor, lambda it: getattr(it.box(actor), SORTING[what])(it.conversation(actor, other))
        )
        if self.expect(verdict, answer):
            self.oracle.sorted(actor, other, what, now_us=self.now_us)

    def sort_one_that_is_theirs(self, number: int, what: str, *, is_recipient: bool) -> None:
        found = self._one_of_theirs(number, is_recipient=is_recipient)
        if found is not None:
            self.sort((found[0], found[1]), what)

    def put_away(self, number: int, *, mutes: bool) -> None:
        """And then the other writes."""
        found = self._one_of_theirs(number, is_recipient=True)
        if found is not None:
            actor, other, _ = found
            self.sort((actor, other), MUTED if mutes else UNMUTED)
            self.sort((actor, other), ARCHIVED)
            self._write(other, actor)

    def decline(self, number: int, *, accepts: bool) -> None:
        """Having read it; and then the other writes, and is, perhaps, let in after all."""
        waiting = [
            message
            for message in self.written()
            if self.oracle.request(message.other, message.actor) == "pending"
        ]
        if waiting:
            message = waiting[number % len(waiting)]
            actor, other = message.other, message.actor
            self._mark_read(actor, other, message.id)
            self.sort((actor, other), DECLINED)
            self._write(other, actor)
            if accepts:
                self.sort((actor, other), ACCEPTED)

    def choose(self, person: Person, choice: Choice) -> None:
        verdict = self.oracle.judge_choosing(choice)
        preferences = Preferences(
            open_to=OpenTo(choice.open_to),
            receipts=choice.receipts,
            typing=choice.typing,
            presence=choice.presence,
        )
        answer = self.on_all(person, lambda it: it.box(person).set_preferences(preferences))
        if self.expect(verdict, answer):
            self.oracle.chose(person, choice, now_us=self.now_us)

    # Moderators ----------------------------------------------------------------------------------

    def restrict(self, person: Person, kind: str, for_us: int | None) -> None:
        term = None if for_us is None else timedelta(microseconds=for_us)
        answer = self.on_all(
            person,
            lambda it: attrs.astuple(
                it.moderation(person.tenant).restrict(person.name, kind, reason="spam", for_=term)
            ),
        )
        assert not isinstance(answer, Refusal), answer
        self.oracle.restricted(
            MODERATORS[person.tenant],
            person,
            kind,
            until_us=None if for_us is None else self.now_us + for_us,
            now_us=self.now_us,
        )

    def lift_a_restriction(self, number: int) -> None:
        """One that was made, which may have ended already."""
        made = [event for event in self.oracle.events if isinstance(event, Restricted)]
        if made:
            event = made[-1 - number % len(made)]
            self._lift(event.user, event.kind)

    def _lift(self, person: Person, kind: str) -> None:
        verdict = self.oracle.judge_lifting(person, kind)
        answer = self.on_all(
            person, lambda it: attrs.astuple(it.moderation(person.tenant).lift(person.name, kind))
        )
        moderator = MODERATORS[person.tenant]
        if self.expect(verdict, answer):
            self.oracle.lifted(moderator, person, kind, now_us=self.now_us)
        else:
            self.oracle.refused(moderator, person, now_us=self.now_us)

    def do_while_hidden(
        self,
        pair: tuple[Person, Person],
        text: str,
        number: int,
        *,
        lifts: bool,
        answers: bool,
    ) -> None:
        """Write, edit, read and accept where nobody notices; perhaps once more after that."""
        person, other = pair
        self.restrict(person, SHADOW_BAN, None)
        self._write(person, other, text=text)
        found = self._one_of_theirs(number, is_recipient=False)
        if found is not None and found[0] == person:
            self._edit(*found, text + "?")
        if answers:
            self._write(other, person, text=text)
        self.sort(pair, ACCEPTED)
        theirs = [it.id for it in self.written() if (it.actor, it.other) == (other, person)]
        if theirs:
            self._mark_read(person, other, theirs[-1])
        if lifts:
            self._lift(person, SHADOW_BAN)
            self._write(person, other, text=text)

    # Blocks, the switch, time --------------------------------------------------------------------

    def block_or_unblock(self, pair: tuple[Person, Person], *, is_noop: bool) -> None:
        if self.oracle.blocks(*pair) == is_noop:
            self._block(*pair)
        else:
            self._unblock(*pair)

    def lift_a_block(self, number: int) -> None:
        lines = [line for person in PEOPLE for line in self.oracle.block_list(person)]
        if lines:
            line = lines[number % len(lines)]
            self._unblock(line.actor, line.other)

    def _block(self, blocker: Person, other: Person) -> None:
        verdict = self.oracle.judge_blocking(blocker, other)
        answer = self.on_all(blocker, lambda it: it.box(blocker).block(other.name))
        if self.expect(verdict, answer):
            self.oracle.blocked(blocker, other, now_us=self.now_us)

    def _unblock(self, blocker: Person, other: Person) -> None:
        verdict = self.oracle.judge_blocking(blocker, other)
        answer = self.on_all(blocker, lambda it: it.box(blocker).unblock(other.name))
        if self.expect(verdict, answer):
            self.oracle.unblocked(blocker, other, now_us=self.now_us)

    def turn(self, mode: str) -> None:
        """Off and on in turns, or nothing else would happen any more."""
        self._turn(mode if self.oracle.mode() == ON else ON)

    def _turn(self, mode: str) -> None:
        before = self.on_all(OLGA, lambda it: it.desk.set_mode(mode))
        assert before == self.oracle.mode()
        self.oracle.turned(OLGA, mode, now_us=self.now_us)

    def prune(self, most: int) -> None:
        """Until nothing is left, a few at a time; nobody but the operator notices."""
        removable, now_us = self.oracle.removable(), self.now_us

        def all_of_it(store: Store) -> int:
            done = store.desk.prune(most=most)
            while not done.is_complete:
                done = done.then(store.desk.prune(most=most))
            return done.messages

        assert self.on_all(OLGA, all_of_it) == len(removable)
        for _ in range(-(-len(removable) // most)):
            self.oracle.removed(OLGA, removable, now_us=now_us)

    def move_the_clock(self, us: int) -> None:
        self.clock.advance(us=us)

    def go_to_the_edge_of_a_window(self, person: Person, number: int, off_us: int) -> None:
        """Of a limit, or of the time in which a message can be changed."""
        window_us = self.oracle.product.edit_window_us or 0
        edges = self.oracle.edges_us(person)
        edges += [it.at_us + window_us for it in self.written() if it.actor == person]
        if edges:
            self.clock.set_us(edges[number % len(edges)] + off_us)


def within_bounds(expected: Uncertain, answer: Answer) -> Verdict:
    """A clock went back: either answer will do, within what LIMIT-2 allows."""
    if not isinstance(answer, Refusal):
        assert not expected.must_refuse
        return Accepted()
    assert answer.error is errors.LimitReached
    assert answer.retry_after_us is not None
    assert 0 < answer.retry_after_us <= expected.longest_us
    return answer
