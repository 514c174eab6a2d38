"""What is very large: one conversation, one inbox, one export, one record to replay.

Time is compared with what is usual, in the same rounds of the same run. Memory is the most that a
process ever had, of processes that do nothing else.
"""

import io
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import attrs
from bench.measure import Plan, median_ms
from bench.operations import BODY, Call
from bench.placement import apart
from bench.population import Population
from bench.scale import Place, Scale
from bench.stores import Store, postgres_store, sqlite_store

from dmcore import DirectMessages, json_line
from dmcore.adapters import sql
from dmcore.cli import main
from dmcore.mailbox._reading import thread_scope

SCALE: Final = Scale(
    users=100_001,
    conversations=110_000,
    messages=1_500_000,
    largest_conversation=1_000_000,
    largest_inbox=100_000,
)
THREAD: Final = 100_000
_PLAN: Final = Plan(rounds=7, calls=100, is_apart=True)
_STORES: Final = {"PostgreSQL": postgres_store, "SQLite": sqlite_store}
_PAGE: Final = 100
SHORT: Final = 20_000
_MIB: Final = 1024

Tell = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Compared:
    """The same call where there is as much as usual, and where there is very much."""

    store: str
    name: str
    usual_ms: float
    large_ms: float


@attrs.frozen(kw_only=True)
class Grown:
    """The most memory that a process had after much, and after a tenth of it, in MiB."""

    name: str
    tenth: int
    whole: int
    tenth_mib: float
    whole_mib: float
    took_s: float


@attrs.frozen(kw_only=True)
class Large:
    """Everything that was found; the rates are lines of a record a second."""

    compared: Sequence[Compared]
    grown: Sequence[Grown]
    in_memory: float
    on_sqlite: float


def find_large(folder: Path, lines: int, tell: Tell) -> Large:
    """Measure all of it."""
    compared: list[Compared] = []
    grown: list[Grown] = []
    tell("making people up")
    population = Population(SCALE)
    for name, opened in _STORES.items():
        tell(f"{name}: filling {SCALE}")
        with opened(population, folder) as store:
            tell(f"{name}: comparing")
            compared += _compared(store)
            if name == "SQLite":
                tell("reading much")
                grown += _read(store)
    tell("replaying")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        grown.append(_replayed_much(Path(place), lines))
        in_memory, on_sqlite = (_rate(Path(place), it) for it in ("memory:", "sqlite"))
    return Large(compared=compared, grown=grown, in_memory=in_memory, on_sqlite=on_sqlite)


# Compared with what is usual ----------------------------------------------------------------------


def _compared(store: Store) -> Iterator[Compared]:
    found = list(_pairs(store))
    taken: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name, *_ in found}
    for number in range(_PLAN.rounds + 1):
        store.checkpoint()
        for name, usual, large in found:
            both = [list(itertools.islice(calls, _PLAN.calls)) for calls in (usual, large)]
            with apart(store.server()):
                for which in (0, 1) if number % 2 else (1, 0):
                    figure_ms = median_ms(both[which])
                    # The first round warms up.
                    if number:
                        taken[name][which].append(figure_ms)
    for name, (usual_ms, large_ms) in taken.items():
        yield Compared(
            store=store.name,
            name=name,
            usual_ms=statistics.median(usual_ms),
            large_ms=statistics.median(large_ms),
        )


def _pairs(store: Store) -> Iterator[tuple[str, Iterator[Call], Iterator[Call]]]:
    """Each operation where there is as much as usual, and where there is very much."""
    population, dm = store.population, store.dm
    crowd, giant = population.most_popular, population.largest
    busy = [it for it in population.busy(20) if it != crowd]
    long = [it for it in population.long(50) if it.conversation != giant.conversation]
    active = [
        it for it in population.active(4_000, "large") if it.conversation != giant.conversation
    ]
    of_crowd = population.places_of(crowd, 2_000)

    def inbox(user: str) -> object:
        return dm.mailbox(user).inbox(limit=20)

    def unread(user: str) -> object:
        return dm.mailbox(user).unread()

    def thread(place: Place, before: Any = None) -> object:
        return dm.mailbox(place.user).thread(place.conversation, limit=50, before=before)

    def send(place: Place) -> object:
        return dm.mailbox(place.user).send(place.conversation, BODY)

    def each(act: Callable[[Any], object], items: Sequence[Any]) -> Iterator[Call]:
        return (partial(act, it) for it in itertools.cycle(items))

    def always(act: Callable[..., object], *given: object) -> Iterator[Call]:
        return itertools.repeat(partial(act, *given))

    yield "inbox page of 20, newest", each(inbox, busy), always(inbox, crowd)
    cursor = _deep_in_inbox(dm, crowd)
    middle = partial(dm.mailbox(crowd).inbox, limit=20, cursor=cursor)
    yield "inbox page of 20, 50,000 deep", each(inbox, busy), itertools.repeat(middle)
    yield "unread count", each(unread, busy), always(unread, crowd)
    yield "thread page of 50, newest", each(thread, long), always(thread, giant)
    message = population.message_in(giant, 2)
    scope = thread_scope(dm.mailbox(giant.user).user, giant.conversation, None)
    place = always(thread, giant, scope.message(message))
    yield "thread page of 50, 500,000 deep", each(thread, long), place
    yield "send, into the conversation", each(send, active), always(send, giant)
    yield "send, by who has the inbox", each(send, active), each(send, of_crowd)


