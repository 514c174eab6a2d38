"""Workers in processes of their own, which see to it that nobody delivers beside them."""

import fcntl
import os
import signal
from datetime import timedelta
from pathlib import Path
from threading import Event

from dmcore import Entry
from dmcore.adapters import sql
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.relay import Relay


class Alone:
    """Writes down each event, and that somebody else was at it at the same time."""

    def __init__(self, file: Path, *, dies_at: int | None) -> None:
        self._lines = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._turn = os.open(f"{file}.turn", os.O_WRONLY | os.O_CREAT)
        self._left = dies_at

    def deliver(self, event: Entry) -> None:
        """Write one line; at the last of those it was given, die in the middle of it."""
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.write(self._lines, b"overlap\n")
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        os.write(self._lines, f"{event.owner.id} {event.position}\n".encode())
        fcntl.flock(self._turn, fcntl.LOCK_UN)


def works(url: str, file: Path, now_us: int, dies_at: int | None = None) -> None:
    """Deliver what there is, and end; or die in the middle of it."""
    with sql.open_sync(url, clock=ManualClock(now_us), synchronous="NORMAL") as dm:
        worker = Relay(
            dm.operations("olga"),
            Alone(file, dies_at=dies_at),
            name="hook",
            lease=timedelta(hours=1),
            pause=timedelta(milliseconds=5),
        )
        worker.run(Event(), until_idle=True)
