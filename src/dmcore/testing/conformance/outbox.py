"""The port of the outbox: what waits is found, marks go forward, and belong to somebody."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import attrs
import pytest

from dmcore.domain.account import Account
from dmcore.domain.events import Action, Entry, Fact
from dmcore.domain.ids import ConsumerName, TenantId, User, UserId
from dmcore.domain.relaying import LONGEST_DELAY_US, Backlog, Delivery, Lease, Mark, SetAside
from dmcore.errors import StoreRefused
from dmcore.ports.outbox import Outbox
from dmcore.ports.transactions import Transaction, Transactions, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.rows import ANN, BOB, CYD
from dmcore.testing.world import NOON_US, MakeWorld

Params = ParamSpec("Params")
Result = TypeVar("Result")

HOOK, OTHER = ConsumerName("hook"), ConsumerName("other")
AWAY = User(TenantId("away"), UserId("ann"))


def entry(owner: User, position: int, *, at_us: int = NOON_US) -> Entry:
    fact = Fact(action=Action.PREFERENCES_CHANGED, actor=owner.id, at_us=at_us)
    return Entry(owner=owner, position=position, fact=fact)


def journal(tx: Transaction, owner: User, *, last: int, pruned: int = 0) -> None:
    tx.mailboxes.save(Account(user=owner, position=last, pruned=pruned))
    kept = range(pruned + 1, last + 1)
    tx.journal.record([entry(owner, it, at_us=NOON_US + it) for it in kept])


def given_up(owner: User, position: int, *, is_due: bool = False) -> SetAside:
    return SetAside(
        owner=owner, position=position, attempts=5, error="E", at_us=NOON_US, is_due=is_due
    )


class Desk:
    """The port, each method in a transaction of its own."""

    def __init__(self, runner: Transactions) -> None:
        self.runner = runner

    def do(
        self,
        method: Callable[Concatenate[Outbox, Params], Result],
        *args: Params.args,
        **kwargs: Params.kwargs,
    ) -> Result:
        def use_case(tx: Transaction) -> Result:
            found: Result = getattr(tx.outbox, method.__name__)(*args, **kwargs)
            return found

        return self.runner.run(writing(use_case))

    def due(
        self, *, after: User | None = None, now_us: int = NOON_US, users: int = 9
    ) -> list[Delivery]:
        found = self.do(Outbox.due, HOOK, after=after, now_us=now_us, users=users, events=2)
        return list(found)


class TestOutbox:
    """The port of the outbox: what waits is found, marks go forward, and belong to somebody."""

    @pytest.fixture
    def desk(self, make_world: MakeWorld) -> Desk:
        """On a store in which nobody has done anything yet."""
        desk = Desk(runner_of(make_world(mode=None).dm))
        desk.do(Outbox.add, Lease(consumer=HOOK))
        return desk

    @pytest.fixture
    def journals(self, desk: Desk) -> Desk:
        def record(tx: Transaction) -> None:
            journal(tx, ANN, last=3)
            journal(tx, BOB, last=4, pruned=2)
            journal(tx, CYD, last=0)
            journal(tx, AWAY, last=1)

        desk.runner.run(writing(record))
        return desk

    @pytest.mark.promise("OPS-8")
    def test_a_consumer_is_held_and_stored_as_it_was(self, desk: Desk) -> None:
        taken = Lease(consumer=HOOK, holder="worker", until_us=NOON_US)
        assert desk.do(Outbox.hold, HOOK) == Lease(consumer=HOOK)
        assert desk.do(Outbox.hold, OTHER) is None
        desk.do(Outbox.save, taken)
        desk.do(Outbox.add, Lease(consumer=ConsumerName("a")))
        assert desk.do(Outbox.consumers) == [Lease(consumer=ConsumerName("a")), taken]
        with pytest.raises(StoreRefused):
            desk.do(Outbox.add, Lease(consumer=HOOK))
        assert desk.do(Outbox.hold, HOOK) == taken

    @pytest.mark.promise("OPS-8")
    def test_what_waits_is_found_user_by_user_and_in_order(self, journals: Desk) -> None:
        ann, bob, away = journals.due()
        assert (ann.mark, ann.head) == (Mark(owner=ANN), 3)
        assert ann.events == (entry(ANN, 1, at_us=NOON_US + 1), entry(ANN, 2, at_us=NOON_US + 2))
        # What is kept no longer is passed over.
        assert ([it.position for it in bob.events], bob.mark.position) == ([3, 4], 0)
        assert [it.owner for it in away.events] == [AWAY]
        assert journals.due(users=2) == [ann, bob]
        assert journals.due(after=ANN) == [bob, away]
        assert journals.due(after=AWAY) == []

    @pytest.mark.promise("OPS-8")
    def test_who_has_nothing_new_or_is_not_due_does_not_wait(self, journals: Desk) -> None:
        later = Mark(owner=BOB, position=3, attempts=2, due_us=NOON_US + 5, error="E")
        journals.do(Outbox.claim, HOOK, [Mark(owner=ANN, position=3), later])
        assert [it.mark.owner for it in journals.due(now_us=NOON_US + 4)] == [AWAY]
        bob, _ = journals.due(now_us=NOON_US + 5)
        assert (bob.mark, [it.position for it in bob.events]) == (later, [4])
        # Further away than any delay: some clock was ahead.
        ahead = attrs.evolve(later, due_us=NOON_US + LONGEST_DELAY_US + 1)
        journals.do(Outbox.claim, HOOK, [ahead])
        assert [it.mark.owner for it in journals.due()] == [BOB, AWAY]

    @pytest.mark.promise("OPS-8")
    def test_what_was_begun_before_comes_alone(self, journals: Desk) -> None:
        journals.do(Outbox.claim, HOOK, [Mark(owner=ANN, attempts=1)])
        assert [it.position for it in journals.due()[0].events] == [1]

    @pytest.mark.promise("OPS-8", "GDPR-2")
    def test_where_all_is_pruned_there_is_nothing_to_give(self, journals: Desk) -> None:
        def forget(tx: Transaction) -> None:
            account = tx.mailboxes.hold(ANN)
            tx.mailboxes.save(attrs.evolve(account, pruned=3))
            tx.journal.prune(ANN, through=3)

        journals.runner.run(writing(forget))
        ann = journals.due()[0]
        assert (ann.mark.owner, ann.head, ann.events) == (ANN, 3, ())
        assert journals.do(Outbox.backlog, HOOK).behind == 3

    @pytest.mark.promise("OPS-8")
    def test_a_mark_goes_forward_and_never_back(self, journals: Desk) -> None:
        journals.do(Outbox.claim, HOOK, [Mark(owner=ANN, attempts=1, due_us=7)])
        journals.do(Outbox.advance, HOOK, [Mark(owner=ANN, position=2)])
        assert journals.due()[0].mark == Mark(owner=ANN, position=2)
        for method in (Outbox.advance, Outbox.claim):
            journals.do(method, HOOK, [Mark(owner=ANN, position=1)])
            assert journals.due()[0].mark == Mark(owner=ANN, position=2)

    @pytest.mark.promise("OPS-8", "GDPR-1")
    def test_what_belongs_to_nobody_is_not_stored(self, journals: Desk) -> None:
        nobody = attrs.evolve(ANN, id=UserId("nobody"))
        journals.do(Outbox.claim, HOOK, [Mark(owner=nobody, attempts=1)])
        journals.do(Outbox.advance, HOOK, [Mark(owner=nobody, position=1)])
        journals.do(Outbox.set_aside, HOOK, [given_up(nobody, 1), given_up(ANN, 1)])
        assert journals.do(Outbox.aside, HOOK, due=False, limit=9) == [given_up(ANN, 1)]

    @pytest.mark.promise("OPS-8", "GDPR-1")
    def test_what_belongs_to_an_account_goes_with_it(self, journals: Desk) -> None:
        journals.do(Outbox.claim, HOOK, [Mark(owner=ANN, position=1), Mark(owner=BOB, position=3)])
        journals.do(Outbox.set_aside, HOOK, [given_up(ANN, 1), given_up(BOB, 3)])
        assert journals.runner.run(writing(lambda tx: tx.erasures.drop_account(ANN)))
        assert journals.do(Outbox.aside, HOOK, due=False, limit=9) == [given_up(BOB, 3)]
        # Whoever comes under that name begins with nothing.
        journals.runner.run(writing(lambda tx: tx.mailboxes.save(Account(user=ANN, position=3))))
        assert journals.due()[0].mark == Mark(owner=ANN)

    @pytest.mark.promise("OPS-8")
    def test_consumers_do_not_know_each_other(self, journals: Desk) -> None:
        journals.do(Outbox.add, Lease(consumer=OTHER))
        journals.do(Outbox.claim, OTHER, [Mark(owner=ANN, position=3)])
        journals.do(Outbox.set_aside, OTHER, [given_up(ANN, 1)])
        assert len(journals.due()) == 3
        assert journals.do(Outbox.backlog, HOOK).set_aside == 0
        assert journals.do(Outbox.retry, HOOK, owner=None, position=None) == 0
        journals.do(Outbox.forget, HOOK)
        assert journals.do(Outbox.hold, HOOK) is None
        assert journals.do(Outbox.backlog, OTHER) == Backlog(
            behind=2, oldest_us=NOON_US + 1, set_aside=1
        )
        journals.do(Outbox.forget, OTHER)
        journals.do(Outbox.add, Lease(consumer=OTHER))
        assert journals.do(Outbox.backlog, OTHER) == Backlog(
            behind=3, oldest_us=NOON_US + 1, set_aside=0
        )

    @pytest.mark.promise("OPS-8")
    def test_who_begins_now_begins_behind_everything(self, journals: Desk) -> None:
        journals.do(Outbox.pass_over, HOOK)
        assert journals.due() == []
        assert journals.do(Outbox.backlog, HOOK) == Backlog(behind=0, oldest_us=None, set_aside=0)

        def more(tx: Transaction) -> None:
            account = tx.mailboxes.hold(ANN)
            tx.mailboxes.save(attrs.evolve(account, position=4))
            tx.journal.record([entry(ANN, 4)])

        journals.runner.run(writing(more))
        assert [it.position for it in journals.due()[0].events] == [4]

    @pytest.mark.promise("OPS-8", "OPS-3")
    def test_the_backlog_is_counted(self, journals: Desk) -> None:
        journals.do(Outbox.claim, HOOK, [Mark(owner=ANN, position=1), Mark(owner=AWAY, position=1)])
        journals.do(Outbox.set_aside, HOOK, [given_up(ANN, 1), given_up(AWAY, 1)])
        assert journals.do(Outbox.backlog, HOOK) == Backlog(
            behind=2, oldest_us=NOON_US + 2, set_aside=2
        )

    @pytest.mark.promise("OPS-8")
    def test_what_was_set_aside_is_listed_asked_for_again_and_taken_back(
        self, journals: Desk
    ) -> None:
        every = [given_up(ANN, 1), given_up(ANN, 2), given_up(BOB, 3), given_up(AWAY, 1)]
        journals.do(Outbox.set_aside, HOOK, reversed_of(every))

        def listed(*, due: bool = False, limit: int = 9) -> list[SetAside]:
            return list(journals.do(Outbox.aside, HOOK, due=due, limit=limit))

        assert listed() == every
        assert listed(limit=2) == every[:2]
        assert listed(due=True) == []
        assert journals.do(Outbox.retry, HOOK, owner=ANN, position=2) == 1
        assert listed(due=True) == [given_up(ANN, 2, is_due=True)]
        assert journals.do(Outbox.retry, HOOK, owner=ANN, position=9) == 0
        assert journals.do(Outbox.retry, HOOK, owner=ANN, position=None) == 2
        assert len(listed(due=True)) == 2
        assert journals.do(Outbox.retry, HOOK, owner=None, position=None) == 4
        again = attrs.evolve(given_up(ANN, 1), attempts=6, error="F", at_us=NOON_US + 1)
        journals.do(Outbox.set_aside, HOOK, [again])
        assert listed()[0] == again
        journals.do(Outbox.take_back, HOOK, again)
        journals.do(Outbox.take_back, HOOK, again)
        assert [(it.owner, it.position) for it in listed()] == [
            (it.owner, it.position) for it in every[1:]
        ]


def reversed_of(events: list[SetAside]) -> list[SetAside]:
    return events[::-1]
