"""What runs, in numbers: how often each call was made, how it ended, how long it took.

dmcore tells it of every call and never says who asked or what about, so all of it may be shown.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from threading import Lock

import attrs

from dmcore import Mode, StoreStatus
from dmcore.ports.transactions import Capacity


@attrs.frozen(order=True)
class Calls:
    """Calls of one kind that ended in one way."""

    name: str
    capacity: str
    outcome: str
    count: int
    seconds: float

    @property
    def average_ms(self) -> float:
        """How long one took."""
        return 1000 * self.seconds / self.count


class Figures:
    """dmcore's instrumentation port: ``dm.observed(figures)``."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._seconds: defaultdict[tuple[str, str, str], float] = defaultdict(float)

    def begin(self, name: str, capacity: Capacity) -> Callable[[str], None]:
        """A call begins; what is returned is told how it ended."""
        began = time.perf_counter()

        def end(outcome: str) -> None:
            kind = (name, capacity.value, outcome)
            with self._lock:
                self._counts[kind] += 1
                self._seconds[kind] += time.perf_counter() - began

        return end

    def calls(self) -> list[Calls]:
        """What was counted since this process began."""
        with self._lock:
            return sorted(
                Calls(*kind, count=count, seconds=self._seconds[kind])
                for kind, count in self._counts.items()
            )


def exposition(status: StoreStatus, figures: Figures) -> str:
    """The same for a machine, in the text format of Prometheus."""
    return "".join(f"{line}\n" for line in _lines(status, figures))


def _lines(status: StoreStatus, figures: Figures) -> Iterator[str]:
    yield "# TYPE whiteballoon_messaging_mode gauge"
    for mode in Mode:
        yield f'whiteballoon_messaging_mode{{mode="{mode.value}"}} {int(mode is status.mode)}'
    for name in ("conversations", "messages", "users", "blocks", "journal_entries"):
        yield f"# TYPE whiteballoon_{name} gauge"
        yield f"whiteballoon_{name} {getattr(status, name)}"
    calls = figures.calls()
    for name, values in (
        ("calls_total", [float(it.count) for it in calls]),
        ("call_seconds_total", [it.seconds for it in calls]),
    ):
        yield f"# TYPE whiteballoon_{name} counter"
        for it, value in zip(calls, values, strict=True):
            labels = f'call="{it.name}",capacity="{it.capacity}",outcome="{it.outcome}"'
            yield f"whiteballoon_{name}{{{labels}}} {value:g}"
