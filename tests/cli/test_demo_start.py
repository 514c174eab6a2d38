"""What the demo site needs before it is there: a port, packages, a store, people with a past."""

import signal
import socket
import sys
from datetime import timedelta

import pytest
from tests.cli.conftest import Run, stored

from dmcore.adapters import memory
from dmcore.cli import demo_server
from dmcore.cli.demo_people import CHARACTERS, TENANT, StoryClock, settle
from dmcore.cli.demo_server import listening, orderly_end
from dmcore.cli.stores import operator_of

HOST = "127.0.0.1"


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


# The port ---------------------------------------------------------------------------------------


def test_without_a_port_it_takes_the_next_one_that_is_free() -> None:
    with listening(HOST, None) as first, listening(HOST, None) as second:
        assert 8000 <= first.getsockname()[1] < second.getsockname()[1]


def test_if_none_of_those_is_free_it_takes_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_server, "_TRIED_PORTS", 0)
    with listening(HOST, None) as found:
        assert found.getsockname()[1] > 0


def test_a_port_that_was_asked_for_and_is_taken_is_told_and_leaves_nothing(run: Run) -> None:
    with socket.create_server((HOST, 0)) as taken:
        done = run("demo", "--port", str(taken.getsockname()[1]))
    assert done.code == "system"
    assert "in use" in done.err


# The command ------------------------------------------------------------------------------------


@pytest.mark.promise("EMB-1")
@pytest.mark.parametrize("package", ["jinja2", "starlette", "uvicorn"])
def test_without_the_extra_one_line_names_it_and_the_play_still_works(
    run: Run, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    done = run("demo")
    assert done.code == "missing_extra"
    assert 'pip install "dmcore[demo]"' in done.err


def test_it_never_moves_into_a_store_that_is_in_use(run: Run) -> None:
    run("seed")
    before = stored(run)
    assert run("demo", "--port", "0", "--url", "sqlite:///dmcore.db").code == "store_not_empty"
    assert stored(run) == before


# The past ---------------------------------------------------------------------------------------


def test_the_past_went_through_the_rules_and_lies_behind() -> None:
    clock = StoryClock()
    with memory.open_sync(clock=clock) as dm:
        operations = operator_of(dm)
        settle(dm, operations, clock)
        assert operations.verify() == ()
        now_us = clock.now_us()
        windows = {user: dm.mailbox(user, tenant=TENANT) for user in CHARACTERS}
        for window in windows.values():
            entries = window.inbox().items
            assert entries
            for entry in entries:
                assert entry.preview is not None
                assert entry.preview.sent_at_us < now_us
        assert windows["ann"].unread() > 1
        assert windows["bob"].unread() == 0
        assert windows["bob"].archived().items
        assert [block.blocked for block in windows["eleni"].blocked().items] == ["dmytro"]
        long = windows["zoe"].conversation_with("eleni")
        assert long is not None
        assert windows["zoe"].thread(long.conversation).older is not None


def test_it_happens_once() -> None:
    clock = StoryClock()
    with memory.open_sync(clock=clock) as dm:
        operations = operator_of(dm)
        settle(dm, operations, clock)
        before = operations.status()
        settle(dm, operations, clock)
        assert operations.status() == before


def test_its_clock_can_be_put_back() -> None:
    clock = StoryClock()
    present = clock.now_us()
    clock.put_back(timedelta(days=1))
    assert clock.now_us() < present
    clock.put_back(timedelta())
    assert clock.now_us() >= present


# The end ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_asks_it_to_end_ends_the_block_and_nothing_interrupts_the_clearing_up(
    number: signal.Signals,
) -> None:
    before = signal.getsignal(number)
    done: list[str] = []
    with orderly_end():
        try:
            signal.raise_signal(number)
            done.append("went on")
        finally:
            interrupt()
            done.append("cleared up")
    assert done == ["cleared up"]
    assert signal.getsignal(number) == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_decided_that_a_closed_terminal_does_nothing_is_obeyed() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with orderly_end():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
