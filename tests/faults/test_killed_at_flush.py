"""SQLite is killed, or loses power, at each flush of the disk: what was acknowledged is there.

``strace`` ends the process as it enters a chosen flush, of the log or of the database itself. A
power cut is more than that: of everything written since the last flush of a file, each piece is
there, or is garbage. Which ones is drawn by lot.
"""

import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from tests.conftest import IS_NIGHTLY, seed

from dmcore import ConversationId, DirectMessages, Policy
from dmcore.adapters import sql
from dmcore.testing.world import text_of, thread_of

# Two for opening, then some sends with the flushes by which the log goes into the database.
FLUSHES: Final = 30
_CALL: Final = re.compile(r"(\w+)\(\d+<([^>]+)>(?:, .*, (\d+), (\d+))?\)\s+= (\d+)")

pytestmark = pytest.mark.skipif(
    not IS_NIGHTLY, reason="each flush is a process under strace, two seconds each: by night"
)


def killed_at(flush: int, url: str, conversation: str, log: Path) -> list[str]:
    """What a process was told of that sends until it enters a flush, counted from its beginning."""
    strace = shutil.which("strace")
    assert strace is not None, "`make nightly` gets strace where it is missing"
    done = subprocess.run(
        [
            *(strace, "-qq", "-y", "-o", log, "-e", "trace=pwrite64,fsync,fdatasync"),
            *("-e", f"inject=fsync,fdatasync:signal=KILL:when={flush}"),
            *(sys.executable, "-m", "tests.faults.flushing"),
            *(url, conversation, str(1000 * flush)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout.split()


def unflushed(log: Path) -> dict[Path, list[tuple[int, int]]]:
    """For each file, where and how much was written to it since its last flush."""
    waiting: dict[Path, list[tuple[int, int]]] = defaultdict(list)
    for line in log.read_text(errors="replace").splitlines():
        call = _CALL.match(line)
        if call is None:
            continue
        name, file, length, at, _ = call.groups()
        if name == "pwrite64":
            waiting[Path(file)].append((int(at), int(length)))
        else:
            waiting.pop(Path(file), None)
    return waiting


def lose_power(log: Path, chance: random.Random) -> int:
    """Let some of what was not flushed be garbage; how many pieces that was."""
    lost = 0
    for path, pieces in unflushed(log).items():
        with path.open("r+b") as file:
            for at, length in pieces:
                if chance.random() < 0.5:
                    file.seek(at)
                    file.write(chance.randbytes(length))
                    lost += 1
    return lost


@pytest.fixture
def place(sqlite_url: str) -> tuple[str, ConversationId]:
    sql.initialise(sqlite_url)
    with sql.open_sync(sqlite_url) as dm:
        dm.operations("olga").set_mode("on")
        conversation = dm.mailbox("ann").start("bob", "hello").conversation
    return sqlite_url, conversation


def check(dm: DirectMessages, conversation: ConversationId, told: list[str]) -> list[str]:
    """All that was told is there and everything adds up; what is there besides."""
    stored = [text_of(it) for it in thread_of(dm.mailbox("bob"), conversation)]
    assert len(set(stored)) == len(stored)
    assert set(told) <= set(stored)
    assert dm.operations("olga").verify() == ()
    return [text for text in stored if text not in told]


@pytest.mark.promise("MSG-4", "MSG-3")
@pytest.mark.parametrize("cut", ["process", "power"])
def test_what_was_acknowledged_is_there_whichever_flush_is_the_last(
    cut: str,
    place: tuple[str, ConversationId],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """And of the message under way all or nothing, which asking again under its key completes."""
    url, conversation = place
    chance = random.Random(f"{seed()} {cut}")
    told, lost, files = ["hello"], 0, set()
    for flush in range(1, FLUSHES + 1):
        log = tmp_path / "calls"
        told += killed_at(flush, url, str(conversation), log)
        files |= {it.suffix for it in unflushed(log)}
        if cut == "power":
            lost += lose_power(log, chance)
        with closing(sqlite3.connect(tmp_path / "dm.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with sql.open_sync(url, policy=Policy(messages=None, starts=None)) as dm:
            assert len(check(dm, conversation, told)) <= 1
            next_one = str(max([1000 * flush - 1, *map(int, told[1:])]) + 1)
            dm.mailbox("ann").send(conversation, next_one, key=next_one)
            told.append(next_one)
            assert check(dm, conversation, told) == []
    # Both kinds of flush were met: of the log and of the database.
    assert files >= {".db-wal", ".db"}
    assert (lost > 0) is (cut == "power")
    record_property(f"messages acknowledged before a lost {cut}", len(told))
    record_property(f"pieces that a lost {cut} made garbage", lost)
