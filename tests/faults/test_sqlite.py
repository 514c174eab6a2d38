"""What may go wrong with a file."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import Engine, event
from tests.faults.dying import holds_the_file
from tests.faults.moments import Moment, once_at
from tests.races.processes import PROCESSES
from tests.support.stores import engine_of

from dmcore import ConversationId, DirectMessages, Policy
from dmcore.adapters import sql
from dmcore.adapters.sql._engine import parse_url
from dmcore.errors import NotInitialised, StoreBusy, StoreUnavailable
from dmcore.testing.world import text_of

UNLIMITED = Policy(messages=None, starts=None)


@attrs.frozen
class Scene:
    """A conversation in a file."""

    dm: DirectMessages
    file: Path
    conversation: ConversationId

    def send(self, text: str) -> None:
        self.dm.mailbox("ann").send(self.conversation, text)

    @property
    def texts(self) -> list[str]:
        items = self.dm.mailbox("bob").thread(self.conversation).items
        return [text_of(message) for message in items]

    def own_connection(self, act: Callable[[Any], object]) -> None:
        """Do something to the one connection that dmcore has."""
        with engine_of(self.dm).connect() as connection:
            act(connection.connection.driver_connection)


@pytest.fixture
def scene(sqlite_url: str) -> Iterator[Scene]:
    sql.initialise(sqlite_url)
    with sql.open_sync(sqlite_url, policy=UNLIMITED, pool_size=1) as dm:
        dm.operations("olga").set_mode("on")
        conversation = dm.mailbox("ann").start("bob", "first").conversation
        yield Scene(dm, Path(sqlite_url.removeprefix("sqlite:///")), conversation)


def test_a_file_that_another_process_holds_is_busy_and_can_be_read(scene: Scene) -> None:
    here, there = PROCESSES.Pipe()
    holder = PROCESSES.Process(target=holds_the_file, args=(str(scene.file), there))
    holder.start()
    assert here.recv() == "held"
    scene.own_connection(lambda it: it.execute("PRAGMA busy_timeout = 5"))
    with pytest.raises(StoreBusy):
        scene.send("second")
    assert scene.texts == ["first"]
    assert scene.dm.operations("olga").verify() == ()
    here.send("let go")
    assert here.recv() == "free"
    scene.send("second")
    assert scene.texts == ["first", "second"]
    holder.join()
    here.close()
    there.close()


def test_a_writer_waits_for_another_one(scene: Scene) -> None:
    """By default for half a minute, so that nobody meets a busy store in ordinary life."""
    timeouts: list[int] = []
    scene.own_connection(
        lambda it: timeouts.append(it.execute("PRAGMA busy_timeout").fetchone()[0])
    )
    assert timeouts == [30_000]


def test_a_full_disk_stores_nothing_of_the_message_and_harms_nothing(scene: Scene) -> None:
    scene.own_connection(lambda it: it.execute("PRAGMA max_page_count = 1"))
    stored = ["first"]

    def fill() -> None:
        for number in range(1_000):
            scene.send(f"{number}" + "x" * 3_000)
            stored.append(f"{number}" + "x" * 3_000)

    with pytest.raises(StoreUnavailable, match="the disk is full"):
        fill()
    assert scene.texts == stored[-50:]
    assert scene.dm.operations("olga").verify() == ()
    scene.own_connection(lambda it: it.execute("PRAGMA max_page_count = 1000000"))
    scene.send("there is room again")
    assert scene.texts[-1] == "there is room again"


def test_a_file_that_may_not_be_written_can_be_read(scene: Scene) -> None:
    scene.own_connection(lambda it: it.execute("PRAGMA query_only = ON"))
    with pytest.raises(StoreUnavailable, match="it is read-only"):
        scene.send("second")
    assert scene.texts == ["first"]


@pytest.mark.promise("MSG-4")
def test_a_write_that_is_interrupted_halfway_leaves_nothing(scene: Scene) -> None:
    def interrupt(cursor: Any) -> None:
        steps = iter([0] * 40)
        cursor.connection.set_progress_handler(lambda: next(steps, 1), 1)

    happened = once_at(engine_of(scene.dm), "before_cursor_execute", "INTO dm_write", interrupt)
    with pytest.raises(StoreUnavailable):
        scene.send("second")
    assert len(happened) == 1
    scene.own_connection(lambda it: it.set_progress_handler(None, 0))
    assert scene.texts == ["first"]
    assert scene.dm.operations("olga").verify() == ()


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute"])
@pytest.mark.parametrize("words", ["BEGIN IMMEDIATE", "FROM dm_installation", "INTO dm_write"])
def test_who_is_interrupted_in_a_transaction_keeps_nobody_waiting(
    scene: Scene, sqlite_url: str, moment: Moment, words: str
) -> None:
    """Also while the interrupt is still under way, with all that the call had in its hands."""

    def interrupt(_cursor: object) -> None:
        raise KeyboardInterrupt

    def without_patience(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 1")

    happened = once_at(engine_of(scene.dm), moment, words, interrupt)
    event.listen(Engine, "connect", without_patience)
    try:
        scene.send("second")
    except KeyboardInterrupt:
        with sql.open_sync(sqlite_url) as other:
            other.mailbox("ann").send(scene.conversation, "of another process")
        scene.send("third")
    event.remove(Engine, "connect", without_patience)
    assert len(happened) == 1
    assert scene.texts == ["first", "of another process", "third"]
    assert scene.dm.operations("olga").verify() == ()


def test_a_connection_that_was_closed_is_replaced(scene: Scene) -> None:
    scene.own_connection(lambda it: it.close())
    scene.send("second")
    assert scene.texts == ["first", "second"]


def journal_mode_of(file: Path) -> str:
    connection = sqlite3.connect(file)
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    return str(mode)


@pytest.fixture
def reader(scene: Scene) -> Iterator[sqlite3.Connection]:
    """Somebody reads a file whose journal mode was changed back; SQLite itself has no patience."""

    def without_patience(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 1")

    scene.dm.close()
    other = sqlite3.connect(scene.file, isolation_level=None)
    assert other.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    other.execute("BEGIN")
    other.execute("SELECT * FROM dm_installation").fetchall()
    event.listen(Engine, "connect", without_patience)
    yield other
    event.remove(Engine, "connect", without_patience)
    other.close()


def test_a_journal_mode_that_somebody_keeps_from_changing_is_busy(
    scene: Scene, reader: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[parse_url.__module__]
    monkeypatch.setattr(module, "_BUSY_TIMEOUT_S", 0.02)
    monkeypatch.setattr(module, "_LOOK_AGAIN_S", 0.001)
    with pytest.raises(StoreBusy):
        sql.open_sync(f"sqlite:///{scene.file}")
    reader.execute("ROLLBACK")
    with sql.open_sync(f"sqlite:///{scene.file}") as dm:
        assert dm.mailbox("bob").unread() == 1
    assert journal_mode_of(scene.file) == "wal"


def test_a_journal_mode_is_changed_when_the_others_are_done(
    scene: Scene, reader: sqlite3.Connection
) -> None:
    def be_done(_context: object) -> None:
        if reader.in_transaction:
            reader.execute("ROLLBACK")

    event.listen(Engine, "handle_error", be_done)
    with sql.open_sync(f"sqlite:///{scene.file}") as dm:
        assert dm.mailbox("bob").unread() == 1
    event.remove(Engine, "handle_error", be_done)
    assert not reader.in_transaction
    assert journal_mode_of(scene.file) == "wal"


def test_a_file_that_vanished_is_not_made_anew(scene: Scene) -> None:
    """An empty file in its place would look like a fresh start."""
    scene.dm.close()
    scene.file.unlink()
    with pytest.raises(NotInitialised):
        sql.open_sync(f"sqlite:///{scene.file}")
    assert not scene.file.exists()


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("synchronous", ["FULL", "NORMAL"])
def test_an_operator_chooses_what_a_power_cut_may_take(
    sqlite_url: str, synchronous: sql.Synchronous
) -> None:
    sql.initialise(sqlite_url)
    with sql.open_sync(sqlite_url, synchronous=synchronous) as dm, engine_of(dm).connect() as own:
        found = {
            name: own.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("synchronous", "journal_mode", "foreign_keys")
        }
    assert found == {
        "synchronous": {"FULL": 2, "NORMAL": 1}[synchronous],
        "journal_mode": "wal",
        "foreign_keys": 1,
    }
