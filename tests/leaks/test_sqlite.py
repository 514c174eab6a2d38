"""Whatever SQLite complains about, its complaint stays inside."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.leaks.canary import ANN, BOB, BODY, KEY, OTHER_BODY, UNLIMITED, Ear
from tests.support.stores import engine_of

from dmcore import ConversationId, DirectMessages, Mailbox, errors
from dmcore.adapters import sql
from dmcore.adapters.sql import metadata

pytestmark = pytest.mark.promise("LEAK-1")


@attrs.frozen
class Scene:
    """A conversation in a file, and ways to spoil the file."""

    dm: DirectMessages
    file: Path
    conversation: ConversationId

    @property
    def ann(self) -> Mailbox:
        return self.dm.mailbox(ANN)

    def write(self) -> object:
        """A message with everything in it."""
        return self.ann.send(self.conversation, BODY, key=KEY)

    def read(self) -> object:
        return self.ann.thread(self.conversation)

    def execute(self, *statements: str) -> None:
        """Change the file behind the back of dmcore."""
        connection = sqlite3.connect(self.file, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    def own_connection(self, act: Callable[[Any], object]) -> None:
        """Do something to the one connection that dmcore has."""
        with engine_of(self.dm).connect() as connection:
            act(connection.connection.driver_connection)


@pytest.fixture
def scene(tmp_path: Path, ear: Ear) -> Iterator[Scene]:
    file = tmp_path / "dm.db"
    url = f"sqlite:///{file}"
    sql.initialise(url)
    with sql.open_sync(url, policy=UNLIMITED, pool_size=1) as dm:
        ear.listen_to(dm)
        dm.operations("olga").set_mode("on")
        first = dm.mailbox(ANN).start(BOB, OTHER_BODY, key=f"{KEY}-first")
        yield Scene(dm, file, first.conversation)


def remake_messages(rule: str) -> tuple[str, ...]:
    """The table of messages again, with another shape or a rule of its own."""
    columns = ", ".join(metadata.tables["dm_message"].columns.keys())
    return (
        "PRAGMA foreign_keys = OFF",
        "PRAGMA legacy_alter_table = ON",
        "ALTER TABLE dm_message RENAME TO old_message",
        "DROP INDEX uq_dm_message_key",
        f"CREATE TABLE dm_message ({columns}, {rule})",
        f"INSERT INTO dm_message SELECT {columns} FROM old_message",
    )


def test_a_check_that_refuses_the_text(scene: Scene, ear: Ear) -> None:
    scene.execute(*remake_messages(f"CHECK (body <> '{BODY}')"))
    error = ear.refusal(scene.write)
    assert isinstance(error, errors.StoreRefused)
    assert error.details == {"rule": "check"}


def test_a_unique_text(scene: Scene, ear: Ear) -> None:
    scene.execute("CREATE UNIQUE INDEX only_once ON dm_message (body)")
    error = ear.refusal(lambda: scene.ann.send(scene.conversation, OTHER_BODY, key=KEY))
    assert error.details == {"rule": "unique"}


def test_a_trigger_that_says_the_text_aloud(scene: Scene, ear: Ear) -> None:
    scene.execute(
        "CREATE TRIGGER loud BEFORE INSERT ON dm_message "
        f"BEGIN SELECT RAISE(ABORT, '{BODY} {KEY}'); END"
    )
    assert ear.refusal(scene.write).details == {"rule": "trigger"}


def test_a_trigger_that_says_a_changed_text_aloud(scene: Scene, ear: Ear) -> None:
    sent = scene.ann.send(scene.conversation, OTHER_BODY, key=KEY)
    scene.execute(
        "CREATE TRIGGER loud BEFORE UPDATE ON dm_message "
        f"BEGIN SELECT RAISE(ABORT, '{BODY} {OTHER_BODY} {KEY}'); END"
    )
    acts: tuple[Callable[[], object], ...] = (
        lambda: scene.ann.edit(scene.conversation, sent.id, BODY),
        lambda: scene.ann.delete(scene.conversation, sent.id),
        lambda: scene.ann.hide(scene.conversation, sent.id),
    )
    for act in acts:
        assert ear.refusal(act).details == {"rule": "trigger"}


def test_a_check_that_refuses_a_changed_text(scene: Scene, ear: Ear) -> None:
    sent = scene.ann.send(scene.conversation, OTHER_BODY, key=KEY)
    scene.execute(*remake_messages(f"CHECK (body <> '{BODY}')"))
    error = ear.refusal(lambda: scene.ann.edit(scene.conversation, sent.id, BODY))
    assert isinstance(error, errors.StoreRefused)
    assert error.details == {"rule": "check"}


def test_a_missing_table(scene: Scene, ear: Ear) -> None:
    scene.execute("PRAGMA foreign_keys = OFF", "DROP TABLE dm_message")
    assert isinstance(ear.refusal(scene.write), errors.NotInitialised)
    assert isinstance(ear.refusal(scene.read), errors.NotInitialised)


def test_a_missing_column(scene: Scene, ear: Ear) -> None:
    scene.execute(
        "PRAGMA foreign_keys = OFF",
        "DROP TABLE dm_message",
        "CREATE TABLE dm_message (conversation_id, id, sender, key)",
    )
    assert isinstance(ear.refusal(scene.write), errors.StoreUnavailable)
    assert isinstance(ear.refusal(scene.read), errors.StoreUnavailable)


def test_a_text_that_is_not_utf_8(scene: Scene, ear: Ear) -> None:
    """The driver's own words quote the text that it cannot read."""
    broken = (b"\xff" + BODY.encode()).hex()
    scene.execute(f"UPDATE dm_message SET body = CAST(x'{broken}' AS TEXT)")
    error = ear.refusal(scene.read)
    assert isinstance(error, errors.StoreUnavailable)
    assert isinstance(ear.refusal(scene.ann.inbox), errors.StoreUnavailable)


