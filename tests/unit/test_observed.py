"""Somebody is told of every call: what, as what, and how it ended; never who or what about."""

import asyncio
import inspect
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from dmcore import (
    AsyncDirectMessages,
    Body,
    DirectMessages,
    Introduction,
    Pass,
    Policy,
    RateLimit,
    Submission,
    User,
    Verdict,
)
from dmcore.adapters import memory
from dmcore.adapters.clock import ManualClock
from dmcore.errors import (
    AccessDenied,
    EvidenceDenied,
    LimitReached,
    StoreUnavailable,
    UnknownUser,
)
from dmcore.mailbox import MailboxCalls
from dmcore.moderation import ModerationCalls
from dmcore.operations import OperationsCalls
from dmcore.ports.instrumentation import Ending
from dmcore.ports.transactions import Capacity

pytestmark = pytest.mark.promise("OPS-3")

NOBODYS = str(UUID(int=1))
BODY = "canary-of-a-text"


class Noted:
    """Keeps what it was told, and complains if it is asked to."""

    def __init__(self, *, complains_at: str | None = None) -> None:
        self.begun: list[tuple[str, Capacity]] = []
        self.ended: list[tuple[str, str]] = []
        self._complains_at = complains_at

    def begin(self, name: str, capacity: Capacity) -> Ending:
        self._complain("begin")
        self.begun.append((name, capacity))

        def end(outcome: str) -> None:
            self._complain("end")
            self.ended.append((name, outcome))

        return end

    def _complain(self, when: str) -> None:
        if self._complains_at == when:
            raise RuntimeError(BODY)


def opened(
    noted: Noted, *, policy: Policy | None = None, clock: ManualClock | None = None
) -> DirectMessages:
    dm = memory.open_sync(policy=policy, clock=clock or ManualClock()).observed(noted)
    dm.operations("olga").set_mode("on")
    noted.begun.clear()
    noted.ended.clear()
    return dm


def test_every_call_is_told_with_its_name_its_capacity_and_its_outcome() -> None:
    noted = Noted()
    dm = opened(noted)
    sent = dm.mailbox("ann").start("bob", BODY)
    dm.mailbox("bob").requests()
    with pytest.raises(AccessDenied):
        dm.mailbox("cyd").thread(sent.conversation)
    dm.operations("olga").status()
    dm.moderation("mia").reports()
    dm.heads([])
    assert noted.begun == [
        ("start", Capacity.PARTICIPANT),
        ("requests", Capacity.PARTICIPANT),
        ("thread", Capacity.PARTICIPANT),
        ("status", Capacity.OPERATOR),
        ("reports", Capacity.MODERATOR),
        ("heads", Capacity.HOST),
    ]
    assert noted.ended == [
        ("start", "done"),
        ("requests", "done"),
        ("thread", "access_denied"),
        ("status", "done"),
        ("reports", "done"),
        ("heads", "done"),
    ]


@pytest.mark.promise("LEAK-1")
def test_nothing_that_is_told_names_anybody_or_says_what_was_written() -> None:
    noted = Noted()
    dm = opened(noted)
    sent = dm.mailbox("ann", tenant="north").start("bob", BODY)
    dm.operations("olga", tenant="north").erase("ann")
    told = repr((noted.begun, noted.ended))
    for secret in (BODY, "ann", "bob", "olga", "north", str(sent.id), str(sent.conversation)):
        assert secret not in told
    assert {name for name, _ in noted.begun} == {
        "start",
        "erase.begin",
        "erase.settle",
        "erase.go_on",
        "erase.finish",
    }


def test_a_refusal_that_is_stored_first_is_told_as_one() -> None:
    """A clock that was set back: what it shows is written down, then the limit refuses."""
    noted, clock = Noted(), ManualClock()
    dm = opened(noted, policy=Policy(messages=RateLimit(1, timedelta(minutes=1))), clock=clock)
    sent = dm.mailbox("ann").start("bob", "one")
    clock.advance(seconds=-30)
    with pytest.raises(LimitReached):
        dm.mailbox("ann").send(sent.conversation, "two")
    assert noted.ended == [("start", "done"), ("send", "limit_reached")]


