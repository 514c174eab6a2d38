"""Processes that are killed while they write, and one that holds a file."""

import os
import signal
import sqlite3
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import event
from tests.faults.moments import once_at
from tests.support.stores import engine_of

from dmcore import Policy
from dmcore.adapters import sql

UNLIMITED = Policy(messages=None, starts=None)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sends_and_dies(url: str, conversation: str, moment: str, words: str) -> None:
    """Send one message, and be killed at a moment of it."""
    dm = sql.open_sync(url, policy=UNLIMITED)
    engine = engine_of(dm)
    match moment:
        case "before":
            once_at(engine, "before_cursor_execute", words, _die)
        case "during":
            once_at(engine, "before_cursor_execute", words, _die_while_it_runs)
        case "after":
            once_at(engine, "after_cursor_execute", words, _die)
        case "before commit":
            event.listen(engine, "commit", _die)
    dm.mailbox("ann").send(conversation, "second", key="key")
    _die()


def _die_while_it_runs(cursor: Any) -> None:
    """After some dozens of the machine's instructions, of the hundreds that the statement takes."""
    steps: list[None] = []

    def step() -> int:
        steps.append(None)
        if len(steps) == 40:
            _die()
        return 0

    cursor.connection.set_progress_handler(step, 1)


def sends_until_killed(url: str, conversation: str, acknowledgements: Connection) -> None:
    """Send one message after the other, and tell each one's id when it is acknowledged."""
    box = sql.open_sync(url, policy=UNLIMITED, synchronous="NORMAL").mailbox("ann")
    while True:
        acknowledgements.send(box.send(conversation, "again").id)


def holds_the_file(file: str, line: Connection) -> None:
    """Hold a SQLite file against all other writers until told to let go."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    line.send("held")
    line.recv()
    connection.execute("ROLLBACK")
    connection.close()
    line.send("free")


def erases_and_dies(url: str, user: str, commits: int) -> None:
    """Erase somebody row by row, and be killed when so many transactions were committed."""
    dm = sql.open_sync(url, policy=UNLIMITED)
    left = [None] * commits

    def count(_: object) -> None:
        if not left:
            _die()
        left.pop()

    event.listen(engine_of(dm), "commit", count)
    dm.operations("olga").erase(user, most=1)