def test_a_text_that_is_too_big_for_the_driver(scene: Scene, ear: Ear) -> None:
    scene.own_connection(lambda it: it.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 30))
    assert isinstance(ear.refusal(scene.write), errors.StoreUnavailable)


def test_a_full_disk(scene: Scene, ear: Ear) -> None:
    scene.own_connection(lambda it: it.execute("PRAGMA max_page_count = 1"))

    def fill() -> None:
        for number in range(1_000):
            scene.ann.send(scene.conversation, BODY * 100, key=f"{KEY}-{number}")

    error = ear.refusal(fill)
    assert error.details == {"reason": "the disk is full"}


def test_a_file_that_may_only_be_read(scene: Scene, ear: Ear) -> None:
    scene.own_connection(lambda it: it.execute("PRAGMA query_only = ON"))
    assert ear.refusal(scene.write).details == {"reason": "it is read-only"}
    scene.read()


def test_a_file_that_somebody_else_holds(scene: Scene, ear: Ear) -> None:
    scene.own_connection(lambda it: it.execute("PRAGMA busy_timeout = 1"))
    other = sqlite3.connect(scene.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert isinstance(ear.refusal(scene.write), errors.StoreBusy)
    other.close()


def test_a_statement_that_is_interrupted(scene: Scene, ear: Ear) -> None:
    scene.own_connection(lambda it: it.set_progress_handler(lambda: 1, 1))
    assert isinstance(ear.refusal(scene.write), errors.StoreUnavailable)
    assert isinstance(ear.refusal(scene.read), errors.StoreUnavailable)


def test_a_file_that_is_damaged(scene: Scene, ear: Ear) -> None:
    for number in range(50):
        scene.ann.send(scene.conversation, BODY * 50, key=f"{KEY}-{number}")
    engine_of(scene.dm).dispose()
    scene.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = scene.file.read_bytes()
    scene.file.write_bytes(content[:4096] + BODY.encode() * (len(content) // len(BODY.encode())))
    for act in (scene.write, scene.read):
        error = ear.refusal(act)
        assert error.details == {"reason": "the file is not a sound database"}


@pytest.mark.parametrize("content", [BODY.encode() * 400, b"\0" * 5_000])
def test_a_file_that_is_no_database(ear: Ear, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "dm.db"
    file.write_bytes(content)
    url = f"sqlite:///{file}"
    assert isinstance(ear.refusal(lambda: sql.open_sync(url)), errors.StoreUnavailable)
    assert isinstance(ear.refusal(lambda: sql.initialise(url)), errors.StoreUnavailable)
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE dm_mailbox SET sends = x'00'",
        "UPDATE dm_mailbox SET position = 'many'",
        "UPDATE dm_side SET newest = x'00'",
        f"UPDATE dm_message SET body = CAST('{BODY}' AS BLOB)",
    ],
)
def test_rows_that_nobody_could_have_written(scene: Scene, ear: Ear, damage: str) -> None:
    """Whatever comes of them, it is not a text."""
    scene.execute("PRAGMA ignore_check_constraints = ON", damage)
    for act in (scene.write, scene.read, scene.ann.inbox, scene.dm.operations("olga").verify):
        try:
            act()
        except Exception as error:  # noqa: BLE001 - any error at all
            sounds = "".join(str(it) for it in (error, error.__context__, error.__cause__))
            assert BODY not in sounds
            assert KEY not in sounds
    ear.heard_nothing()


def test_no_row_in_the_log_tells_who_writes_to_whom(scene: Scene, ear: Ear) -> None:
    """Blocks and partners are other people's secrets: an echo of rows would tell them."""
    scene.dm.mailbox(BOB).block(ANN)
    assert ear.refusal(scene.write).code == "recipient_unavailable"
    # What is asked most is not logged by SQLAlchemy at all; this is.
    scene.dm.operations("olga").preview_erasure(BOB)
    messages = [record.getMessage() for record in ear.records]
    assert any("SELECT" in message for message in messages), "the engine was not listened to"
    assert [it for it in messages if ANN in it or BOB in it] == []
