"""Ways to see what runs: as structured log records, or through OpenTelemetry."""

from dmcore.adapters.instrumentation.logs import LoggedCalls
from dmcore.adapters.instrumentation.telemetry import Telemetry

__all__ = ["LoggedCalls", "Telemetry"]
