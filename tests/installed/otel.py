"""Calls are told to OpenTelemetry, whatever exports them."""

from tests.installed.exchange import write_to_each_other

from dmcore.adapters import memory
from dmcore.adapters.instrumentation import Telemetry

with memory.open_sync() as dm:
    write_to_each_other(dm.observed(Telemetry()))
