"""Workers: two of them, one that is killed, one whose consumer hangs, and stores that fail."""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.races.processes import PROCESSES
from tests.relay.working import works
from tests.support.stores import SqlHarness

from dmcore import Entry, Operations
from dmcore.adapters.instrumentation import LoggedCalls
from dmcore.adapters.relay import Callback, ObservedConsumer, Relay, Relayed
from dmcore.adapters.relay.worker import Stop
from dmcore.errors import ConsumerUnavailable, StoreBusy, StoreUnavailable
from dmcore.ports.instrumentation import Ending
from dmcore.ports.transactions import Capacity
from dmcore.testing.world import NOON_US, World

HOUR_US = 3_600_000_000
on_sql = pytest.mark.parametrize("kind", ["sqlite", "postgres"], indirect=True)

pytestmark = pytest.mark.promise("OPS-8")


def talk(world: World) -> None:
    names = [f"user {number}" for number in range(12)]
    boxes = [world.dm.mailbox(name) for name in names]
    for box in boxes:
        for other in names[:6]:
            if other != box.user.id:
                box.start(other, "x")


def lines_of(file: Path) -> list[tuple[str, int]]:
    lines = [line.rpartition(" ") for line in file.read_text().splitlines()]
    return [(name, int(position)) for name, _, position in lines]


def written(world: World, *names: str) -> list[tuple[str, int]]:
    every = ("olga", *(f"user {number}" for number in range(12)), *names)
    return [(name, entry.position) for name in every for entry in world.journal(name)]


@on_sql
def test_of_two_workers_in_two_processes_one_delivers_at_a_time(
    world: World, harness: SqlHarness, tmp_path: Path
) -> None:
    """While people go on writing."""
    world.olga.add_consumer("hook")
    talk(world)
    file = tmp_path / "delivered"
    workers = [PROCESSES.Process(target=works, args=(harness.url, file, NOON_US)) for _ in "ab"]
    for it in workers:
        it.start()
    here = world.ann.start("bob", "x").conversation
    for _ in range(20):
        world.ann.send(here, "y")
    for it in workers:
        it.join()
        assert it.exitcode == 0
    works(harness.url, file, NOON_US)
    assert "overlap" not in file.read_text()
    delivered = lines_of(file)
    assert sorted(delivered) == sorted(written(world, "ann", "bob"))
    in_order = sorted(delivered, key=lambda it: (it[0], delivered.index(it)))
    assert in_order == sorted(delivered)
    assert world.is_sound()


@on_sql
@pytest.mark.parametrize("dies_at", [0, 1, 30, 66])
def test_a_worker_that_is_killed_in_the_middle_loses_nothing(
    world: World, harness: SqlHarness, tmp_path: Path, dies_at: int
) -> None:
    """The next one waits for the end of the lease, and goes on."""
    world.olga.add_consumer("hook")
    talk(world)
    file = tmp_path / "delivered"
    killed = PROCESSES.Process(target=works, args=(harness.url, file, NOON_US, dies_at))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    before = lines_of(file)
    assert len(before) == dies_at
    second = Relay(world.olga, Callback(lambda _event: None), name="hook")
    assert second.run_once().has_lease is False
    works(harness.url, file, NOON_US + HOUR_US)
    after = lines_of(file)
    assert set(after) == set(written(world))
    # What was not settled comes again, in order.
    again = after[len(before) :]
    for name in {name for name, _ in again}:
        positions = [position for it, position in again if it == name]
        assert positions == sorted(positions)
    assert max(Counter(after).values()) <= 2
    assert world.olga.set_aside("hook") == ()
    assert world.is_sound()


def test_who_sends_does_not_wait_for_a_consumer_that_hangs(world: World) -> None:
    here = world.ann.start("bob", "x").conversation
    world.olga.add_consumer("hook")
    hangs, goes_on = threading.Event(), threading.Event()

    def hanging(_event: Entry) -> None:
        hangs.set()
        goes_on.wait()

    worker = Relay(world.olga, Callback(hanging), name="hook")
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    hangs.wait()
    for _ in range(10):
        world.ann.send(here, "y")
    assert world.bob.unread() == 11
    assert world.olga.consumers()[0].behind == 3
    stop.set()
    goes_on.set()
    thread.join()
    assert world.is_sound()


# Waiting -----------------------------------------------------------------------------------------


class Waits:
    """An event that notes how long somebody would have waited, and is set after some times."""

    def __init__(self, times: int) -> None:
        self.waited: list[float] = []
        self._times = times

    def is_set(self) -> bool:
        return len(self.waited) >= self._times

    def wait(self, timeout: float, /) -> bool:
        self.waited.append(timeout)
        return self.is_set()


@pytest.fixture
def operations(world: World) -> Operations:
    world.olga.add_consumer("hook")
    return world.olga


memory = pytest.mark.parametrize("kind", ["memory"], indirect=True)


