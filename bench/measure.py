"""How it is measured: interleaved rounds, medians, and what the machine itself did meanwhile."""

import gc
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, cast

import attrs
from bench.operations import Call, Operation
from bench.placement import apart
from bench.stores import Store

_WARM_UP_CALLS: Final = 40
_CPU_STEPS: Final = 100_000
_REPEATS: Final = 25
# How long a store's rounds wait, all together, for other work on the machine to end.
_PATIENCE_S: Final = 40


@attrs.frozen(kw_only=True)
class Plan:
    """How much is measured: ``calls`` is what an operation does in each of ``rounds``.

    ``is_apart`` keeps client and server on different cores where single calls are timed.
    """

    rounds: int
    calls: int
    is_apart: bool = True


@attrs.frozen(kw_only=True)
class Calibration:
    """What fixed pieces of work took just before a round, in milliseconds.

    A loop of Python, a flush to the disk that holds the databases, and the smallest read.
    """

    cpu_ms: float
    flush_ms: float
    read_ms: float

    def is_calm_beside(self, others: Sequence["Calibration"]) -> bool:
        """Whether neither core was busy with something else, going by the best of all times."""
        if not others:
            return True
        return (
            self.cpu_ms < 1.2 * min(it.cpu_ms for it in others)
            and self.read_ms < 1.5 * min(it.read_ms for it in others) + 0.01
        )


@attrs.frozen(kw_only=True)
class Measured:
    """An operation's figures, one of each per round: milliseconds, or calls per second."""

    operation: Operation
    floors: Sequence[float]
    dmcores: Sequence[float]

    @property
    def floor(self) -> float:
        return statistics.median(self.floors)

    @property
    def dmcore(self) -> float:
        return statistics.median(self.dmcores)

    @property
    def ratios(self) -> list[float]:
        """The ratio within each round."""
        return [dmcore / floor for dmcore, floor in zip(self.dmcores, self.floors, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios: both sides of each met the machine in the same mood."""
        return statistics.median(self.ratios)

    def reaches(self, target: float | None) -> bool | None:
        """Whether the target is reached; ``None`` where there is none."""
        if target is None:
            return None
        return self.ratio >= target if self.operation.is_parallel else self.ratio <= target


@attrs.frozen(kw_only=True)
class Outcome:
    """What was found on one store. ``beside`` is what dmcore was measured against."""

    store: str
    beside: str
    facts: dict[str, str]
    measured: Sequence[Measured]
    calibrations: Sequence[Calibration]


def measure(
    store: Store,
    found: Sequence[Operation],
    plan: Plan,
    folder: Path,
    tell: Callable[[str], None],
    *,
    beside: str = "floor",
) -> Outcome:
    """Warm up, then the reads, then the writes, each in rounds of its own."""
    calibrations: list[Calibration] = []
    server = store.server if plan.is_apart else list
    waited_s = 0
    figures: dict[str, tuple[list[float], list[float]]] = {it.name: ([], []) for it in found}
    for writes in (False, True):
        group = [it for it in found if it.writes is writes]
        for operation in group:
            warm_up = _WARM_UP_CALLS * operation.threads * operation.tasks
            _round(operation, server, warm_up, floor_first=True)
        gc.collect()
        gc.freeze()
        for number in range(plan.rounds):
            kind = "writes" if writes else "reads"
            tell(f"{store.name}, {kind}, round {number + 1} of {plan.rounds}")
            store.checkpoint()
            now = calibrate(store, server, folder)
            while not now.is_calm_beside(calibrations) and waited_s < _PATIENCE_S:
                time.sleep(1)
                waited_s += 1
                now = calibrate(store, server, folder)
            calibrations.append(now)
            for operation in group:
                calls = max(round(plan.calls * operation.share), operation.threads)
                floor, dmcore = _round(operation, server, calls, floor_first=number % 2 == 0)
                figures[operation.name][0].append(floor)
                figures[operation.name][1].append(dmcore)
        gc.unfreeze()
    return Outcome(
        store=store.name,
        beside=beside,
        facts=dict(store.facts),
        measured=[
            Measured(operation=it, floors=figures[it.name][0], dmcores=figures[it.name][1])
            for it in found
        ],
        calibrations=calibrations,
    )


def _round(
    operation: Operation, server: Callable[[], list[int]], calls: int, *, floor_first: bool
) -> tuple[float, float]:
    """The figure of the floor and that of dmcore, in this order whoever went first."""
    pair = operation.pick(calls)
    results = [0.0, 0.0]
    for which in (0, 1) if floor_first else (1, 0):
        if operation.tasks > 1:
            results[which] = cast("float", pair[which][0]())
        elif operation.threads > 1:
            results[which] = _throughput(pair[which], operation.threads)
        else:
            with apart(server()):
                results[which] = median_ms(pair[which])
        operation.between()
    return results[0], results[1]


def median_ms(calls: Sequence[Call]) -> float:
    """The median of what each of some calls takes, in milliseconds."""
    taken = []
    for call in calls:
        began = time.perf_counter_ns()
        call()
        taken.append(time.perf_counter_ns() - began)
    return statistics.median(taken) / 1e6


def _throughput(calls: Sequence[Call], threads: int) -> float:
    """Calls per second with the calls dealt out to threads."""
    start = threading.Barrier(threads + 1)
    failures: list[Exception] = []

    def work(share: Sequence[Call]) -> None:
        start.wait()
        try:
            for call in share:
                call()
        except Exception as failure:  # noqa: BLE001 - it is raised below, where it is seen
            failures.append(failure)

    workers = [
        threading.Thread(target=work, args=(calls[number::threads],)) for number in range(threads)
    ]
    for worker in workers:
        worker.start()
    start.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    elapsed = time.perf_counter() - began
    if failures:
        raise failures[0]
    return len(calls) / elapsed


def calibrate(store: Store, server: Callable[[], list[int]], folder: Path) -> Calibration:
    """Do the fixed pieces of work."""

    def loop() -> None:
        total = 0
        for step in range(_CPU_STEPS):
            total += step & 7

    with tempfile.TemporaryFile(dir=folder) as file, apart(server()):

        def flush() -> None:
            os.pwrite(file.fileno(), b"\0" * 8192, 0)
            os.fsync(file.fileno())

        return Calibration(
            cpu_ms=median_ms([loop] * 5),
            flush_ms=median_ms([flush] * _REPEATS),
            read_ms=median_ms([partial(store.floor.rows, "SELECT 1")] * _REPEATS),
        )
