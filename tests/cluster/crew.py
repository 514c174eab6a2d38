"""Writers and readers at work, and what they have reported so far."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing.connection import Connection
from typing import Any, Final

import attrs
from tests.cluster.writers import PATIENCE_S, Acknowledged, Seen
from tests.races.processes import PROCESSES

_MS: Final = 1000


@attrs.frozen(kw_only=True)
class History:
    """Everything that was reported, in the order in which it was lived through."""

    acknowledged: Sequence[Acknowledged]
    seen: Sequence[Seen]

    @property
    def refusals(self) -> int:
        """How often somebody had to ask again."""
        told: list[Acknowledged | Seen] = [*self.acknowledged, *self.seen]
        return sum(it.refusals for it in told)

    def longest_silence_ms(self, since_s: float) -> int:
        """The longest time for which a writer heard nothing, of those that ended since then."""
        times: dict[str, list[float]] = defaultdict(list)
        for it in self.acknowledged:
            times[it.writer].append(it.at_s)
        silences = [
            later - earlier
            for of_one in times.values()
            for earlier, later in pairwise(of_one)
            if later > since_s
        ]
        return round(max(silences) * _MS)


class Crew:
    """Processes that all begin when they are told, and end when nobody is to write any more."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = PROCESSES.Event()
        self._stop_reading = PROCESSES.Event()
        self._processes: list[Any] = []
        self._readers: list[Any] = []
        self._listeners: list[threading.Thread] = []
        self._acknowledged: list[Acknowledged] = []
        self._seen: list[Seen] = []
        self._news = threading.Condition()

    def writes(self, act: Callable[..., None], *given: str) -> None:
        """One more writer."""
        self._begin(self._processes, act, *given, self._stop)

    def reads(self, act: Callable[..., None], *given: str) -> None:
        """One more reader, who goes on until all writers have ended."""
        self._begin(self._readers, act, *given, self._stop_reading)

    def wait_until_told(self, count: int, *, since_s: float = 0) -> None:
        """Come back when every writer was told so often, of what it heard since then."""

        def is_done() -> bool:
            told: dict[str, int] = defaultdict(int)
            for it in self._acknowledged:
                told[it.writer] += it.at_s >= since_s
            ended = [it for it in (*self._processes, *self._readers) if it.exitcode is not None]
            assert not ended, "somebody ended who was to go on"
            return len(told) >= len(self._processes) and min(told.values()) >= count

        with self._news:
            assert self._news.wait_for(is_done, PATIENCE_S), "a writer was not told"

    @property
    def history(self) -> History:
        """What was reported until now."""
        with self._news:
            return History(acknowledged=tuple(self._acknowledged), seen=tuple(self._seen))

    def end(self) -> History:
        """Let everybody finish what they are at; everything that they reported."""
        self._stop.set()
        self._join(self._processes)
        self._stop_reading.set()
        self._join(self._readers)
        for listener in self._listeners:
            listener.join()
        return self.history

    def kill(self) -> None:
        """End those who are still there."""
        for process in (*self._processes, *self._readers):
            process.kill()
            process.join()

    def _begin(self, among: list[Any], act: Callable[..., None], *given: object) -> None:
        here, there = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=act, args=(self._url, *given, there), daemon=True)
        process.start()
        there.close()
        among.append(process)
        # Somebody has to listen all the time, or who reports would wait.
        listener = threading.Thread(target=self._listen, args=(here,), daemon=True)
        listener.start()
        self._listeners.append(listener)

    def _listen(self, line: Connection) -> None:
        with line:
            while True:
                try:
                    report = line.recv()
                except EOFError:
                    break
                with self._news:
                    (self._seen if isinstance(report, Seen) else self._acknowledged).append(report)
                    self._news.notify_all()

    def _join(self, processes: Sequence[Any]) -> None:
        for process in processes:
            process.join()
        assert [it.exitcode for it in processes] == [0] * len(processes)


@contextmanager
def crew_on(url: str) -> Iterator[Crew]:
    """A crew of which nobody is left behind."""
    crew = Crew(url)
    try:
        yield crew
    finally:
        crew.kill()
