"""A process is killed in the middle of a send: the message is wholly there, or wholly not."""

import random
import signal

import pytest
from tests.conftest import IS_NIGHTLY
from tests.faults.dying import sends_and_dies, sends_until_killed
from tests.races.processes import PROCESSES

from dmcore import DirectMessages, Policy
from dmcore.adapters import sql
from dmcore.testing.world import text_of, thread_of

UNLIMITED = Policy(messages=None, starts=None)
ROUNDS = 20 if IS_NIGHTLY else 2

NOT_STORED = ["first"]
STORED = ["first", "second"]


def check(dm: DirectMessages, conversation: str, expected: list[str]) -> None:
    """What is there, and that everything counted agrees with it."""
    thread = dm.mailbox("bob").thread(conversation)
    assert [text_of(message) for message in thread.items] == expected
    (line,) = dm.mailbox("bob").inbox().items
    assert line.newest == thread.items[-1].id
    assert dm.mailbox("bob").unread() == line.unread == len(expected)
    assert len(dm.operations("olga").audit("bob").items) == len(expected)
    assert dm.operations("olga").verify() == ()


@pytest.mark.promise("MSG-4", "MSG-3")
@pytest.mark.parametrize(
    ("store", "moment", "words", "stored"),
    [
        ("sqlite", "before", "BEGIN IMMEDIATE", NOT_STORED),
        ("sqlite", "after", "BEGIN IMMEDIATE", NOT_STORED),
        ("sqlite", "after", "actor_box", NOT_STORED),
        ("sqlite", "before", "INTO dm_write", NOT_STORED),
        ("sqlite", "during", "INTO dm_write", NOT_STORED),
        ("sqlite", "after", "INTO dm_write", NOT_STORED),
        ("sqlite", "before commit", "", NOT_STORED),
        ("sqlite", "after commit", "", STORED),
        ("postgres", "after", "actor_box", NOT_STORED),
        ("postgres", "before", "WITH g0", NOT_STORED),
        ("postgres", "after", "WITH g0", STORED),
    ],
)
def test_a_killed_process_leaves_the_whole_message_or_nothing(
    store: str, moment: str, words: str, stored: list[str], request: pytest.FixtureRequest
) -> None:
    url: str = request.getfixturevalue(f"{store}_url")
    sql.initialise(url)
    with sql.open_sync(url, policy=UNLIMITED) as dm:
        dm.operations("olga").set_mode("on")
        conversation = str(dm.mailbox("ann").start("bob", "first").conversation)
        process = PROCESSES.Process(target=sends_and_dies, args=(url, conversation, moment, words))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        check(dm, conversation, stored)
        dm.mailbox("ann").send(conversation, "second", key="key")
        check(dm, conversation, STORED)


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_everything_acknowledged_before_the_kill_is_there(
    store: str, request: pytest.FixtureRequest
) -> None:
    """And at most one message more, whose acknowledgement nobody heard."""
    url: str = request.getfixturevalue(f"{store}_url")
    sql.initialise(url)
    for _ in range(ROUNDS):
        with sql.open_sync(url, policy=UNLIMITED) as dm:
            dm.operations("olga").set_mode("on")
            conversation = dm.mailbox("ann").start("bob", "first").conversation
            here, there = PROCESSES.Pipe(duplex=False)
            process = PROCESSES.Process(
                target=sends_until_killed, args=(url, str(conversation), there), daemon=True
            )
            process.start()
            there.close()
            acknowledged = [here.recv() for _ in range(random.randint(1, 40))]
            process.kill()
            process.join()
            try:
                while True:
                    acknowledged.append(here.recv())
            except EOFError:
                here.close()
            stored = [message.id for message in thread_of(dm.mailbox("bob"), conversation)]
            stored = stored[stored.index(acknowledged[0]) :]
            assert stored[: len(acknowledged)] == acknowledged
            assert len(stored) - len(acknowledged) in (0, 1)
            assert dm.operations("olga").verify() == ()
