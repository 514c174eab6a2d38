"""backup and restore at the command line."""

import json
import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.cli.test_operate import tamper

pytestmark = pytest.mark.promise("OPS-4")

NEW = "sqlite:///new.db"


@pytest.fixture
def seeded(run: Run) -> Run:
    run("seed", "--users", "3", "--conversations", "2", "--messages", "9", "--blocks", "0")
    run("mode", "on")
    return run


def test_a_store_is_backed_up_and_comes_back_switched_off(seeded: Run) -> None:
    done = seeded("backup", "kept")
    assert (done.status, done.err) == (0, "")
    assert "Backed up: dmcore.db into kept." in done.out
    assert {it.name for it in Path("kept").iterdir()} == {"messages.db", "manifest.json"}
    back = seeded("restore", "kept", "--url", NEW)
    assert (back.status, back.err) == (0, "")
    assert "Restored: new.db, as of 20" in back.out
    assert "Sound" in back.out
    assert "Messaging is off" in back.out
    assert "dmcore erasures reapply" in back.out
    assert seeded("mode", "--url", NEW).out == "off\n"
    assert seeded("mode").out == "on\n"
    assert seeded("status", "--json", "--url", NEW).facts["messages"] == 9


def test_for_programs(seeded: Run) -> None:
    made = seeded("backup", "kept", "--json").facts
    assert (made["store"], made["rows"]["dm_message"], made["target"]) == ("sqlite", 9, "kept")
    assert made["sha256"] == json.loads(Path("kept/manifest.json").read_text())["sha256"]
    back = seeded("restore", "kept", "--url", NEW, "--json").facts
    assert (back["sound"], back["erased_again"], back["location"]) == (True, [], "new.db")
    assert back["sha256"] == made["sha256"]


@pytest.mark.promise("GDPR-1")
def test_the_ledger_is_applied(seeded: Run) -> None:
    seeded("backup", "kept")
    gone = json.loads(seeded("erase", "user-001", "--yes", "--json").out)["pseudonym"]
    seeded("erasures", "export", "ledger.jsonl")
    back = seeded("restore", "kept", "--url", NEW, "--ledger", "ledger.jsonl")
    assert back.status == 0
    assert "erased again" in back.out
    assert "is back" not in back.out
    assert seeded("verify", "--url", NEW).status == 0
    lines = json.loads(seeded("erasures", "--json", "--url", NEW).out)["erasures"]
    assert [line["pseudonym"] for line in lines] == [gone]


def test_what_goes_wrong_is_told_in_one_line(seeded: Run) -> None:
    assert seeded("backup", "kept", "--url", "memory:").code == "invalid_setting"
    assert seeded("backup", "kept", "--url", "sqlite:///none.db").code == "not_initialised"
    seeded("backup", "kept")
    assert seeded("backup", "kept").code == "system"
    assert seeded("restore", "kept").code == "system"
    assert seeded("restore", "nowhere", "--url", NEW).code == "system"
    shutil.copytree("kept", "damaged")
    Path("damaged/messages.db").write_bytes(b"")
    assert seeded("restore", "damaged", "--url", NEW).code == "invalid_backup"
    assert not Path("new.db").exists()


@pytest.mark.promise("OPS-5")
def test_what_is_wrong_in_what_came_back_is_named(seeded: Run) -> None:
    tamper("UPDATE dm_mailbox SET unread = unread + 7 WHERE user_id = 'user-001'")
    seeded("backup", "kept")
    back = seeded("restore", "kept", "--url", NEW)
    assert (back.status, back.err) == (1, "")
    assert "NOT SOUND. Findings: 1" in back.out
    assert Path("new.db").exists()


def test_a_sealed_store_comes_back_with_its_keys(run: Run) -> None:
    keys = {"DMCORE_KEYRING": "sqlite:///keys.db", "DMCORE_KEY_FILE": "dmcore.key"}
    run("init")
    run("keys", "init", **keys)
    assert run("backup", "kept").status == 0
    assert run("restore", "kept", "--url", NEW).code == "encryption_required"
    assert run("restore", "kept", "--url", NEW, **keys).status == 0
    assert run("keys", "status", "--json", "--url", NEW, **keys).facts["encrypted"] is True