@memory
def test_it_looks_again_after_a_pause(operations: Operations) -> None:
    waits = Waits(3)
    worker = Relay(operations, Callback(print), name="hook", pause=timedelta(seconds=2))
    assert worker.run(waits).delivered == 2
    assert waits.waited == [2, 2, 2]


@memory
def test_it_waits_longer_and_longer_for_who_is_unavailable(operations: Operations) -> None:
    def closed(_event: Entry) -> None:
        raise ConsumerUnavailable

    waits = Waits(9)
    worker = Relay(operations, Callback(closed), name="hook")
    assert worker.run(waits).is_open is False
    assert waits.waited == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@memory
def test_it_waits_for_its_turn(operations: Operations) -> None:
    operations.relaying("hook", holder="another").take()
    waits = Waits(2)
    done = Relay(operations, Callback(print), name="hook").run(waits)
    assert (done, waits.waited) == (Relayed(has_lease=False), [1, 1])


@memory
def test_it_waits_for_a_store_that_fails(
    world: World, operations: Operations, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Relay(operations, Callback(print), name="hook")
    world.dm.close()
    waits = Waits(2)
    assert worker.run(waits) == Relayed(is_open=False)
    assert waits.waited == [1, 2]
    assert [it.message for it in caplog.records] == [
        "hook: the store failed: StoreUnavailable",
        "hook: the store failed: StoreUnavailable",
        "hook: the lease was not given back: StoreUnavailable",
    ]


@memory
def test_who_is_to_end_waits_for_nobody_who_may_be_long_away(
    world: World, operations: Operations
) -> None:
    def closed(_event: Entry) -> None:
        raise ConsumerUnavailable

    waits = Waits(9)
    worker = Relay(operations, Callback(closed), name="hook")
    assert worker.run(waits, until_idle=True) == Relayed(is_open=False)
    world.dm.close()
    with pytest.raises(StoreUnavailable):
        worker.run(waits, until_idle=True)
    assert waits.waited == []


@memory
def test_who_is_to_end_waits_for_a_store_that_is_busy(
    operations: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Relay(operations, Callback(print), name="hook")
    once, found = worker.run_once, [StoreBusy(), StoreBusy()]

    def busy_at_first(stop: Stop | None = None) -> Relayed:
        if found:
            raise found.pop()
        return once(stop)

    monkeypatch.setattr(worker, "run_once", busy_at_first)
    waits = Waits(9)
    assert worker.run(waits, until_idle=True).delivered == 2
    assert waits.waited == [1, 2]


@memory
def test_the_lease_is_renewed_while_it_delivers(world: World, operations: Operations) -> None:
    """Or another worker would come in between, in the middle of a long batch."""
    for name in ("bob", "cyd", "dan"):
        world.ann.start(name, "x")
    now_s = iter(range(0, 10_000, 10))
    taken: list[bool] = []

    def slow(_event: Entry) -> None:
        world.tick(seconds=40)
        taken.append(operations.relaying("hook", holder="another").take() is not None)

    seconds: Callable[[], float] = lambda: next(now_s) * 2  # noqa: E731 - a clock
    worker = Relay(operations, Callback(slow), name="hook", seconds=seconds)
    done = worker.run_once()
    assert (done.has_lease, set(taken)) == (True, {False})


@memory
def test_who_lost_the_lease_stops_at_once(world: World, operations: Operations) -> None:
    for name in ("bob", "cyd", "dan"):
        world.ann.start(name, "x")
    taken: list[Entry] = []

    def stalls(event: Entry) -> None:
        taken.append(event)
        world.tick(seconds=61)
        assert operations.relaying("hook", holder="another").take() is not None

    now_s = iter(range(0, 10_000, 61))
    worker = Relay(operations, Callback(stalls), name="hook", seconds=lambda: next(now_s))
    assert worker.run_once().has_lease is False
    assert len(taken) <= 1


# Watching ----------------------------------------------------------------------------------------


class Told:
    """An instrumentation that remembers."""

    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, Capacity, str]] = Counter()

    def begin(self, name: str, capacity: Capacity) -> Ending:
        return lambda outcome: self.outcomes.update([(name, capacity, outcome)])


@memory
@pytest.mark.promise("OPS-3")
def test_who_watches_is_told_of_every_delivery(world: World, operations: Operations) -> None:
    raised: Iterator[Exception | None] = iter([None, ValueError("words"), StoreBusy()])

    def some(_event: Entry) -> None:
        error = next(raised, None)
        if error is not None:
            raise error

    told = Told()
    world.ann.start("bob", "x")
    Relay(operations, ObservedConsumer(Callback(some), told), name="hook").run_once()
    name, host = "relay.deliver", Capacity.HOST
    assert told.outcomes == {
        (name, host, "done"): 1,
        (name, host, "defect"): 1,
        (name, host, "store_busy"): 1,
    }
    ObservedConsumer(Callback(some), LoggedCalls()).deliver(world.journal("ann")[0])
