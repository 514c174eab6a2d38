"""One structured log record for every call, in the standard library's logging."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dmcore.ports.instrumentation import DEFECT, Ending, Instrumentation
from dmcore.ports.transactions import Capacity

_CALLS: Final = logging.getLogger("dmcore.calls")


class LoggedCalls:
    """The ``Instrumentation`` port as log records: ``INFO``, and ``ERROR`` for a defect.

    A record carries ``dmcore_call``, ``dmcore_capacity``, ``dmcore_outcome`` and
    ``dmcore_duration_s`` (seconds) as fields, which a formatter for JSON finds; its text says the
    same for people. ``logger`` is the host's, or ``dmcore.calls``.
    """

    def __init__(
        self,
        logger: logging.Logger | None = None,
        *,
        seconds: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._logger = _CALLS if logger is None else logger
        self._seconds = seconds

    def begin(self, name: str, capacity: Capacity) -> Ending:
        """As the port has it."""
        began_s = self._seconds()

        def end(outcome: str) -> None:
            level = logging.ERROR if outcome == DEFECT else logging.INFO
            if self._logger.isEnabledFor(level):
                fields = {
                    "dmcore_call": name,
                    "dmcore_capacity": capacity.value,
                    "dmcore_outcome": outcome,
                    "dmcore_duration_s": self._seconds() - began_s,
                }
                self._logger.log(level, "%s by %s: %s", name, capacity.value, outcome, extra=fields)

        return end


if TYPE_CHECKING:

    def _conforms() -> Instrumentation:
        return LoggedCalls()
