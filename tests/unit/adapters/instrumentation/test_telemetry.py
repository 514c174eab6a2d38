"""Calls as OpenTelemetry's spans and one histogram, by its own kit."""

import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from dmcore.adapters import memory
from dmcore.adapters.instrumentation import Telemetry
from dmcore.errors import AccessDenied
from dmcore.ports.transactions import Capacity

pytestmark = pytest.mark.promise("OPS-3")


class Collected:
    """A host's telemetry, kept in memory."""

    def __init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.tracing = TracerProvider()
        self.tracing.add_span_processor(SimpleSpanProcessor(self.spans))
        self.reader = InMemoryMetricReader()
        self.metering = MeterProvider(metric_readers=[self.reader])

    def telemetry(self, *seconds: float) -> Telemetry:
        readings = iter(seconds)
        return Telemetry(
            tracer_provider=self.tracing,
            meter_provider=self.metering,
            seconds=lambda: next(readings, 0.0),
        )

    def points(self) -> list[HistogramDataPoint]:
        found = self.reader.get_metrics_data()
        assert found is not None
        (metric,) = found.resource_metrics[0].scope_metrics[0].metrics
        assert (metric.name, metric.unit) == ("dmcore.call.duration", "s")
        return [it for it in metric.data.data_points if isinstance(it, HistogramDataPoint)]


def test_a_call_is_a_span_and_counts_with_its_outcome() -> None:
    collected = Collected()
    telemetry = collected.telemetry(1.0, 1.25, 2.0, 2.5)
    telemetry.begin("send", Capacity.PARTICIPANT)("done")
    telemetry.begin("send", Capacity.PARTICIPANT)("limit_reached")
    done, refused = collected.spans.get_finished_spans()
    known = {"dmcore.call": "send", "dmcore.capacity": "participant"}
    limited = {"dmcore.outcome": "limit_reached", "error.type": "limit_reached"}
    assert (done.name, done.attributes) == ("dmcore.send", known | {"dmcore.outcome": "done"})
    assert refused.attributes == known | limited
    assert {done.status.status_code, refused.status.status_code} == {StatusCode.UNSET}
    points = {
        str(it.attributes["dmcore.outcome"]): it for it in collected.points() if it.attributes
    }
    assert {name: (it.count, it.sum) for name, it in points.items()} == {
        "done": (1, 0.25),
        "limit_reached": (1, 0.5),
    }


def test_only_a_defect_is_a_failure() -> None:
    collected = Collected()
    for outcome in ("done", "asked", "cancelled", "access_denied", "defect"):
        collected.telemetry().begin("thread", Capacity.PARTICIPANT)(outcome)
    statuses = [it.status.status_code for it in collected.spans.get_finished_spans()]
    assert statuses == [StatusCode.UNSET] * 4 + [StatusCode.ERROR]
    assert [
        (it.attributes or {}).get("error.type") for it in collected.spans.get_finished_spans()
    ] == [None, None, None, "access_denied", "defect"]


def test_what_a_call_does_belongs_to_its_span_and_nothing_after_it() -> None:
    collected = Collected()
    outside = trace.get_current_span()
    end = collected.telemetry().begin("send", Capacity.PARTICIPANT)
    with collected.tracing.get_tracer("driver").start_as_current_span("statement"):
        pass
    end("done")
    assert trace.get_current_span() is outside
    statement, call = collected.spans.get_finished_spans()
    assert call.context is not None
    assert statement.parent is not None
    assert statement.parent.span_id == call.context.span_id


@pytest.mark.promise("LEAK-1")
def test_no_user_and_no_text_is_in_a_span_or_a_label() -> None:
    collected = Collected()
    dm = memory.open_sync().observed(collected.telemetry())
    dm.operations("olga").set_mode("on")
    sent = dm.mailbox("ann").start("bob", "canary-of-a-text")
    with pytest.raises(AccessDenied):
        dm.mailbox("cyd").thread(sent.conversation)
    told = [it.to_json() for it in collected.spans.get_finished_spans()]
    told += [repr(it.attributes) for it in collected.points()]
    assert len(told) == 6
    for secret in ("olga", '"ann', "bob", "cyd", "canary", str(sent.conversation)):
        assert not [it for it in told if secret in it]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImportError, match=r"dmcore\[otel\]"):
        Telemetry()
