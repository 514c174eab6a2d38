"""init, mode, status and verify: what an operator does at the command line."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.conftest import Run, stored
from tests.support.damage import overwrite

from dmcore.adapters import sql
from dmcore.domain.events import Action

URL = "sqlite:///dmcore.db"


def tamper(statement: str) -> None:
    """A hand in the database."""
    with closing(sqlite3.connect("dmcore.db")) as connection:
        connection.execute(statement)
        connection.commit()


# init -------------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-1")
def test_a_store_is_set_up_with_messaging_off(run: Run) -> None:
    done = run("init")
    assert done.status == 0
    assert "Set up: dmcore.db. Messaging is off." in done.out
    assert "dmcore mode on" in done.out
    assert Path("dmcore.db").exists()
    assert run("mode", "--json").facts["mode"] == "off"


def test_setting_up_twice_changes_nothing_and_says_so(run: Run) -> None:
    run("init")
    run("mode", "on")
    before = stored(run)
    done = run("init")
    assert (done.status, done.out) == (0, "Already set up: dmcore.db. Messaging is on.\n")
    assert stored(run) == before


def test_init_tells_programs_whether_it_made_anything(run: Run) -> None:
    expected = {
        "created": True,
        "store": "sqlite",
        "location": "dmcore.db",
        "mode": "off",
        "schema_version": 9,
        "row_security": "off",
    }
    assert run("init", "--json").facts == expected
    assert run("init", "--json").facts == {**expected, "created": False}


def test_the_next_command_is_named_without_repeating_the_url(run: Run) -> None:
    assert "with the same --url turns it on" in run("init", "--url", "sqlite:///other.db").out


def test_the_store_can_be_named_in_the_environment(run: Run) -> None:
    run("init", DMCORE_URL="sqlite:///other.db")
    assert Path("other.db").exists()
    assert run("status", "--json", DMCORE_URL="sqlite:///other.db").status == 0
    assert run("status").code == "not_initialised"


def test_a_postgresql_store_is_set_up_and_named_without_user_and_password(
    run: Run, postgres_url: str
) -> None:
    facts = run("init", "--url", postgres_url, "--json").facts
    assert facts["store"] == "postgresql"
    assert "@" not in facts["location"]
    assert " on " in facts["location"]
    assert "postgresql, " in run("status", "--url", postgres_url).out


# upgrade ----------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-6")
def test_a_current_schema_has_nothing_to_do(run: Run, postgres_url: str) -> None:
    run("init")
    version = run("status", "--json").facts["schema_version"]
    assert run("upgrade").out == f"Nothing to do: dmcore.db has schema version {version}.\n"
    assert run("upgrade", "--json").facts == {
        "before": version,
        "after": version,
        "location": "dmcore.db",
    }
    checked = run("upgrade", "--check")
    assert (checked.status, checked.out) == (
        0,
        f"Schema version {version}, this dmcore needs {version}.\n",
    )
    assert run("upgrade", "--sql").code == "invalid_setting"
    run("init", "--url", postgres_url)
    assert (run("upgrade", "--sql", "--url", postgres_url).out) == ""
    assert run("upgrade", "--sql", "--json", "--url", postgres_url).facts == {"sql": ""}


@pytest.mark.promise("SCALE-2")
def test_the_sql_of_citus_is_shown_and_nothing_is_touched(run: Run) -> None:
    script = run("init", "--citus", "--sql").out
    assert script.startswith("CREATE TABLE dm_")
    assert "SELECT create_distributed_table('dm_message', 'conversation_id'" in script
    assert run("init", "--citus", "--sql", "--json").facts == {"sql": script}
    assert run("init", "--sql").code == "invalid_setting"
    assert run("init", "--citus").code == "invalid_setting"
    assert run("status").code == "not_initialised"


@pytest.mark.promise("OPS-6")
def test_another_schema_is_told_with_what_to_do(run: Run) -> None:
    run("init")
    tamper("DROP INDEX ix_dm_report_queue")
    checked = run("upgrade", "--check", "--json")
    assert (checked.status, checked.facts["is_current"]) == (1, False)
    assert checked.facts["differences"] == ["add_index ix_dm_report_queue"]
    assert "add_index ix_dm_report_queue" in run("upgrade", "--check").out
    tamper("UPDATE dm_installation SET schema_version = 1")
    refused = run("status")
    assert refused.code == "wrong_schema"
    assert "dmcore upgrade" in refused.err
    tamper("UPDATE dm_installation SET schema_version = 999")
    assert "install a newer dmcore" in run("status").err
    assert run("upgrade").code == "wrong_schema"


# mode -------------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-1")
def test_the_switch_is_turned_and_read(run: Run) -> None:
    run("init")
    assert run("mode").out == "off\n"
    assert run("mode", "read-only").out == "Messaging: off → read-only\n"
    assert run("mode").out == "read-only\n"
    assert run("mode", "replies_only").out == "Messaging: read-only → replies-only\n"
    assert run("mode", "on").out == "Messaging: replies-only → on\n"
    assert run("mode", "on").out == "Messaging was on already.\n"


def test_the_switch_for_programs(run: Run) -> None:
    run("init")
    assert run("mode", "--json").facts == {"mode": "off", "before": "off", "changed": False}
    assert run("mode", "replies-only", "--json").facts == {
        "mode": "replies_only",
        "before": "off",
        "changed": True,
    }


@pytest.mark.promise("OPS-1", "AUD-1")
def test_the_journal_has_who_turned_the_switch(run: Run) -> None:
    run("init")
    run("mode", "on", "--operator", "olga")
    run("mode", "off")
    with sql.open_sync(URL) as dm:
        operations = dm.operations("anyone")
        (turned_on,) = operations.audit("olga").items
        (turned_off,) = operations.audit("operator").items
    assert [turned_on.fact.action, turned_on.fact.mode] == [Action.MODE_CHANGED, "on"]
    assert [turned_off.fact.action, turned_off.fact.mode] == [Action.MODE_CHANGED, "off"]


@pytest.mark.promise("OPS-1")
def test_a_wrong_mode_changes_nothing(run: Run) -> None:
    run("init")
    run("mode", "on")
    assert run("mode", "sideways").code == "invalid_setting"
    assert run("mode").out == "on\n"


# status -----------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-3")
def test_status_shows_mode_versions_and_counts_and_no_names(run: Run) -> None:
    run("seed", "--users", "3", "--conversations", "2", "--messages", "1234", "--blocks", "1")
    facts = run("status", "--json").facts
    assert facts == {
        "store": "sqlite",
        "location": "dmcore.db",
        "schema_version": 9,
        "mode": "off",
        "conversations": 2,
        "messages": 1234,
        "users": 4,
        "blocks": 1,
        "journal_entries": facts["journal_entries"],
        "row_security": "off",
        "health": "sound",
        "size_bytes": facts["size_bytes"],
        "free_bytes": facts["free_bytes"],
        "consumers": [],
    }
    assert 100_000 < facts["size_bytes"] < 10_000_000
    assert facts["free_bytes"] > 0
    shown = run("status").out
    assert re.search(r"health +sound", shown)
    assert re.search(r"size +[\d.]+ [kM]B", shown)
    assert re.search(r"left on the disk +[\d.,]+ [kMGT]B", shown)
    assert "sqlite, dmcore.db" in shown
    assert "1,234" in shown
    assert "user-" not in shown
    assert "Messaging is off; `dmcore mode on` turns it on." in shown
    run("mode", "on")
    assert "Messaging is off" not in run("status").out


@pytest.mark.promise("OPS-3")
def test_a_damaged_store_is_in_the_exit_status(run: Run) -> None:
    run("init")
    overwrite("sqlite:///dmcore.db", "ix_dm_report_queue", b"\xff")
    done = run("status")
    assert done.status == 1
    assert "DAMAGED: save what is whole" in done.out
    data = run("status", "--json")
    assert (data.status, data.facts["health"]) == (1, "damaged")
    assert "the file is damaged" in run("verify").out


# verify -----------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-5")
def test_a_sound_store_is_called_sound(run: Run) -> None:
    run("seed")
    done = run("verify")
    assert done.status == 0
    assert "Sound" in done.out
    facts = run("verify", "--json").facts
    assert (facts["sound"], facts["findings"], facts["complete"]) == (True, [], True)
    assert (facts["conversations"], facts["messages"], facts["blocks"]) == (40, 400, 4)


@pytest.mark.promise("OPS-5")
def test_what_is_wrong_is_named_and_the_exit_status_tells(run: Run) -> None:
    run("seed", "--users", "2", "--conversations", "1", "--messages", "3", "--blocks", "0")
    tamper("UPDATE dm_mailbox SET unread = unread + 7 WHERE user_id LIKE 'user-%'")
    done = run("verify")
    assert (done.status, done.err) == (1, "")
    assert "NOT SOUND. Findings: 2" in done.out
    assert "user-001" in done.out
    data = run("verify", "--json")
    assert data.status == 1
    facts = data.facts
    assert (facts["sound"], facts["complete"]) == (False, True)
    assert facts["findings"] == [
        {
            "rule": "the unread total is not the sum over the inbox",
            "where": f"mailbox of tenant '', user '{user}'",
        }
        for user in ("user-001", "user-002")
    ]
    assert "There may be more" not in done.out
    assert run("verify", "--json", "--most", "1").facts["complete"] is False
    assert "There may be more" in run("verify", "--most", "1").out


@pytest.mark.promise("OPS-5", "AUD-1")
def test_what_can_be_derived_is_mended(run: Run) -> None:
    run("seed", "--users", "2", "--conversations", "1", "--messages", "3", "--blocks", "0")
    tamper("UPDATE dm_mailbox SET unread = unread + 7 WHERE user_id LIKE 'user-%'")
    done = run("verify", "--repair", "--operator", "rita")
    assert (done.status, done.err) == (0, "")
    assert "Mended: 2." in done.out
    assert "user-001" in done.out
    assert "Sound" in done.out
    assert run("verify", "--repair").out.startswith("Mended: 0.\nSound")
    with sql.open_sync(URL) as dm:
        noted = [it.fact for it in dm.operations("anyone").audit("rita").items]
    assert [it.action for it in noted] == [Action.STORE_MENDED] * 2
    assert {it.other for it in noted} == {"user-001", "user-002"}
    tamper("UPDATE dm_message SET reply_to = conversation_id")
    left = run("verify", "--repair", "--json")
    assert left.status == 1
    assert (left.facts["mended"], left.facts["sound"]) == ([], False)
    assert "mended" not in run("verify", "--json").facts


# the command itself -----------------------------------------------------------------------------


def test_without_a_command_the_help_is_shown(run: Run) -> None:
    shown = run()
    assert shown.status == 0
    assert all(name in shown.out for name in ("init", "mode", "status", "demo", "seed", "replay"))
    assert run("--help").out.split() == run("-h").out.split() == shown.out.split()


def test_it_tells_its_version(run: Run) -> None:
    assert run("--version").out.startswith("dmcore 0.")


@pytest.mark.parametrize(
    "command", ["init", "mode", "status", "demo", "seed", "import", "replay", "verify", "upgrade"]
)
def test_every_command_has_json_and_help(run: Run, command: str) -> None:
    shown = run(command, "--help")
    assert shown.status == 0
    assert "--json" in shown.out
    assert "--url" in shown.out
