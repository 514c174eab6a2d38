"""One log record for every call, with fields that a machine finds."""

import logging

import pytest

from dmcore.adapters import memory
from dmcore.adapters.instrumentation import LoggedCalls
from dmcore.errors import AccessDenied
from dmcore.ports.transactions import Capacity

pytestmark = pytest.mark.promise("OPS-3")

FIELDS = ("dmcore_call", "dmcore_capacity", "dmcore_outcome", "dmcore_duration_s")


def fields(record: logging.LogRecord) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in FIELDS)


def test_a_record_says_what_as_what_how_it_ended_and_how_long_it_took(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "dmcore.calls")
    now_s = iter([1.0, 1.25, 5.0, 5.5])
    calls = LoggedCalls(seconds=lambda: next(now_s))
    calls.begin("send", Capacity.PARTICIPANT)("done")
    calls.begin("verify", Capacity.OPERATOR)("defect")
    done, defect = caplog.records
    assert fields(done) == ("send", "participant", "done", 0.25)
    assert fields(defect) == ("verify", "operator", "defect", 0.5)
    assert (done.levelno, defect.levelno) == (logging.INFO, logging.ERROR)
    assert done.getMessage() == "send by participant: done"


@pytest.mark.promise("LEAK-1")
def test_a_record_names_nobody_and_quotes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    dm = memory.open_sync().observed(LoggedCalls(logging.getLogger("host")))
    dm.operations("olga").set_mode("on")
    sent = dm.mailbox("ann").start("bob", "canary-of-a-text")
    with pytest.raises(AccessDenied):
        dm.mailbox("cyd").thread(sent.conversation)
    records = [it for it in caplog.records if it.name == "host"]
    assert [fields(it)[:3] for it in records] == [
        ("set_mode", "operator", "done"),
        ("start", "participant", "done"),
        ("thread", "participant", "access_denied"),
    ]
    for record in records:
        for secret in ("olga", "ann", "bob", "cyd", "canary", str(sent.conversation)):
            assert secret not in repr(vars(record) | {"pathname": "", "filename": ""})


def test_what_nobody_reads_is_not_written(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "dmcore.calls")
    LoggedCalls().begin("send", Capacity.PARTICIPANT)("done")
    assert caplog.records == []
