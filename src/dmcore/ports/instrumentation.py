"""Instrumentation: what was asked, how it ended, how long it took; never by whom or what about."""

from collections.abc import Callable
from typing import Final, Protocol

from dmcore.ports.transactions import Capacity

DONE: Final = "done"
"""The outcome of a call that was answered."""

CANCELLED: Final = "cancelled"
"""The outcome of a call that was given up from outside, by an interrupt or by its task."""

ASKED: Final = "asked"
"""The outcome of a call that the directory or a screener has to be asked about: it comes again."""

DEFECT: Final = "defect"
"""The outcome of a call that raised what no host should meet."""

Ending = Callable[[str], None]
"""Is told the outcome of a call, once: one of the four above, or the ``code`` of its error."""


class Instrumentation(Protocol):
    """Is told of every call, for metrics, traces and logs of the host's own.

    What it is told are words of closed sets: the name of a facade's method, the capacity of who
    asks, and the outcome. None of them is content or anybody's id, so they fit labels (LEAK-1,
    OPS-3). It is called where the call runs: in its thread, or in its task on the event loop, so
    it MUST NOT block. What it raises is lost, for it may say anything, and the call goes on.
    """

    def begin(self, name: str, capacity: Capacity) -> Ending:
        """A call begins; what is returned is called when it has ended, in the same thread or task.

        A call that the store repeats after a conflict begins once. What is refused before anything
        is asked of the store (an id that is none, a text that is too long) is no call.
        """
        ...
