"""Spans and a histogram through OpenTelemetry's interface; what exports them is the host's."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dmcore._extras import extra
from dmcore.ports.instrumentation import ASKED, CANCELLED, DEFECT, DONE, Ending, Instrumentation
from dmcore.ports.transactions import Capacity

if TYPE_CHECKING:
    # Needs the extra, which a host without telemetry does without.
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider


class Telemetry:
    """The ``Instrumentation`` port on the ``opentelemetry-api`` package.

    Each call is a span ``dmcore.<name>``, current while the call runs, and counts in the histogram
    ``dmcore.call.duration`` (seconds). Attributes: ``dmcore.call``, ``dmcore.capacity``,
    ``dmcore.outcome``; for what was not done ``error.type`` is the outcome too. Only a defect marks
    a span as failed: a refusal is an answer. Without providers the host's global ones are used.
    Raises ``ImportError`` without the package.
    """

    def __init__(
        self,
        *,
        tracer_provider: "TracerProvider | None" = None,
        meter_provider: "MeterProvider | None" = None,
        seconds: Callable[[], float] = time.perf_counter,
    ) -> None:
        with extra("otel"):
            from opentelemetry import context, metrics, trace
        self._context = context
        self._trace = trace
        self._tracer = trace.get_tracer("dmcore", tracer_provider=tracer_provider)
        meter = metrics.get_meter("dmcore", meter_provider=meter_provider)
        self._durations = meter.create_histogram(
            "dmcore.call.duration", unit="s", description="How long a call took, by its outcome."
        )
        self._seconds = seconds

    def begin(self, name: str, capacity: Capacity) -> Ending:
        """As the port has it."""
        known = {"dmcore.call": name, "dmcore.capacity": capacity.value}
        span = self._tracer.start_span(f"dmcore.{name}", attributes=known)
        token = self._context.attach(self._trace.set_span_in_context(span))
        began_s = self._seconds()

        def end(outcome: str) -> None:
            duration_s = self._seconds() - began_s
            self._context.detach(token)
            ended: dict[str, Any] = {"dmcore.outcome": outcome}
            if outcome not in (DONE, ASKED, CANCELLED):
                ended["error.type"] = outcome
            span.set_attributes(ended)
            if outcome == DEFECT:
                span.set_status(self._trace.StatusCode.ERROR)
            span.end()
            self._durations.record(duration_s, {**known, **ended})

        return end


if TYPE_CHECKING:

    def _conforms() -> Instrumentation:
        return Telemetry()
