"""What the collective's operators see of what runs: a line of JSON for each call, counts, alarms.

Never who, never to whom, never what: dmcore tells none of it.
"""

import json
import logging
import logging.handlers
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from dmcore.ports.transactions import Capacity

ALARMING: Final = frozenset(
    {"defect", "store_unavailable", "store_refused", "keyring_unavailable", "unreadable_text"}
)
"""Outcomes that are no answer to anybody: somebody has to look."""

_LOG: Final = logging.getLogger("care")


class Pulse:
    """Counts how calls end, and raises the alarm where one ends as none should."""

    def __init__(self, alarm: Callable[[str], None]) -> None:
        self._alarm = alarm
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.alarms: deque[str] = deque(maxlen=20)

    def begin(self, name: str, capacity: Capacity) -> Callable[[str], None]:
        """A call begins; what is returned is told how it ended."""

        def end(outcome: str) -> None:
            self.outcomes[name, outcome] += 1
            if outcome in ALARMING:
                self.alarms.append(f"{name} by {capacity.value}: {outcome}")
                self._alarm(self.alarms[-1])

        return end


def page_somebody(what: str) -> None:
    """The error hook: stands for the collective's own way to wake somebody."""
    _LOG.critical(what)


class _AsJson(logging.Formatter):
    """A record as one line of JSON, with the fields that dmcore gives it."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: it for name, it in vars(record).items() if name.startswith("dmcore_")}
        line = {"at": record.created, "level": record.levelname, "said": record.getMessage()}
        return json.dumps({**line, "logger": record.name, **fields})


@contextmanager
def logged_to(file: Path) -> Iterator[None]:
    """Write what is logged inside to a file, on a thread of its own: no call waits for the disk."""
    writer = logging.FileHandler(file, encoding="utf-8")
    writer.setFormatter(_AsJson())
    lines: SimpleQueue[logging.LogRecord] = SimpleQueue()
    handler = logging.handlers.QueueHandler(lines)
    listener = logging.handlers.QueueListener(lines, writer)
    loggers = [logging.getLogger(name) for name in ("dmcore", "care")]
    listener.start()
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        listener.stop()
        writer.close()