def _deep_in_inbox(dm: DirectMessages, user: str) -> str | None:
    """Where a reader is who has paged through half of it."""
    cursor = None
    for _ in range(SCALE.largest_inbox // 2 // _PAGE):
        cursor = dm.mailbox(user).inbox(limit=_PAGE, cursor=cursor).next
    return cursor


# Memory -------------------------------------------------------------------------------------------


def _read(store: Store) -> Iterator[Grown]:
    giant = store.population.largest
    yield _grown("an export", _exported, SCALE.largest_conversation, store.url, giant.user)
    yield _grown("a thread, page by page", _paged, THREAD, store.url, giant)


def _grown(name: str, work: Callable[..., float], count: int, *given: object) -> Grown:
    tenth, _ = _most_of(work, count // 10, *given)
    whole, took_s = _most_of(work, count, *given)
    return Grown(
        name=name,
        tenth=count // 10,
        whole=count,
        tenth_mib=tenth,
        whole_mib=whole,
        took_s=took_s,
    )


def _most_of(work: Callable[..., float], *given: object) -> tuple[float, float]:
    """The most memory of a process that does nothing else, and what the work says it took."""
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_tell_most, args=(there, work, *given))
    process.start()
    there.close()
    most_mib, took_s = here.recv()
    process.join()
    return most_mib, took_s


def _tell_most(line: Any, work: Callable[..., float], *given: object) -> None:
    took_s = work(*given)
    # What the system counts for its children begins with what their parent had.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    most_kib = int(status.partition("VmHWM:")[2].split()[0])
    line.send((most_kib / _MIB, took_s))


def _exported(count: int, url: str, user: str) -> float:
    began_s = time.monotonic()
    with sql.open_sync(url) as dm, Path(os.devnull).open("w", encoding="utf-8") as out:
        cursor, written = None, 0
        while written < count:
            page = dm.mailbox(user).export(limit=_PAGE, cursor=cursor)
            for item in page.items:
                out.write(json_line(item))
            written, cursor = written + len(page.items), page.next
            if cursor is None:
                raise AssertionError("there is less to export than that")
    return time.monotonic() - began_s


def _paged(count: int, url: str, place: Place) -> float:
    began_s = time.monotonic()
    with sql.open_sync(url) as dm:
        box, cursor = dm.mailbox(place.user), None
        for _ in range(count // _PAGE):
            cursor = box.thread(place.conversation, limit=_PAGE, before=cursor).older
    return time.monotonic() - began_s


# Replaying ----------------------------------------------------------------------------------------


def _record(file: Path, lines: int) -> None:
    """A record of people who write to each other, so slowly that next to nothing is refused."""
    population = Population(Scale(users=2_000, conversations=10_000, messages=42_000))
    pairs = [(it.low, it.high) for it in population.pairs]
    with file.open("w", encoding="utf-8") as out:
        for number in range(lines):
            one, other = pairs[number * 7_919 % len(pairs)]
            sender, receiver = (one, other) if number % 2 else (other, one)
            out.write(f"{sender} {receiver} {1_700_000_000 + number * 10}\n")


def _replayed_much(place: Path, lines: int) -> Grown:
    file = place / "record.txt"
    found = {}
    for count in (lines // 10, lines):
        _record(file, count)
        found[count] = _most_of(_replay, file, f"sqlite:///{place}/{count}.db")
    return Grown(
        name="a replay on SQLite",
        tenth=lines // 10,
        whole=lines,
        tenth_mib=found[lines // 10][0],
        whole_mib=found[lines][0],
        took_s=found[lines][1],
    )


def _rate(place: Path, store: str) -> float:
    file = place / "short.txt"
    _record(file, SHORT)
    url = f"sqlite:///{place}/rate.db" if store == "sqlite" else store
    return SHORT / _most_of(_replay, file, url)[1]


def _replay(file: Path, url: str) -> float:
    """``dmcore replay``, in this process; the seconds that it says it took."""
    sys.argv[1:] = ["replay", str(file), "--url", url, "--json"]
    with redirect_stdout(io.StringIO()) as output:
        status = main()
    if status != 0:
        raise AssertionError("the replay failed")
    return float(json.loads(output.getvalue())["elapsed_s"])
