"""No command shows a message: not on the screen, not in an error, not in a log record."""

import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from dmcore.adapters import sql

BODY = "The kingfisher nests below the old weir"
KEY = "otter-key-17"
WORDS = ("kingfisher", "below the old weir", "otter")

COMMANDS = [
    ["init"],
    ["mode"],
    ["mode", "read-only"],
    ["mode", "on"],
    ["status"],
    ["verify"],
    ["reports", "list"],
    ["seed"],
    ["demo", "--script"],
    ["replay", "trace.txt"],
    ["replay", "trace.txt", "--append"],
    ["replay", "letter.txt", "--append"],
    ["import", "old.jsonl"],
    ["import", "letter.txt"],
    ["import", "letter.txt", "--rejected", "aside.txt"],
]


@pytest.fixture
def store(run: Run, request: pytest.FixtureRequest) -> str:
    """A store with a message in it, in which messaging is on."""
    url = "sqlite:///dmcore.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    run("init", "--url", url)
    run("mode", "on", "--url", url)
    with sql.open_sync(url) as dm:
        first = dm.mailbox("ann").start("bob", BODY, key=KEY)
        dm.mailbox("bob").send(first.conversation, f"{BODY}!", key=KEY)
    Path("trace.txt").write_text("ann bob 1\nbob ann 2\n")
    old = {"id": 1, "sender": "ann", "recipient": "bob", "text": BODY, "sent_at": 1}
    Path("old.jsonl").write_text(json.dumps(old))
    # Somebody hands in a letter instead of a record.
    Path("letter.txt").write_text(f"ann bob 1\n{BODY}\n")
    return url


@pytest.mark.promise("LEAK-1", "MOD-2")
@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["table", "json"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_shows_a_message(
    run: Run,
    store: str,
    command: list[str],
    as_json: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "sqlalchemy")
    done = run(*command, "--url", store, *as_json)
    assert done.status in (0, 2)
    # It ran, and the log was listening.
    assert done.out + done.err
    assert caplog.text or command[0] in ("demo", "import", "replay")
    for word in WORDS:
        assert word not in done.out + done.err
        assert word not in caplog.text


@pytest.mark.promise("LEAK-1", "OPS-5")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["table", "json"])
def test_a_finding_names_rows_and_not_what_they_hold(
    run: Run, store: str, as_json: list[str]
) -> None:
    with closing(sqlite3.connect("dmcore.db")) as connection:
        connection.execute("UPDATE dm_message SET sender = 'somebody' WHERE sender = 'ann'")
        connection.commit()
    done = run("verify", "--url", store, *as_json)
    assert done.status == 1
    assert not any(word in done.out + done.err for word in WORDS)


def test_the_replay_does_not_show_the_texts_that_it_invents(run: Run) -> None:
    Path("trace.txt").write_text("ann bob 1\n")
    for as_json in ([], ["--json"]):
        assert "message 1" not in run("replay", "trace.txt", "--url", "memory:", *as_json).out


def test_seeding_does_not_show_the_texts_that_it_invents(run: Run) -> None:
    run("seed", "--users", "2", "--conversations", "1", "--messages", "1", "--blocks", "0")
    with closing(sqlite3.connect("dmcore.db")) as connection:
        (body,) = connection.execute("SELECT body FROM dm_message").fetchone()
    out = run("seed", "--users", "2", "--conversations", "1", "--messages", "1", "--blocks", "0",
              "--url", "memory:").out  # fmt: skip
    assert str(body) not in out
    assert "user-" not in out
