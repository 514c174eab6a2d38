"""An interrupt comes between two steps, keeps what was acknowledged and turns messaging off."""

import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import attrs
import pytest
from sqlalchemy import Engine, event
from tests.cli.conftest import Ran, Run
from tests.cli.test_replay import written

from dmcore.adapters import sql
from dmcore.cli.interrupts import checked, go_on, interrupts_wait

INTERRUPTED = Ran(
    status=130,
    out="",
    err="error: interrupted; what was acknowledged before is stored  [interrupted]\n",
)


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def interrupt_twice() -> None:
    interrupt()
    interrupt()


@attrs.define
class Statements:
    """Acts when the statement with a number, of those with certain words, was executed."""

    left: int = 0
    words: str = ""
    act: Callable[[], object] = go_on

    def executed(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if self.left and self.words in statement:
            self.left -= 1
            if not self.left:
                self.act()


@pytest.fixture
def statements() -> Iterator[Statements]:
    found = Statements()
    event.listen(Engine, "after_cursor_execute", found.executed)
    yield found
    event.remove(Engine, "after_cursor_execute", found.executed)


def mode_and_messages(url: str) -> tuple[str, int]:
    """Of a store that is sound."""
    with sql.open_sync(url) as dm:
        operations = dm.operations("operator")
        assert operations.verify() == ()
        status = operations.status()
    return status.mode, status.messages


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize(
    "command",
    [
        "replay trace.txt",
        "import old.jsonl",
        "seed --users 2 --conversations 1 --messages 2 --blocks 1",
    ],
)
def test_wherever_it_comes_messaging_is_off_and_the_store_is_sound(
    run: Run, statements: Statements, command: str
) -> None:
    written([("ann", "bob", 100), ("bob", "ann", 200)])
    old = {"sender": "ann", "recipient": "bob", "text": "hello", "sent_at": 1, "read": False}
    lines = [json.dumps(old | {"id": number}) for number in (1, 2)]
    Path("old.jsonl").write_text("\n".join(lines))
    statements.act = interrupt
    kept: set[int] = set()
    for number in count(1):
        url = f"sqlite:///{number}.db"
        sql.initialise(url)
        statements.left = number
        ran = run(*command.split(), "--url", url)
        has_come, statements.left = not statements.left, 0
        mode, messages = mode_and_messages(url)
        assert mode == "off"
        kept.add(messages)
        if not has_come:
            break
        assert ran == INTERRUPTED
    assert (ran.status, kept) == (0, {0, 1, 2})


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_second_one_does_not_wait_and_leaves_no_transaction_for_which_anybody_would(
    run: Run, statements: Statements, at: int
) -> None:
    """The first thing written turns messaging on, the next two are messages."""
    written([("ann", "bob", 100), ("bob", "ann", 200)])
    sql.initialise("sqlite:///dmcore.db")
    statements.act = interrupt_twice
    statements.words = "INTO dm_write"
    statements.left = at
    assert run("replay", "trace.txt") == INTERRUPTED
    assert mode_and_messages("sqlite:///dmcore.db") == ("off", max(at - 2, 0))


def test_it_waits_until_it_is_asked_for() -> None:
    done: list[int] = []

    def work() -> None:
        with interrupts_wait() as check:
            for number in checked(range(9), check):
                if number == 3:
                    interrupt()
                done.append(number)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [0, 1, 2, 3]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_comes_at_the_end_if_nobody_asked() -> None:
    done: list[str] = []

    def work() -> None:
        with interrupts_wait():
            interrupt()
            done.append("the last step")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["the last step"]


def test_a_failure_meanwhile_is_told_rather_than_the_interrupt() -> None:
    def fail() -> None:
        interrupt()
        raise LookupError

    with pytest.raises(LookupError), interrupts_wait():
        fail()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_decided_that_an_interrupt_does_nothing_is_obeyed() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_wait() as check:
            interrupt()
            check()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_a_thread_of_a_host_no_signal_is_touched() -> None:
    def seen() -> object:
        with interrupts_wait() as check:
            check()
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(seen).result() is signal.default_int_handler