class Strangers:
    """A directory that knows nobody."""

    def introduce(self, sender: User, recipient: User) -> Introduction:  # noqa: ARG002
        return Introduction(sender=None, recipient=None)


class Everything:
    """A screener that lets everything pass."""

    reasons = ("everything",)

    def screen(self, submission: Submission) -> Verdict:  # noqa: ARG002
        return Pass()


def test_asking_somebody_outside_is_no_defect_of_a_call() -> None:
    """It comes again, and ends as it ends: what was sent is still counted once."""
    noted = Noted()
    with memory.open_sync(screeners=[Everything()], directory=Strangers()) as dm:
        dm.operations("olga").set_mode("on")
        with pytest.raises(UnknownUser):
            dm.observed(noted).mailbox("ann").start("bob", BODY)
    assert noted.ended == [("start", "asked"), ("start", "unknown_user")]
    screened = Noted()
    with memory.open_sync(screeners=[Everything()]) as dm:
        dm.operations("olga").set_mode("on")
        dm.observed(screened).mailbox("ann").start("bob", BODY)
    assert screened.ended == [("start", "asked"), ("start", "done")]


def test_evidence_that_is_denied_is_told_as_denied() -> None:
    """And that it was written down is a call of its own, which was committed."""
    noted = Noted()
    dm = opened(noted)
    dm.mailbox("ann").start("bob", BODY)
    report = dm.mailbox("bob").report("ann", reason="spam").id
    with pytest.raises(EvidenceDenied):
        dm.moderation("mia").evidence(report)
    assert noted.ended[-2:] == [("evidence", "evidence_denied"), ("note_refusal", "done")]


class Breaks(ManualClock):
    """A clock on which a call breaks, as the host's own parts may."""

    error: BaseException | None = None

    def now_us(self) -> int:
        if self.error is not None:
            raise self.error
        return super().now_us()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RuntimeError(BODY), "defect"),
        (KeyboardInterrupt(), "cancelled"),
        (StoreUnavailable("gone"), "store_unavailable"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_what_breaks_is_told_by_its_kind(error: BaseException, outcome: str) -> None:
    noted, clock = Noted(), Breaks()
    dm = opened(noted, clock=clock)
    clock.error = error
    with pytest.raises(type(error)):
        dm.mailbox("ann").start("bob", BODY)
    assert noted.ended == [("start", outcome)]


@pytest.mark.parametrize("when", ["begin", "end"])
def test_an_instrumentation_that_breaks_costs_no_call(
    when: str, caplog: pytest.LogCaptureFixture
) -> None:
    dm = opened(Noted(complains_at=when))
    assert dm.mailbox("ann").start("bob", BODY).body == Body(BODY)
    with pytest.raises(AccessDenied):
        dm.mailbox("ann").thread(NOBODYS)
    assert caplog.text == ""


def test_awaited_calls_are_told_as_called_ones() -> None:
    async def work(dm: AsyncDirectMessages) -> None:
        async with dm.observed(noted) as observed:
            await observed.operations("olga").set_mode("on")
            await observed.mailbox("ann").start("bob", BODY)
            with pytest.raises(AccessDenied):
                await observed.mailbox("ann").thread(NOBODYS)
            task = asyncio.ensure_future(waiting.mailbox("ann").inbox())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    async def never(_: Callable[..., object], /, *__: object) -> object:
        return await asyncio.Event().wait()

    noted = Noted()
    waiting = memory.open_sync().awaited(never).observed(noted)  # type: ignore[arg-type]
    asyncio.run(work(memory.open_sync().awaited(asyncio.to_thread)))
    assert noted.ended == [
        ("set_mode", "done"),
        ("start", "done"),
        ("thread", "access_denied"),
        ("inbox", "cancelled"),
    ]


def test_closing_what_is_observed_closes_it() -> None:
    dm = opened(Noted())
    dm.close()
    with pytest.raises(StoreUnavailable):
        dm.mailbox("ann").inbox()


@pytest.mark.parametrize("calls", [MailboxCalls, ModerationCalls, OperationsCalls])
def test_every_method_names_its_call(calls: type) -> None:
    described = [
        method
        for name, method in vars(calls).items()
        if inspect.isfunction(method) and not name.startswith("_")
    ]
    assert described
    assert all(hasattr(method, "__wrapped__") for method in described)
