"""Events leave: at least once, under a lease, in order per user; a bad one holds up nobody else."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from threading import Event

import attrs
import pytest

from dmcore import Action, Entry, Operations, Relaying
from dmcore.adapters.relay import Callback, Relay, Relayed
from dmcore.domain.relaying import WORKER_ENDED
from dmcore.errors import (
    ConsumerUnavailable,
    InvalidId,
    InvalidSetting,
    UnknownConsumer,
)
from dmcore.ports.transactions import Actor, Capacity
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import World, busy

LEASE = timedelta(minutes=1)


class Receiver:
    """Takes events, and fails where it is told to."""

    def __init__(self) -> None:
        self.taken: list[Entry] = []
        self.fails: Callable[[Entry], bool] = lambda _event: False

    def deliver(self, event: Entry) -> None:
        if self.fails(event):
            raise LookupError(f"not this one: {event}")
        self.taken.append(event)

    def of(self, user: str) -> list[int]:
        return [it.position for it in self.taken if it.owner.id == user]


def places(events: list[Entry]) -> list[tuple[str, int]]:
    return [(it.owner.id, it.position) for it in events]


def relay(world: World, receiver: Receiver, *, attempts: int = 5) -> Relay:
    return Relay(world.olga, receiver, name="hook", lease=LEASE, attempts=attempts)


def drained(worker: Relay) -> Relayed:
    """Round by round until nothing is left that is due."""
    done = worker.run_once()
    while done.has_lease and not done.is_idle:
        done = done.then(worker.run_once())
    return done


def desk(operations: Operations, holder: str, *, attempts: int = 5) -> Relaying:
    return operations.relaying("hook", holder=holder, lease=LEASE, attempts=attempts)


@pytest.mark.promise("OPS-8")
class TestRelaying:
    """Events leave: at least once, leased, in order; a bad one holds up nobody else."""

    @pytest.fixture
    def receiver(self, world: World) -> Receiver:
        world.olga.add_consumer("hook")
        return Receiver()

    # What is delivered ----------------------------------------------------------------------------

    def test_everything_that_journals_tell_is_delivered_once_and_in_order(
        self, world: World, receiver: Receiver
    ) -> None:
        busy(world)
        done = drained(relay(world, receiver))
        for name in ("ann", "bob", "cyd", "olga"):
            assert [it for it in receiver.taken if it.owner.id == name] == world.journal(name)
        assert (done.delivered, done.failed, done.set_aside) == (len(receiver.taken), 0, 0)
        assert drained(relay(world, receiver)).has_lease is False
        (status,) = world.olga.consumers()
        assert (status.behind, status.oldest_at, status.set_aside) == (0, None, 0)
        assert world.is_sound()

    def test_what_happens_later_follows(self, world: World, receiver: Receiver) -> None:
        worker = relay(world, receiver)
        here = world.ann.start("bob", "x").conversation
        drained(worker)
        before = len(receiver.taken)
        world.bob.send(here, "y")
        drained(worker)
        sent = [(it.owner.id, it.fact.action) for it in receiver.taken[before:]]
        assert sent == [("ann", Action.MESSAGE_SENT), ("bob", Action.MESSAGE_SENT)]

    def test_a_long_backlog_of_one_does_not_keep_others_waiting(
        self, world: World, receiver: Receiver
    ) -> None:
        here = world.ann.start("zoe", "x").conversation
        for _ in range(30):
            world.ann.mute(here)
            world.ann.unmute(here)
        relay(world, receiver).run_once()
        assert 0 < len(receiver.of("ann")) < 61
        assert receiver.of("zoe") == [1]

    def test_every_user_gets_a_turn(self, world: World, receiver: Receiver) -> None:
        """Those at the beginning always have something new; those at the end come all the same."""
        here = world.ann.start("bob", "x").conversation
        for number in range(60):
            world.dm.mailbox("dan").start(f"user {number}", "x")
        worker = relay(world, receiver)
        for _ in range(3):
            world.ann.send(here, "again")
            worker.run_once()
        assert receiver.of("user 9") == [1]

    def test_who_begins_now_hears_of_nothing_before(self, world: World) -> None:
        busy(world)
        receiver = Receiver()
        assert world.olga.add_consumer("hook", begin="now")
        here = world.ann.start("dan", "x").conversation
        world.dan.send(here, "y")
        drained(relay(world, receiver))
        assert receiver.of("dan") == [1, 2]
        assert {it.fact.action for it in receiver.taken} == {
            *(Action.CONVERSATION_STARTED, Action.MESSAGE_SENT, Action.CONSUMER_ADDED)
        }
        assert receiver.of("bob") == []

    def test_adding_twice_changes_nothing(self, world: World, receiver: Receiver) -> None:
        drained(relay(world, receiver))
        with world.unchanged():
            assert world.olga.add_consumer("hook", begin="now") is False

    @pytest.mark.promise("GDPR-2")
    def test_what_is_pruned_before_it_left_is_passed_over(
        self, world: World, receiver: Receiver
    ) -> None:
        world.ann.start("bob", "x")
        world.tick(seconds=60)
        before = world.clock.now_us()
        world.ann.start("cyd", "x")
        pruned = [it for it in world.journal("ann") if it.fact.at_us < before]
        while world.olga.prune_journals(before=world.journal("ann")[-1].fact.at):
            pass
        worker = relay(world, receiver)
        drained(worker)
        assert receiver.of("ann") == [len(pruned) + 1]
        assert receiver.of("bob") == []
        (status,) = world.olga.consumers()
        assert status.behind == 0
        assert world.is_sound()

    # What fails -----------------------------------------------------------------------------------

    def test_what_fails_holds_back_its_own_user_alone(
        self, world: World, receiver: Receiver
    ) -> None:
        here = world.ann.start("bob", "x").conversation
        world.ann.send(here, "y")
        receiver.fails = lambda event: places([event]) == [("bob", 1)]
        done = drained(relay(world, receiver))
        assert (done.failed, done.set_aside) == (1, 0)
        assert (receiver.of("ann"), receiver.of("bob")) == ([1, 2], [])
        (status,) = world.olga.consumers()
        assert (status.behind, status.set_aside) == (1, 0)
        assert status.oldest_at == world.journal("bob")[0].fact.at

    def test_it_is_tried_again_and_not_at_once(self, world: World, receiver: Receiver) -> None:
        world.ann.start("bob", "x")
        receiver.fails = lambda event: event.owner.id == "bob"
        worker = relay(world, receiver)
        drained(worker)
        receiver.fails = lambda _event: False
        drained(worker)
        assert receiver.of("bob") == []
        world.tick(seconds=10)
        drained(worker)
        assert receiver.of("bob") == [1]

    def test_after_some_attempts_it_is_set_aside_and_what_follows_goes_on(
        self, world: World, receiver: Receiver
    ) -> None:
        here = world.ann.start("bob", "x").conversation
        world.ann.send(here, "y")
        receiver.fails = lambda event: places([event]) == [("bob", 1)]
        worker = relay(world, receiver)
        total = drained(worker)
        for _ in range(4):
            assert receiver.of("bob") == []
            world.tick(seconds=3600)
            total = total.then(drained(worker))
        assert receiver.of("bob") == [2]
        assert (total.failed, total.set_aside) == (4, 1)
        (aside,) = world.olga.set_aside("hook")
        assert (aside.owner.id, aside.position, aside.attempts) == ("bob", 1, 5)
        assert (aside.error, aside.is_due) == ("LookupError", False)
        (status,) = world.olga.consumers()
        assert (status.behind, status.set_aside) == (0, 1)
        assert world.is_sound()

    def test_what_was_set_aside_comes_when_somebody_asks(
        self, world: World, receiver: Receiver
    ) -> None:
        world.ann.start("bob", "x")
        receiver.fails = lambda event: event.fact.action is Action.CONVERSATION_STARTED
        worker = relay(world, receiver, attempts=1)
        drained(worker)
        assert len(world.olga.set_aside("hook")) == 2
        assert world.olga.retry("hook", user="bob", position=1) == 1
        drained(worker)
        first, second = world.olga.set_aside("hook")
        assert (first.attempts, second.attempts) == (1, 2)
        receiver.fails = lambda _event: False
        drained(worker)
        assert receiver.of("bob") == []
        assert world.olga.retry("hook") == 2
        assert [it.is_due for it in world.olga.set_aside("hook")] == [True, True]
        assert drained(worker).delivered >= 2
        assert (receiver.of("ann"), receiver.of("bob")) == ([1], [1])
        assert world.olga.set_aside("hook") == ()
        with world.unchanged():
            assert world.olga.retry("hook") == 0
        assert Action.EVENTS_RETRIED in {it.fact.action for it in world.journal("olga")}

    def test_what_was_set_aside_and_is_kept_no_longer_is_forgotten(
        self, world: World, receiver: Receiver
    ) -> None:
        world.ann.start("bob", "x")
        receiver.fails = lambda event: event.owner.id == "bob"
        worker = relay(world, receiver, attempts=1)
        drained(worker)
        world.tick()
        world.ann.start("cyd", "x")
        world.olga.prune_journals(before=world.journal("ann")[-1].fact.at)
        assert world.olga.retry("hook") == 1
        drained(worker)
        assert world.olga.set_aside("hook") == ()
        assert receiver.of("bob") == []

    def test_a_consumer_that_takes_nothing_just_now_loses_nothing(
        self, world: World, receiver: Receiver
    ) -> None:
        world.ann.start("bob", "x")

        def closed(_event: Entry) -> bool:
            raise ConsumerUnavailable

        receiver.fails = closed
        worker = relay(world, receiver, attempts=1)
        for _ in range(3):
            done = worker.run_once()
            assert (done.delivered, done.failed, done.is_open) == (0, 0, False)
            # It is asked for each user of a round no more than once.
        receiver.fails = lambda _event: False
        drained(worker)
        assert receiver.of("bob") == [1]
        assert world.olga.set_aside("hook") == ()

    def test_a_consumer_that_closes_in_the_middle_has_what_it_took(
        self, world: World, receiver: Receiver
    ) -> None:
        here = world.ann.start("bob", "x").conversation
        world.ann.send(here, "y")

        def closes(event: Entry) -> bool:
            if event.position > 1:
                raise ConsumerUnavailable
            return False

        receiver.fails = closes
        worker = relay(world, receiver)
        worker.run_once()
        receiver.fails = lambda _event: False
        drained(worker)
        assert receiver.of("ann") == [1, 2]

    def test_a_retry_that_finds_the_consumer_closed_is_still_wanted(
        self, world: World, receiver: Receiver
    ) -> None:
        world.ann.start("bob", "x")
        receiver.fails = lambda event: event.owner.id == "bob"
        worker = relay(world, receiver, attempts=1)
        drained(worker)
        world.olga.retry("hook")

        def closed(_event: Entry) -> bool:
            raise ConsumerUnavailable

        receiver.fails = closed
        worker.run_once()
        (aside,) = world.olga.set_aside("hook")
        assert (aside.is_due, aside.attempts) == (True, 1)

    @pytest.mark.parametrize("seed", range(3))
    def test_whatever_fails_each_comes_at_least_once_and_in_order(
        self, world: World, receiver: Receiver, seed: int
    ) -> None:
        """But for what was set aside, and nothing of anybody else waits for it."""
        chance = Random(seed)
        people = [world.dm.mailbox(f"user {number}") for number in range(6)]
        here = [
            (one, one.start(other.user.id, "x").conversation)
            for one in people
            for other in people
            if one.user.id < other.user.id
        ]
        receiver.fails = lambda _event: chance.random() < 0.4
        worker = relay(world, receiver, attempts=3)
        for _ in range(25):
            box, conversation = chance.choice(here)
            box.send(conversation, "y")
            worker.run_once()
            world.tick(seconds=chance.choice((1, 10, 60)))
        receiver.fails = lambda _event: False
        for _ in range(3):
            world.tick(seconds=3600)
            drained(worker)
        aside = {(it.owner.id, it.position) for it in world.olga.set_aside("hook")}
        for name in ("olga", *(box.user.id for box in people)):
            written = [it.position for it in world.journal(name)]
            assert receiver.of(name) == [it for it in written if (name, it) not in aside]
        assert world.is_sound()

    # Leases ---------------------------------------------------------------------------------------

    @pytest.mark.usefixtures("receiver")
    def test_one_worker_delivers_at_a_time(self, world: World) -> None:
        world.ann.start("bob", "x")
        first, second = desk(world.olga, "first"), desk(world.olga, "second")
        assert first.take() is not None
        assert second.take() is None
        assert second.keep() is False
        world.tick(seconds=LEASE.total_seconds() - 1)
        assert first.keep()
        world.tick(seconds=LEASE.total_seconds() - 1)
        assert second.take() is None
        world.tick(seconds=1)
        assert second.take() is not None
        assert first.keep() is False
        assert first.take() is None
        (status,) = world.olga.consumers()
        assert status.is_running

    def test_who_lost_the_lease_stores_nothing(self, world: World, receiver: Receiver) -> None:
        world.ann.start("bob", "x")
        relay(world, receiver).run_once()
        world.tick(seconds=3600)
        world.ann.start("cyd", "x")
        stalled = relay(world, receiver)

        def takes_long(_event: Entry) -> bool:
            world.tick(seconds=3600)
            assert relay(world, Receiver()).run_once().has_lease
            return False

        receiver.fails = takes_long
        before = world.olga.consumers()[0].behind
        done = stalled.run_once()
        assert done.has_lease is False
        assert before == 2

    @pytest.mark.usefixtures("receiver")
    def test_who_loses_the_lease_while_looking_begins_nothing(self, world: World) -> None:
        world.ann.start("bob", "x")
        slow = world.olga._calls.relaying("hook", holder="slow", lease=LEASE, attempts=5)
        acting = Actor(Capacity.OPERATOR, world.olga.operator)
        runner = runner_of(world.dm)
        assert runner.run(slow.hold().by(acting)).is_held
        due = runner.run(slow.look(after=None).by(acting))
        world.tick(seconds=61)
        assert desk(world.olga, "another").take() is not None
        with world.unchanged():
            assert runner.run(slow.begin(due).by(acting)) is None

    @pytest.mark.usefixtures("receiver")
    def test_a_lease_is_given_back(self, world: World) -> None:
        first, second = desk(world.olga, "first"), desk(world.olga, "second")
        first.take()
        second.release()
        assert second.take() is None
        first.release()
        assert second.take() is not None

    @pytest.mark.promise("LIMIT-2")
    @pytest.mark.usefixtures("receiver")
    def test_a_clock_that_was_ahead_locks_nobody_out(self, world: World) -> None:
        world.tick(seconds=86_400)
        desk(world.olga, "first").take()
        world.tick(seconds=-86_400)
        assert desk(world.olga, "second").take() is not None

    def test_a_delivery_that_ends_the_worker_is_counted_and_others_are_not_blamed(
        self, world: World, receiver: Receiver
    ) -> None:
        """It is delivered alone from then on, and set aside in the end."""

        class Killed(BaseException):
            pass

        def kills(event: Entry) -> bool:
            if places([event]) == [("cyd", 1)]:
                raise Killed
            return False

        world.ann.start("bob", "x")
        world.cyd.start("dan", "y")
        receiver.fails = kills
        died = 0
        for _ in range(10):
            world.tick(seconds=3600)
            try:
                drained(relay(world, receiver, attempts=3))
            except Killed:
                died += 1
        assert died == 3
        (aside,) = world.olga.set_aside("hook")
        assert (aside.owner.id, aside.position, aside.error) == ("cyd", 1, WORKER_ENDED)
        assert set(places(receiver.taken)) >= {("ann", 1), ("bob", 1), ("dan", 1), ("olga", 1)}
        assert world.olga.consumers()[0].behind == 0

    def test_a_worker_stops_between_two_events(self, world: World, receiver: Receiver) -> None:
        here = world.ann.start("bob", "x").conversation
        world.ann.send(here, "y")
        stop = Event()

        def stops(_event: Entry) -> bool:
            stop.set()
            return False

        receiver.fails = stops
        worker = relay(world, receiver)
        assert worker.run(stop).delivered == 1
        assert world.olga.consumers()[0].is_running is False
        receiver.fails = lambda _event: False
        relay(world, receiver).run(Event(), until_idle=True)
        assert receiver.of("ann") == [1, 2]
        assert len(places(receiver.taken)) == len(set(places(receiver.taken)))

    # Sending, forgetting, erasing -----------------------------------------------------------------

    def test_who_sends_waits_for_nobody(self, world: World, receiver: Receiver) -> None:
        """Also not while a consumer is at it: it sends itself, and fails."""
        here = world.ann.start("bob", "x").conversation

        def sends(_event: Entry) -> bool:
            world.ann.send(here, "in the middle of it")
            return True

        receiver.fails = sends
        done = relay(world, receiver).run_once()
        assert (done.delivered, done.failed) == (0, 3)
        assert world.bob.unread() == 4
        assert world.is_sound()

    def test_who_is_forgotten_is_gone_with_all_of_it(
        self, world: World, receiver: Receiver
    ) -> None:
        world.ann.start("bob", "x")
        receiver.fails = lambda event: event.owner.id == "bob"
        worker = relay(world, receiver, attempts=1)
        drained(worker)
        world.olga.forget_consumer("hook")
        assert world.olga.consumers() == ()
        with pytest.raises(UnknownConsumer):
            worker.run_once()
        with pytest.raises(UnknownConsumer):
            worker.run(Event())
        for ask in (
            lambda: world.olga.set_aside("hook"),
            lambda: world.olga.retry("hook"),
            lambda: world.olga.forget_consumer("hook"),
        ):
            with pytest.raises(UnknownConsumer):
                ask()
        receiver.fails = lambda _event: False
        assert world.olga.add_consumer("hook")
        drained(relay(world, receiver))
        assert receiver.of("bob") == [1]
        assert receiver.of("ann") == [1, 1]

    @pytest.mark.promise("GDPR-1")
    def test_an_erased_user_takes_marks_along_and_is_no_error(
        self, world: World, receiver: Receiver
    ) -> None:
        here = world.ann.start("bob", "x").conversation
        receiver.fails = lambda event: places([event]) == [("bob", 1)]
        worker = relay(world, receiver, attempts=1)
        drained(worker)
        world.ann.send(here, "y")
        gone = world.olga.erase("bob", most=1).pseudonym
        (aside,) = world.olga.set_aside("hook")
        assert aside.owner.id == gone
        assert world.is_sound()
        receiver.fails = lambda _event: False
        drained(worker)
        # Not again what had been set aside before, and the rest under the name that is left.
        assert receiver.of("bob") == []
        assert receiver.of(gone) == [2, 3]
        world.olga.retry("hook", user=gone)
        drained(worker)
        assert receiver.of(gone) == [2, 3, 1]
        assert "bob" not in repr(world.harness.contents())
        assert world.is_sound()

    @pytest.mark.promise("GDPR-1")
    def test_who_is_erased_while_their_event_is_delivered_does_not_come_back(
        self, world: World, receiver: Receiver
    ) -> None:
        world.ann.start("bob", "x")

        def erases(event: Entry) -> bool:
            if event.owner.id == "bob":
                world.olga.erase("bob")
            return event.owner.id == "bob"

        receiver.fails = erases
        relay(world, receiver, attempts=1).run_once()
        assert "bob" not in repr(world.harness.contents())
        assert world.is_sound()

    @pytest.mark.promise("OPS-2", "GDPR-1")
    def test_references_say_what_the_inbox_says_and_nothing_of_who_is_gone(
        self, world: World
    ) -> None:
        here = world.ann.start("bob", "x").conversation
        there = world.bob.start("cyd", "x").conversation
        world.bob.block("cyd")
        found = {it.conversation: it for it in world.olga.references("bob")}
        assert (found[here].other, found[here].unread, found[here].is_listed) == ("ann", 1, True)
        assert (found[there].unread, found[there].is_listed) == (0, False)
        assert world.olga.references("bob", conversation=here) == (found[here],)
        assert world.olga.references("dan", conversation=here) == ()
        assert world.olga.references("bob", tenant="away") == ()
        assert not found[here].is_muted
        world.bob.mute(here)
        (muted,) = world.olga.references("bob", conversation=here)
        assert (muted.unread, muted.is_listed, muted.is_muted) == (1, True, True)
        assert not world.olga.references("ann")[0].is_muted
        gone = world.olga.erase("bob").pseudonym
        assert world.olga.references("bob") == ()
        assert world.olga.references("bob", conversation=here) == ()
        assert [it.is_listed for it in world.olga.references(gone)] == [False, False]
        assert [it.other for it in world.olga.references("ann")] == [gone]

    # Form -----------------------------------------------------------------------------------------

    def test_what_is_no_name_and_no_setting_is_refused(self, world: World) -> None:
        for name in ("", "x" * 256, "a\nb"):
            with world.unchanged(), pytest.raises(InvalidId):
                world.olga.add_consumer(name)
        refused: list[Callable[[], object]] = [
            lambda: world.olga.add_consumer("hook", begin="yesterday"),
            lambda: world.olga.set_aside("hook", most=0),
            lambda: world.olga.retry("hook", position=1),
            lambda: world.olga.retry("hook", user="bob", position=0),
            lambda: world.olga.relaying("hook", holder="x", attempts=0),
            lambda: world.olga.relaying("hook", holder="x", lease=timedelta(0)),
            lambda: world.olga.relaying("hook", holder="x", lease=timedelta(hours=2)),
            lambda: Relay(world.olga, Receiver(), name="hook", pause=timedelta(0)),
        ]
        for ask in refused:
            with world.unchanged(), pytest.raises(InvalidSetting):
                ask()

    @pytest.mark.promise("AUD-1")
    def test_what_an_operator_does_to_consumers_is_journaled(self, world: World) -> None:
        world.olga.add_consumer("hook")
        world.olga.forget_consumer("hook")
        assert [it.fact.action for it in world.journal("olga")][-2:] == [
            Action.CONSUMER_ADDED,
            Action.CONSUMER_FORGOTTEN,
        ]

    def test_a_function_is_a_consumer(self, world: World) -> None:
        world.olga.add_consumer("hook")
        taken: list[Entry] = []
        Relay(world.olga, Callback(taken.append), name="hook").run_once()
        assert [attrs.asdict(it)["position"] for it in taken] == [1, 2]
