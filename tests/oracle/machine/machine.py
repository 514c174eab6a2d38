"""The machine: Hypothesis acts, and after each step everything that anybody can see is compared."""

from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from tests.oracle.history import ON, Person, Product
from tests.oracle.machine import expected
from tests.oracle.machine.acting import Acting
from tests.oracle.machine.people import (
    MODERATORS,
    NOWHERE,
    OLGA,
    PAIRS,
    PEOPLE,
    Act,
    acts,
    pairs,
    products,
)
from tests.oracle.machine.store import Answer, Store
from tests.oracle.machine.walking import check_thread, walked
from tests.oracle.oracle import Oracle
from tests.oracle.oracle_limits import Refusal

from dmcore import DmcoreError, Page, errors
from dmcore.adapters.clock import ManualClock
from dmcore.testing.world import NOON_US

FOLDERS: Final = ("inbox", "requests", "archived")


class Machine(Acting):
    """People, an operator and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = 0
        self._polled: dict[Person, int] = {}
        self._kept: list[tuple[str, Person, Person, Any, dict[str, str]]] = []

    @initialize(product=products, known=st.lists(pairs, min_size=2, max_size=5))
    def begin(self, product: Product, known: list[tuple[Person, Person]]) -> None:
        self.clock = ManualClock(NOON_US)
        self.stores = [Store(harness, product, self.clock) for harness in self.harnesses]
        self.oracle = Oracle(
            people=(*PEOPLE, OLGA),
            product=product,
            moderators=tuple(MODERATORS.values()),
            now_us=self.clock.now_us,
        )
        self._turn(ON)
        for sender, other in known:
            self._write(sender, other)

    def teardown(self) -> None:
        try:
            if hasattr(self, "stores"):
                self._compare((*PEOPLE, OLGA))
                for person in PEOPLE:
                    self._compare_closely(person)
        finally:
            for harness in self.harnesses:
                harness.close()

    @rule(act=acts)
    def happens(self, act: Act) -> None:
        """One rule for all: Hypothesis leaves out some rules of a machine in each example, and a
        history without messages is soon told.
        """
        getattr(self, act.name)(**act.how)

    # What must come to nothing -------------------------------------------------------------------

    def intrude(
        self, sender: Person, pair: tuple[Person, Person] | None, key: str | None, number: int
    ) -> None:
        """Into a conversation of two others, of another tenant, or of nobody."""
        if pair is not None and sender in pair:
            pair = None
        message = self.some_message(number)

        def target(store: Store) -> UUID:
            return NOWHERE if pair is None else store.conversation(*pair)

        denied = Refusal(error=errors.AccessDenied)
        for act in (
            lambda it: it.box(sender).send(target(it), "hi", key=key, reply_to=message),
            lambda it: it.box(sender).edit(target(it), message, "hi"),
            lambda it: it.box(sender).delete(target(it), message),
            lambda it: it.box(sender).hide(target(it), message),
            lambda it: it.box(sender).mark_read(target(it), through=message),
            lambda it: it.box(sender).clear(target(it)),
            lambda it: it.box(sender).accept(target(it)),
            lambda it: it.box(sender).decline(target(it)),
        ):
            assert self.on_all(sender, act) == denied
        looking = self.oracle.judge_reading(sender)
        expected = looking if isinstance(looking, Refusal) else denied
        for look in (
            lambda it: it.box(sender).thread(target(it)),
            lambda it: it.box(sender).thread(target(it), root=message),
            lambda it: it.box(sender).conversation(target(it)),
        ):
            assert self.on_all(sender, look) == expected

    def misuse(self, pair: tuple[Person, Person], number: int) -> None:
        error, act = MISUSES[number % len(MISUSES)]
        answer = self.on_all(pair[0], lambda store: act(store, *pair))
        assert isinstance(answer, Refusal)
        assert answer.error is error

    # Cursors -------------------------------------------------------------------------------------

    def keep_a_cursor(self, pair: tuple[Person, Person], size: int, which: str) -> None:
        person, other = pair
        if isinstance(self.oracle.judge_reading(person), Refusal):
            return
        place: Any = None
        if which in FOLDERS:
            lines = self.oracle.listed(person, which)[:size]
            place = lines[-1].newest.id if lines and lines[-1].newest else None
        elif which == "blocked":
            blocks = self.oracle.block_list(person)[:size]
            place = blocks[-1] if blocks else None
        else:
            seen = (self.oracle.thread(person, other) or [])[-size:]
            if seen:
                place = seen[0].id if which == "before" else seen[-1].id
        found = {store.name: _cursor_of(store, which, pair, size) for store in self.stores}
        cursors = {name: cursor for name, cursor in found.items() if cursor is not None}
        assert len(cursors) in (0, len(self.stores))
        if cursors:
            self._kept.append((which, person, other, place, cursors))

    def continue_from_a_cursor(self, number: int, size: int) -> None:
        """However long ago it was given, it continues where it stands in what is there now."""
        if not self._kept:
            return
        which, person, other, place, cursors = self._kept[number % len(self._kept)]
        is_open = which == "blocked"
        looking = self.oracle.judge_protecting() if is_open else self.oracle.judge_reading(person)

        def act(store: Store) -> Answer:
            box, cursor = store.box(person), cursors[store.name]
            if which in FOLDERS:
                page = store.page(person, which, limit=size, cursor=cursor)
                return list(page.items), page.has_more
            if which == "blocked":
                lines = box.blocked(limit=size, cursor=cursor)
                return [line.blocked for line in lines.items], lines.has_more
            thread = box.thread(store.conversation(person, other), limit=size, **{which: cursor})
            return [store.told(message) for message in thread.items], thread.has_more

        answer = self.on_all(person, act)
        if isinstance(looking, Refusal):
            assert answer == looking
            return
        assert answer == self._continued(which, person, other, place, size)

    def _continued(
        self, which: str, person: Person, other: Person, place: Any, size: int
    ) -> Answer:
        if which in FOLDERS:
            lines = expected.lines(self.oracle, person, which)
            rest = [line for line in lines if line[1][0] < place]
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
            before = [expected.told(message) for message in seen if message.id < place]
            return before[-size:], len(before) > size
        after = [expected.told(message) for message in seen if message.id > place]
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
        self._compare_closely(self._actor)

    def _compare(self, persons: Iterable[Person]) -> None:
        for person in persons:
            polled = self._polled.get(person, 0)
            must_show = expected.shown_to(self.oracle, person, self.now_us, polled=polled)
            for store in self.stores:
                expected.check(store.name, store.shown_to(person), must_show)
            if not isinstance(self.oracle.judge_reading(person), Refusal):
                self._polled[person] = len(self.oracle.facts(person))

    def _compare_closely(self, person: Person) -> None:
        roots = self._roots(person)
        must_show = expected.shown_closely_to(self.oracle, person, roots)
        for store in self.stores:
            expected.check(store.name, store.shown_closely_to(person, roots), must_show)

    def _roots(self, person: Person) -> list[tuple[Person, UUID]]:
        """Of every thread that somebody may ask for, whether they see its beginning or not."""
        messages = [it for it in self.written() if person in (it.actor, it.other)]
        partners = {it.id: it.other if it.actor == person else it.actor for it in messages}
        answered = {it.reply_to for it in messages} - {None}
        return [(partner, id_) for id_, partner in partners.items() if id_ in answered]

    @invariant()
    def the_operator_counts_what_the_oracle_counts(self) -> None:
        counts = self.oracle.counts()
        for store in self.stores:
            assert store.counts() == counts, store.name
            assert store.desk.mode() == self.oracle.mode(), store.name
            assert store.desk.verify() == (), store.name

    @invariant()
    def small_pages_add_up(self) -> None:
        """Walks by pages of one to three, by whoever acted last."""
        if isinstance(self.oracle.judge_reading(self._actor), Refusal):
            return
        size = self._steps % 3 + 1
        for store in self.stores:
            self._check_lists(store, self._actor, size)
            for one, other in PAIRS:
                if one == self._actor and self.oracle.visible(one, other):
                    seen = self.oracle.thread(one, other) or []
                    check_thread(store, one, other, size, [expected.told(it) for it in seen])
            for other, root in self._roots(self._actor):
                seen = self.oracle.chain(self._actor, other, root) or []
                if seen:
                    told = [expected.told(it) for it in seen]
                    check_thread(store, self._actor, other, size, told, root=root)

    def _check_lists(self, store: Store, person: Person, size: int) -> None:
        box = store.box(person)
        for folder in FOLDERS:
            lines = walked(
                lambda cursor, folder=folder: store.page(  # type: ignore[misc]
                    person, folder, limit=size, cursor=cursor
                ),
                size,
            )
            assert lines == expected.lines(self.oracle, person, folder)
        blocks = walked(lambda cursor: box.blocked(limit=size, cursor=cursor), size)
        assert [it.blocked for it in blocks] == [
            it.other.name for it in self.oracle.block_list(person)
        ]
        entries = walked(
            lambda cursor: store.desk.audit(
                person.name, tenant=person.tenant, limit=size, cursor=cursor
            ),
            size,
        )
        assert [store.fact(it.fact) for it in entries] == self.oracle.facts(person)


def _cursor_of(store: Store, which: str, pair: tuple[Person, Person], size: int) -> str | None:
    box = store.box(pair[0])
    if which in FOLDERS or which == "blocked":
        page: Page[Any] = getattr(box, which)(limit=size)
        return page.next
    try:
        thread = box.thread(store.conversation(*pair), limit=size)
    except errors.AccessDenied:
        return None
    return thread.older if which == "before" else thread.newer


MISUSES: Final[tuple[tuple[type[DmcoreError], Callable[[Store, Person, Person], object]], ...]] = (
    (errors.CannotMessageYourself, lambda it, me, _: it.box(me).start(me.name, "hi")),
    (errors.CannotMessageYourself, lambda it, me, _: it.box(me).can_message(me.name)),
    (errors.CannotMessageYourself, lambda it, me, _: it.box(me).conversation_with(me.name)),
    (errors.CannotMessageYourself, lambda it, me, _: it.box(me).block(me.name)),
    (errors.CannotMessageYourself, lambda it, me, _: it.box(me).unblock(me.name)),
    (errors.InvalidId, lambda it, me, _: it.box(me).start("", "hi")),
    (errors.InvalidId, lambda it, me, _: it.box(me).send("hi", "hi")),
    (errors.InvalidId, lambda it, me, other: it.box(me).hide(it.conversation(me, other), "hi")),
    (errors.InvalidBody, lambda it, me, other: it.box(me).start(other.name, "\u200b")),
    (errors.InvalidKey, lambda it, me, other: it.box(me).start(other.name, "hi", key="")),
    (errors.InvalidPageSize, lambda it, me, _: it.box(me).inbox(limit=0)),
    (errors.InvalidPageSize, lambda it, me, _: it.box(me).snapshot(limit=101)),
    (errors.InvalidCursor, lambda it, me, _: it.box(me).inbox(cursor="AAAA")),
    (errors.InvalidCursor, lambda it, me, _: it.box(me).changes(after="AAAA")),
    (errors.InvalidSetting, lambda it, _me, _: it.desk.set_mode("loud")),
)
