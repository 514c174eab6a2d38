"""Every store in step with the oracle: whatever people do, all of them show the same.

Hypothesis acts: it lets people write, read, block, lets the clock jump and the operator turn the
switch. After each step everything that anybody can see is compared, on each store.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple
from uuid import UUID

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.oracle.oracle import (
    OFF,
    ON,
    READ_ONLY,
    REPLIES_ONLY,
    Accepted,
    Blocked,
    Limit,
    Oracle,
    Person,
    Refusal,
    Uncertain,
    Wrote,
)
from tests.support.stores import (
    Harness,
    MemoryHarness,
    PostgresHarness,
    SqliteHarness,
    runner_of,
)
from tests.support.world import DAY_US, MINUTE_US, NOON_US, SECOND_US

from dmcore import (
    DirectMessages,
    DmcoreError,
    Entry,
    Mailbox,
    Message,
    Operations,
    Page,
    Policy,
    RateLimit,
    errors,
)
from dmcore.adapters import sql
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.ids import SeededEntropy
from dmcore.domain.ids import TenantId, UserId
from dmcore.domain.pair import Pair
from dmcore.testing.postgres import PostgresServer

ANN, BOB, ZOE, DAN = (Person("", name) for name in ("ann", "Bob", "\U0001f600zoe", "dan"))
NORTHERN_ANN, NORTHERN_BOB = Person("north", "ann"), Person("north", "Bob")
OLGA = Person("the office", "olga")
PEOPLE: Final = (ANN, BOB, ZOE, DAN, NORTHERN_ANN, NORTHERN_BOB)
PAIRS: Final = tuple(
    (one, other)
    for one in PEOPLE
    for other in PEOPLE
    if one != other and one.tenant == other.tenant
)
NOWHERE: Final = UUID("0b5e7d3c-7c31-8f0e-9d6a-3f2b1c0d9e8f")

people = st.sampled_from(PEOPLE)
pairs = st.sampled_from(PAIRS)
texts = st.sampled_from(("hi", "ho", "e\u0301\r\n", "\ufeff\U0001f468\u200d\U0001f469 "))
keys = st.sampled_from((None, None, "k", "K"))
numbers = st.integers(0, 60)
sizes = st.integers(1, 3)
moments_us = st.sampled_from(
    (0, 1, 400, 999, 1000, SECOND_US, 30 * SECOND_US, MINUTE_US, DAY_US // 24, DAY_US)
)
jumps_us = st.sampled_from((-1, -1000, -59 * SECOND_US, -MINUTE_US, -DAY_US, -400 * DAY_US))
message_limits = st.sampled_from((None, Limit(3, MINUTE_US)))
start_limits = st.sampled_from((None, Limit(1, DAY_US), Limit(2, DAY_US)))

flags = st.booleans()

# What can happen, how often in comparison, and what has to be drawn for it.
ACTS: Final[dict[str, tuple[int, dict[str, st.SearchStrategy[Any]]]]] = {
    "write": (6, {"pair": pairs, "text": texts, "key": keys, "by_id": flags}),
    "converse": (3, {"pair": pairs, "turns": st.lists(flags, min_size=2, max_size=4)}),
    "answer": (4, {"number": numbers, "text": texts, "key": keys}),
    "retry": (2, {"number": numbers, "text": texts, "by_id": flags}),
    "write_to_one_who_blocks": (
        4,
        {"pair": pairs, "text": texts, "lifts": flags, "answers": flags},
    ),
    "write_to_everybody": (2, {"pair": pairs}),
    "mark_read": (2, {"pair": pairs, "number": numbers}),
    "mark_read_one_that_is_theirs": (4, {"number": numbers, "is_recipient": flags}),
    "block_or_unblock": (2, {"pair": pairs, "is_noop": flags}),
    "lift_a_block": (2, {"number": numbers}),
    "turn": (1, {"mode": st.sampled_from((OFF, READ_ONLY, REPLIES_ONLY, ON))}),
    "intrude": (1, {"sender": people, "pair": st.none() | pairs, "key": keys, "number": numbers}),
    "misuse": (1, {"pair": pairs, "number": numbers}),
    "move_the_clock": (3, {"us": st.one_of(moments_us, moments_us, jumps_us)}),
    "go_to_the_edge_of_a_window": (
        2,
        {"person": people, "number": numbers, "off_us": st.sampled_from((-1, 0, 1))},
    ),
    "keep_a_cursor": (
        2,
        {
            "pair": pairs,
            "size": sizes,
            "which": st.sampled_from(("inbox", "blocked", "before", "after")),
        },
    ),
    "continue_from_a_cursor": (2, {"number": numbers, "size": sizes}),
}


class Act(NamedTuple):
    """The name of a method of the machine, and its arguments."""

    name: str
    how: dict[str, Any]


def drawn(name: str) -> st.SearchStrategy[Act]:
    return st.builds(Act, st.just(name), st.fixed_dictionaries(ACTS[name][1]))


acts = st.sampled_from([name for name, (weight, _) in ACTS.items() for _ in range(weight)]).flatmap(
    drawn
)

Shown = dict[str, object]
Answer = object


def rate_limit(limit: Limit | None) -> RateLimit | None:
    if limit is None:
        return None
    return RateLimit(limit.count, timedelta(microseconds=limit.window_us))


def between(one: Person, other: Person) -> tuple[str, ...]:
    """How a conversation is called on every store, whatever its id."""
    return (one.tenant, *sorted((one.name, other.name)))


class Store:
    """One store under test, asked in terms that mean the same on all of them."""

    def __init__(self, harness: Harness, policy: Policy, clock: ManualClock) -> None:
        harness.clear()
        self.harness = harness
        self.name = harness.name
        self.dm: DirectMessages = harness.open(
            policy=policy, clock=clock, entropy=SeededEntropy("in step")
        )
        self.desk: Operations = self.dm.operations(OLGA.name, tenant=OLGA.tenant)
        namespace = runner_of(self.dm).read(lambda tx: tx.namespace)
        self.ids = {
            between(one, other): Pair.of(
                TenantId(one.tenant), UserId(one.name), UserId(other.name)
            ).conversation_id(namespace)
            for one, other in PAIRS
        }
        self.names = {id_: name for name, id_ in self.ids.items()}

    def box(self, person: Person) -> Mailbox:
        return self.dm.mailbox(person.name, tenant=person.tenant)

    def conversation(self, one: Person, other: Person) -> UUID:
        return self.ids[between(one, other)]

    def told(self, message: Message) -> Answer:
        return (
            message.id,
            self.names[message.conversation],
            message.sender,
            message.body.text,
            message.sent_at_us,
        )

    def fact(self, entry: Entry) -> Answer:
        fact = entry.fact
        return (
            fact.action.value,
            fact.actor,
            fact.other,
            fact.conversation is not None,
            fact.message,
            fact.at_us,
            fact.mode,
        )

    def shown_to(self, person: Person) -> Shown:
        """Everything that one person can see, and the journal about them, in whole pages."""
        box = self.box(person)
        shown: Shown = {"journal": self.journal(person)}
        shown["inbox"] = self._asked(lambda: self.inbox_page(person, limit=100).items)
        shown["unread"] = self._asked(box.unread)
        shown["blocks"] = self._asked(
            lambda: [(line.blocked, line.since_us) for line in self._all(box.blocked(limit=100))]
        )
        for one, other in PAIRS:
            if one == person:
                shown[f"thread with {other.name}"] = self._asked(
                    lambda other=other: self.thread(person, other)  # type: ignore[misc]
                )
                shown[f"profile of {other.name}"] = self._asked(
                    lambda other=other: box.can_see_profile(other.name)  # type: ignore[misc]
                )
        return shown

    def thread(self, person: Person, other: Person) -> Answer:
        page = self.box(person).thread(self.conversation(person, other), limit=100)
        assert not page.has_more
        assert page.older is None
        assert (page.newer is None) == (page.items == ())
        return page.other, page.read, [self.told(message) for message in page.items]

    def journal(self, person: Person) -> list[Answer]:
        entries = self._all(self.desk.audit(person.name, tenant=person.tenant, limit=100))
        assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
        for entry in entries:
            if entry.fact.conversation is not None:
                names = self.names[entry.fact.conversation]
                assert {entry.fact.actor, entry.fact.other} == set(names[1:])
        return [self.fact(entry) for entry in entries]

    def inbox_page(self, person: Person, *, limit: int, cursor: str | None = None) -> Page[Answer]:
        page = self.box(person).inbox(limit=limit, cursor=cursor)
        lines: list[Answer] = []
        for entry in page.items:
            assert entry.preview is not None
            assert entry.preview.id == entry.newest
            told = self.told(entry.preview)
            assert self.names[entry.conversation] == self.names[entry.preview.conversation]
            lines.append((entry.other, told, entry.read, entry.unread))
        return Page(tuple(lines), page.next)

    def counts(self) -> dict[str, int]:
        status = attrs.asdict(self.desk.status())
        wanted = ("conversations", "messages", "users", "blocks", "journal_entries")
        return {name: status[name] for name in wanted}

    def attempt(self, act: "Callable[[Store], Any]") -> Answer:
        """What an act comes to: its answer, or the error in a form that can be compared."""
        answer = self._asked(lambda: act(self))
        return self.told(answer) if isinstance(answer, Message) else answer

    @staticmethod
    def _asked(ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except DmcoreError as error:
            return refused(error)

    @staticmethod
    def _all(page: Page[Any]) -> list[Any]:
        assert not page.has_more
        return list(page.items)


def refused(error: DmcoreError) -> Refusal:
    if isinstance(error, errors.LimitReached):
        wait_us = error.retry_after // timedelta(microseconds=1)
        return Refusal(type(error), error.limit, wait_us)
    mode = error.details.get("mode")
    return Refusal(type(error), mode=None if mode is None else str(mode))


class Machine(RuleBasedStateMachine):
    """People, an operator and a clock."""

    harnesses: ClassVar[tuple[Harness, ...]]

    def __init__(self) -> None:
        super().__init__()
        self._steps = 0
        self._actor = ANN
        self._kept: list[tuple[str, Person, Person, Any, dict[str, str]]] = []

    @initialize(
        messages=message_limits,
        starts=start_limits,
        absorbs=st.booleans(),
        known=st.lists(pairs, min_size=2, max_size=5),
    )
    def begin(
        self,
        messages: Limit | None,
        starts: Limit | None,
        known: list[tuple[Person, Person]],
        *,
        absorbs: bool,
    ) -> None:
        self.clock = ManualClock(NOON_US)
        policy = Policy(
            messages=rate_limit(messages),
            starts=rate_limit(starts),
            blocked="absorb" if absorbs else "refuse",
        )
        self.stores = [Store(harness, policy, self.clock) for harness in self.harnesses]
        self.oracle = Oracle(
            people=(*PEOPLE, OLGA), messages=messages, starts=starts, absorbs=absorbs
        )
        self._turn(ON)
        for sender, other in known:
            self._write(sender, other)

    def teardown(self) -> None:
        try:
            if hasattr(self, "stores"):
                self._compare((*PEOPLE, OLGA))
                for store in self.stores:
                    assert store.desk.verify() == (), store.name
        finally:
            for harness in self.harnesses:
                harness.close()

    @rule(act=acts)
    def happens(self, act: Act) -> None:
        """One rule for all: Hypothesis leaves out some rules of a machine in each example, and a
        history without messages is soon told.
        """
        getattr(self, act.name)(**act.how)

    # Acts ----------------------------------------------------------------------------------------

    def _on_all(self, actor: Person, act: Callable[[Store], Any]) -> Answer:
        """The one answer that every store gives."""
        self._actor = actor
        answers = {store.name: store.attempt(act) for store in self.stores}
        first = next(iter(answers.values()))
        assert all(answer == first for answer in answers.values()), answers
        return first

    def _expect(self, expected: Accepted | Refusal, answer: Answer) -> bool:
        if isinstance(expected, Refusal):
            assert answer == expected
            return False
        assert not isinstance(answer, Refusal), answer
        return True

    def write(
        self, pair: tuple[Person, Person], text: str, key: str | None, *, by_id: bool
    ) -> None:
        self._write(*pair, text=text, key=key, by_id=by_id)

    def converse(self, pair: tuple[Person, Person], turns: list[bool]) -> None:
        for number, is_answer in enumerate(turns):
            sender, other = pair[::-1] if is_answer else pair
            self._write(sender, other, text=str(number))
            self.clock.advance(us=SECOND_US)

    def answer(self, number: int, text: str, key: str | None) -> None:
        """By conversation, to any message there is, also to one that was absorbed."""
        written = self._written()
        if written:
            message = written[number % len(written)]
            self._write(message.other, message.actor, text=text, key=key, by_id=True)

    def retry(self, number: int, text: str, *, by_id: bool) -> None:
        """Under a key that was used before, with the same text or with another."""
        keyed = [message for message in self._written() if message.key is not None]
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
    ) -> None:
        now_us = self.clock.now_us()
        expected = self.oracle.judge_writing(
            sender, other, text=text, key=key, now_us=now_us, by_id=by_id
        )

        def act(store: Store) -> Message:
            if by_id:
                return store.box(sender).send(store.conversation(sender, other), text, key=key)
            return store.box(sender).start(other.name, text, key=key)

        answer = self._on_all(sender, act)
        if isinstance(answer, Refusal) and answer.error is errors.LimitReached:
            self.oracle.turned_away(sender, now_us=now_us)
        if isinstance(expected, Uncertain):
            expected = self._within_bounds(expected, answer)
        if not self._expect(expected, answer):
            return
        assert isinstance(expected, Accepted)
        assert isinstance(answer, tuple)
        if expected.earlier is not None:
            assert answer == told(expected.earlier)
            return
        assert answer[1:] == (between(sender, other), sender.name, text, now_us)
        self.oracle.wrote(sender, other, id_=answer[0], text=text, key=key, now_us=now_us)

    @staticmethod
    def _within_bounds(expected: Uncertain, answer: Answer) -> Accepted | Refusal:
        """A clock went back: either answer will do, within what LIMIT-2 allows."""
        if not isinstance(answer, Refusal):
            assert not expected.must_refuse
            return Accepted()
        assert answer.error is errors.LimitReached
        assert answer.retry_after_us is not None
        assert 0 < answer.retry_after_us <= expected.longest_us
        return answer

    def mark_read(self, pair: tuple[Person, Person], number: int) -> None:
        self._mark_read(*pair, self._some_message(number))

    def mark_read_one_that_is_theirs(self, number: int, *, is_recipient: bool) -> None:
        written = self._written()
        if written:
            message = written[number % len(written)]
            two = (message.other, message.actor) if is_recipient else (message.actor, message.other)
            self._mark_read(*two, message.id)

    def _mark_read(self, reader: Person, other: Person, through: UUID) -> None:
        expected = self.oracle.judge_marking(reader, other, through)
        answer = self._on_all(
            reader,
            lambda store: store.box(reader).mark_read(
                store.conversation(reader, other), through=through
            ),
        )
        if self._expect(expected, answer):
            self.oracle.marked(reader, other, through=through, now_us=self.clock.now_us())

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
        expected = self.oracle.judge_blocking(blocker, other)
        answer = self._on_all(blocker, lambda store: store.box(blocker).block(other.name))
        if self._expect(expected, answer):
            self.oracle.blocked(blocker, other, now_us=self.clock.now_us())

    def _unblock(self, blocker: Person, other: Person) -> None:
        expected = self.oracle.judge_blocking(blocker, other)
        answer = self._on_all(blocker, lambda store: store.box(blocker).unblock(other.name))
        if self._expect(expected, answer):
            self.oracle.unblocked(blocker, other, now_us=self.clock.now_us())

    def turn(self, mode: str) -> None:
        """Off and on in turns, or nothing else would happen any more."""
        self._turn(mode if self.oracle.mode() == ON else ON)

    def _turn(self, mode: str) -> None:
        before = self._on_all(OLGA, lambda store: store.desk.set_mode(mode))
        assert before == self.oracle.mode()
        self.oracle.turned(OLGA, mode, now_us=self.clock.now_us())

    # What must come to nothing -------------------------------------------------------------------

    def intrude(
        self, sender: Person, pair: tuple[Person, Person] | None, key: str | None, number: int
    ) -> None:
        """Into a conversation of two others, of another tenant, or of nobody."""
        if pair is not None and sender in pair:
            pair = None
        through = self._some_message(number)

        def target(store: Store) -> UUID:
            return NOWHERE if pair is None else store.conversation(*pair)

        denied = Refusal(errors.AccessDenied)
        for act in (
            lambda store: store.box(sender).send(target(store), "hi", key=key),
            lambda store: store.box(sender).mark_read(target(store), through=through),
        ):
            assert self._on_all(sender, act) == denied
        looking = self.oracle.judge_reading()
        expected = looking if isinstance(looking, Refusal) else denied
        answer = self._on_all(sender, lambda store: store.box(sender).thread(target(store)))
        assert answer == expected

    def misuse(self, pair: tuple[Person, Person], number: int) -> None:
        error, act = MISUSES[number % len(MISUSES)]
        answer = self._on_all(pair[0], lambda store: act(store, *pair))
        assert answer == Refusal(error)

    # Time ----------------------------------------------------------------------------------------

    def move_the_clock(self, us: int) -> None:
        self.clock.advance(us=us)

    def go_to_the_edge_of_a_window(self, person: Person, number: int, off_us: int) -> None:
        edges = self.oracle.edges_us(person)
        if edges:
            self.clock.set_us(edges[number % len(edges)] + off_us)

    # Cursors -------------------------------------------------------------------------------------

    def keep_a_cursor(self, pair: tuple[Person, Person], size: int, which: str) -> None:
        if self.oracle.mode() == OFF:
            return
        person, other = pair
        cursors: dict[str, str] = {}
        place: Any = None
        if which == "inbox":
            lines = self.oracle.inbox(person)[:size]
            place = lines[-1].newest.id if lines else None
        elif which == "blocked":
            blocks = self.oracle.block_list(person)[:size]
            place = blocks[-1] if blocks else None
        else:
            seen = (self.oracle.thread(person, other) or [])[-size:]
            if seen:
                place = seen[0].id if which == "before" else seen[-1].id
        for store in self.stores:
            cursor = self._cursor_of(store, which, person, other, size)
            if cursor is not None:
                cursors[store.name] = cursor
        assert len(cursors) in (0, len(self.stores))
        if cursors:
            self._kept.append((which, person, other, place, cursors))

    @staticmethod
    def _cursor_of(
        store: Store, which: str, person: Person, other: Person, size: int
    ) -> str | None:
        box = store.box(person)
        if which == "inbox":
            return box.inbox(limit=size).next
        if which == "blocked":
            return box.blocked(limit=size).next
        try:
            page = box.thread(store.conversation(person, other), limit=size)
        except errors.AccessDenied:
            return None
        return page.older if which == "before" else page.newer

    def continue_from_a_cursor(self, number: int, size: int) -> None:
        """However long ago it was given, it continues where it stands in what is there now."""
        if not self._kept:
            return
        which, person, other, place, cursors = self._kept[number % len(self._kept)]
        looking = self.oracle.judge_reading()

        def act(store: Store) -> Answer:
            box, cursor = store.box(person), cursors[store.name]
            if which == "inbox":
                page = store.inbox_page(person, limit=size, cursor=cursor)
                return list(page.items), page.has_more
            if which == "blocked":
                lines = box.blocked(limit=size, cursor=cursor)
                return [line.blocked for line in lines.items], lines.has_more
            thread = box.thread(store.conversation(person, other), limit=size, **{which: cursor})
            return [store.told(message) for message in thread.items], thread.has_more

        answer = self._on_all(person, act)
        if isinstance(looking, Refusal):
            assert answer == looking
            return
        assert answer == self._continued(which, person, other, place, size)

    def _continued(
        self, which: str, person: Person, other: Person, place: Any, size: int
    ) -> Answer:
        if which == "inbox":
            rest = [line for line in inbox_of(self.oracle, person) if line[1][0] < place]
            return rest[:size], len(rest) > size
        if which == "blocked":
            index = self.oracle.events.index(place)
            older = [
                line.other.name
                for line in self.oracle.block_list(person)
                if self.oracle.events.index(line) < index
            ]
            return older[:size], len(older) > size
        seen = self.oracle.thread(person, other) or []
        if which == "before":
            before = [told(message) for message in seen if message.id < place]
            return before[-size:], len(before) > size
        after = [told(message) for message in seen if message.id > place]
        return after[:size], len(after) > size

    # Comparing -----------------------------------------------------------------------------------

    @invariant()
    def everybody_sees_what_the_oracle_says(self) -> None:
        """Everybody near the one who acted, after each step; everybody else now and then."""
        self._steps += 1
        self._compare(
            person
            for person in (*PEOPLE, OLGA)
            if person.tenant == self._actor.tenant or self._steps % 5 == 0
        )

    def _compare(self, persons: Iterable[Person]) -> None:
        for person in persons:
            expected = expected_view(self.oracle, person)
            for store in self.stores:
                assert store.shown_to(person) == expected, store.name

    @invariant()
    def the_operator_counts_what_the_oracle_counts(self) -> None:
        counts = self.oracle.counts()
        for store in self.stores:
            assert store.counts() == counts, store.name
            assert store.desk.mode() == self.oracle.mode(), store.name

    @invariant()
    def small_pages_add_up(self) -> None:
        """Walks by pages of one to three, by whoever acted last."""
        if self.oracle.mode() == OFF:
            return
        size = self._steps % 3 + 1
        person = self._actor
        for store in self.stores:
            box = store.box(person)

            def inbox(cursor: str | None, store: Store = store) -> Page[Any]:
                return store.inbox_page(person, limit=size, cursor=cursor)

            def blocked(cursor: str | None, box: Mailbox = box) -> Page[Any]:
                return box.blocked(limit=size, cursor=cursor)

            def audit(cursor: str | None, store: Store = store) -> Page[Any]:
                return store.desk.audit(
                    person.name, tenant=person.tenant, limit=size, cursor=cursor
                )

            assert walked(inbox, size) == inbox_of(self.oracle, person)
            assert [line.blocked for line in walked(blocked, size)] == [
                line.other.name for line in self.oracle.block_list(person)
            ]
            assert [store.fact(entry) for entry in walked(audit, size)] == self.oracle.facts(person)
            for one, other in PAIRS:
                seen = self.oracle.thread(one, other)
                if one == person and seen:
                    expected = [told(message) for message in seen]
                    check_thread(store, person, other, size, expected)

    def _some_message(self, number: int) -> UUID:
        """Any message there is, of whomever; now and then none."""
        written = self._written()
        return written[number].id if number < len(written) else NOWHERE

    def _written(self) -> list[Wrote]:
        return [event for event in self.oracle.events if isinstance(event, Wrote)]


MISUSES: Final[tuple[tuple[type[DmcoreError], Callable[[Store, Person, Person], object]], ...]] = (
    (errors.CannotMessageYourself, lambda it, me, _: it.box(me).start(me.name, "hi")),
    (errors.CannotMessageYourself, lambda it, me, _: it.box(me).block(me.name)),
    (errors.CannotMessageYourself, lambda it, me, _: it.box(me).unblock(me.name)),
    (errors.InvalidId, lambda it, me, _: it.box(me).start("", "hi")),
    (errors.InvalidId, lambda it, me, _: it.box(me).send("hi", "hi")),
    (errors.InvalidBody, lambda it, me, other: it.box(me).start(other.name, "\u200b")),
    (errors.InvalidKey, lambda it, me, other: it.box(me).start(other.name, "hi", key="")),
    (errors.InvalidPageSize, lambda it, me, _: it.box(me).inbox(limit=0)),
    (errors.InvalidCursor, lambda it, me, _: it.box(me).inbox(cursor="AAAA")),
    (errors.InvalidSetting, lambda it, _me, _: it.desk.set_mode("loud")),
)


def told(message: Wrote) -> tuple[Any, ...]:
    names = between(message.actor, message.other)
    return message.id, names, message.actor.name, message.text, message.at_us


def inbox_of(oracle: Oracle, person: Person) -> list[Any]:
    return [
        (line.other, told(line.newest), line.read, line.unread) for line in oracle.inbox(person)
    ]


def expected_view(oracle: Oracle, person: Person) -> Shown:
    """What every store has to show."""
    looking = oracle.judge_reading()
    is_off = isinstance(looking, Refusal)
    lines: list[Blocked] = oracle.block_list(person)
    shown: Shown = {
        "inbox": looking if is_off else tuple(inbox_of(oracle, person)),
        "unread": looking if is_off else oracle.unread(person),
        "blocks": looking if is_off else [(line.other.name, line.at_us) for line in lines],
        "journal": oracle.facts(person),
    }
    for one, other in PAIRS:
        if one != person:
            continue
        seen = oracle.thread(person, other)
        answer: Answer = Refusal(errors.AccessDenied)
        if seen is not None:
            marker = oracle.marker(person, other)
            answer = (other.name, marker, [told(message) for message in seen])
        shown[f"thread with {other.name}"] = looking if is_off else answer
        shown[f"profile of {other.name}"] = (
            looking if is_off else oracle.can_see_profile(person, other)
        )
    return shown


def walked(fetch: Callable[[str | None], Page[Any]], size: int) -> list[Any]:
    """Every item of a list, page by page; each page but the last is full."""
    found: list[Any] = []
    cursor = None
    while True:
        page = fetch(cursor)
        found += page.items
        if not page.has_more:
            assert len(page.items) <= size
            assert page.items or not found
            return found
        assert len(page.items) == size
        cursor = page.next


def check_thread(
    store: Store, person: Person, other: Person, size: int, expected: list[Any]
) -> None:
    """Back to the beginning and forth to the end, by small pages."""
    box, conversation = store.box(person), store.conversation(person, other)
    back: list[Any] = []
    page = box.thread(conversation, limit=size)
    while True:
        back = [store.told(message) for message in page.items] + back
        assert page.has_more == (page.older is not None)
        if page.older is None:
            break
        assert len(page.items) == size
        page = box.thread(conversation, limit=size, before=page.older)
        assert page.items
    assert back == expected
    forth = [store.told(message) for message in page.items]
    is_promised = len(forth) < len(expected)
    while is_promised:
        page = box.thread(conversation, limit=size, after=page.newer)
        forth += [store.told(message) for message in page.items]
        is_promised = page.has_more
        assert page.items
        assert len(page.items) == size or not is_promised
    assert forth == expected
    assert box.thread(conversation, limit=size, after=page.newer).items == ()


@pytest.fixture
def harnesses(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[tuple[Harness, ...]]:
    """One store of each kind, emptied before each example."""
    url = postgres_server.create_database()
    file = tmp_path / "dm.db"
    for address in (url, f"sqlite:///{file}"):
        sql.initialise(address)
    yield MemoryHarness(), SqliteHarness(f"sqlite:///{file}"), PostgresHarness(url)
    postgres_server.drop_database(url)
    shutil.rmtree(tmp_path)


@pytest.mark.promise("PAIR-1", "PAIR-2", "CONV-1", "CONV-2", "MSG-1", "MSG-2", "MSG-3", "PAGE-1")
@pytest.mark.promise("PAGE-2", "READ-1", "READ-3", "LIMIT-1", "LIMIT-2", "BLOCK-1", "BLOCK-2")
@pytest.mark.promise("BLOCK-3", "OPS-1", "OPS-5", "AUD-1", "FEED-2")
def test_every_store_shows_what_the_oracle_says(harnesses: tuple[Harness, ...]) -> None:
    """A few dozen histories by default; thousands, and longer ones, in the nightly profile."""
    profile = settings()
    is_long = profile.max_examples > 1_000
    run_state_machine_as_test(
        type("Machine", (Machine,), {"harnesses": harnesses}),
        settings=settings(
            profile,
            max_examples=profile.max_examples * 15 // 100,
            stateful_step_count=80 if is_long else 30,
            suppress_health_check=list(HealthCheck),
        ),
    )
