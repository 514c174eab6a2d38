"""keys: encryption turned on, its keys changed, texts sealed, from the command line (CRYPT-1)."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.conftest import Ran, Run

from dmcore.adapters import crypto, sql
from dmcore.testing.world import texts

pytestmark = pytest.mark.promise("CRYPT-1")

URL = "sqlite:///dmcore.db"
KEYS = {"DMCORE_KEYRING": "sqlite:///keys.db", "DMCORE_KEY_FILE": "dmcore.key"}


@pytest.fixture
def store(run: Run) -> Run:
    """A database with two plain messages, in which messaging is on."""
    run("init")
    run("mode", "on")
    with sql.open_sync(URL) as dm:
        here = dm.mailbox("ann").start("bob", "one").conversation
        dm.mailbox("bob").send(here, "two")
    return run


def keyed(run: Run, *arguments: str) -> Ran:
    return run(*arguments, **KEYS)


def bodies() -> list[str]:
    with closing(sqlite3.connect("dmcore.db")) as connection:
        return [body for (body,) in connection.execute("SELECT body FROM dm_message ORDER BY id")]


def noted(operator: str = "operator") -> list[tuple[str, str | None]]:
    """What is in an operator's journal of keys, and whose."""
    names = ("encryption_turned_on", "texts_sealed", "master_key_rotated", "user_keys_%")
    is_of_keys = " OR ".join(f"action LIKE '{name}'" for name in names)
    with closing(sqlite3.connect("dmcore.db")) as connection:
        return connection.execute(
            "SELECT action, other FROM dm_journal WHERE user_id = actor AND actor = ?"
            f" AND ({is_of_keys}) ORDER BY position",
            (operator,),
        ).fetchall()


def test_encryption_is_turned_on_once(store: Run) -> None:
    done = keyed(store, "keys", "init")
    assert done.status == 0
    assert "Made: key file and keyring." in done.out
    assert "Encryption is on: dmcore.db." in done.out
    assert "dmcore keys seal" in done.out
    before = Path("dmcore.key").read_bytes(), Path("keys.db").read_bytes()
    again = keyed(store, "keys", "init")
    assert again.out.startswith("Encryption was on already: dmcore.db.\n")
    assert (Path("dmcore.key").read_bytes(), Path("keys.db").read_bytes()) == before
    assert keyed(store, "keys", "init", "--json").facts == {
        "made_key_file": False,
        "made_keyring": False,
        "turned_on": False,
        "location": "dmcore.db",
    }


def test_one_keyring_can_serve_another_database(store: Run) -> None:
    keyed(store, "keys", "init")
    store("init", "--url", "sqlite:///other.db")
    facts = keyed(store, "keys", "init", "--url", "sqlite:///other.db", "--json").facts
    assert (facts["made_key_file"], facts["turned_on"]) == (False, True)


def test_a_lost_key_file_is_not_replaced_by_another(store: Run) -> None:
    """A new one would open nothing, and hide that the right one is missing."""
    keyed(store, "keys", "init")
    Path("dmcore.key").rename("elsewhere.key")
    assert keyed(store, "keys", "init").code == "invalid_setting"
    assert not Path("dmcore.key").exists()
    Path("elsewhere.key").rename("dmcore.key")
    assert keyed(store, "status").status == 0


def test_no_command_opens_it_without_the_keys(store: Run) -> None:
    keyed(store, "keys", "init")
    for command in (["status"], ["verify"], ["mode"], ["mode", "off"]):
        assert store(*command).code == "encryption_required"
        assert keyed(store, *command).status in (0, 1)
    assert store("--key-file", "dmcore.key", "status").code == "invalid_setting"
    assert store("--keyring", "sqlite:///keys.db", "status").code == "invalid_setting"
    options = ("--keyring", "sqlite:///keys.db", "--key-file", "dmcore.key")
    assert store(*options, "verify").status == 0


def test_keys_of_another_database_are_refused(store: Run) -> None:
    keyed(store, "keys", "init")
    crypto.KeyFile.make("other.key")
    other = {"DMCORE_KEYRING": "sqlite:///other-keys.db", "DMCORE_KEY_FILE": "other.key"}
    crypto.initialise("sqlite:///other-keys.db", master=crypto.KeyFile("other.key"))
    assert store("status", **other).code == "wrong_keyring"
    assert store("status", **{**KEYS, "DMCORE_KEY_FILE": "other.key"}).code == "wrong_keyring"
    missing = {**KEYS, "DMCORE_KEYRING": "sqlite:///none.db"}
    assert store("status", **missing).code == "keyring_unavailable"
    Path("dmcore.key").chmod(0o640)
    assert keyed(store, "status").code == "invalid_setting"


def test_a_database_that_is_not_encrypted_says_so(store: Run) -> None:
    assert store("keys", "status", "--json").facts == {"location": "dmcore.db", "encrypted": False}
    assert "no" in store("keys", "status").out
    keyed(store, "keys", "init")
    store("init", "--url", "sqlite:///other.db")
    assert keyed(store, "status", "--url", "sqlite:///other.db").code == "not_encrypted"
    assert keyed(store, "keys", "seal", "--url", "sqlite:///other.db").code == "not_encrypted"


def test_keys_have_to_be_named(store: Run) -> None:
    for command in (["init"], ["rotate"], ["rewrap"], ["seal"], ["destroy", "ann", "--yes"]):
        assert store("keys", *command).code == "invalid_setting"
    assert bodies() == ["one", "two"]
    assert noted() == []


def test_what_was_plain_is_sealed(store: Run) -> None:
    keyed(store, "keys", "init")
    assert bodies() == ["one", "two"]
    assert keyed(store, "keys", "seal").out == "Messages looked at: 2. Sealed: 2.\n"
    assert all(body.startswith("\x01") for body in bodies())
    facts = keyed(store, "keys", "seal", "--json").facts
    assert facts == {"seen": 2, "sealed": 0, "unreadable": 0, "is_complete": True}
    master = crypto.KeyFile("dmcore.key")
    with sql.open_sync(URL, encryption=crypto.encryption("sqlite:///keys.db", master=master)) as dm:
        (line,) = dm.mailbox("ann").inbox().items
        assert texts(dm.mailbox("ann").thread(line.conversation)) == ["one", "two"]


def test_a_plain_text_in_a_sealed_database_is_told(store: Run) -> None:
    """It is shown as its sender's, so nobody who reads can tell that somebody else put it there."""

    def plain() -> object:
        facts = keyed(store, "keys", "status", "--json").facts
        return facts["plain"]

    keyed(store, "keys", "init")
    assert plain() == 2
    keyed(store, "keys", "seal")
    assert plain() == 0
    for forged in ("forged", "\x01\x01forged"):
        with closing(sqlite3.connect("dmcore.db")) as connection:
            connection.execute("UPDATE dm_message SET body = ? WHERE sender = 'ann'", (forged,))
            connection.commit()
        assert plain() == 1
    assert "plain" in keyed(store, "keys", "status").out


def test_sealing_stops_where_it_is_told_to(store: Run) -> None:
    keyed(store, "keys", "init")
    assert "There are more: run it again." in keyed(store, "keys", "seal", "--most", "1").out


def test_texts_that_nobody_can_open_are_counted(store: Run) -> None:
    keyed(store, "keys", "init")
    keyed(store, "keys", "seal")
    with closing(sqlite3.connect("keys.db")) as connection:
        connection.execute("DELETE FROM dmk_user_key WHERE user_id = 'ann'")
        connection.commit()
    assert "Nobody can open any more: 1." in keyed(store, "keys", "seal").out


def test_a_master_key_is_changed_step_by_step(store: Run) -> None:
    keyed(store, "keys", "init")
    keyed(store, "keys", "seal")
    done = keyed(store, "keys", "rotate")
    assert done.out == (
        "New master key; keys of users to rewrap: 2.\nNext: `dmcore keys rewrap`.\n"
    )
    assert len(Path("dmcore.key").read_text().splitlines()) == 2
    assert keyed(store, "keys", "rewrap", "--most", "1").out == "Rewrapped: 1. Left: 1.\n"
    assert keyed(store, "keys", "rewrap", "--json").facts == {"rewrapped": 1, "left": 0}
    # The old one can go.
    Path("dmcore.key").write_text(Path("dmcore.key").read_text().splitlines()[1] + "\n")
    assert keyed(store, "keys", "status", "--json").facts == {
        "location": "dmcore.db",
        "encrypted": True,
        "plain": 0,
        "round": 1,
        "users": 2,
        "user_keys": 2,
        "roots": 1,
        "newest_root": 2,
        "to_rewrap": 0,
    }


def test_many_keys_are_rewrapped_in_steps(store: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    keyed(store, "keys", "init")
    keyed(store, "keys", "seal")
    keyed(store, "keys", "rotate")
    rewrap = crypto.SqlKeyring.rewrap
    monkeypatch.setattr(crypto.SqlKeyring, "rewrap", lambda self: rewrap(self, most=1))
    assert keyed(store, "keys", "rewrap").out == "Rewrapped: 2. Left: 0.\n"


def test_every_user_gets_a_new_key(store: Run) -> None:
    keyed(store, "keys", "init")
    keyed(store, "keys", "seal")
    before = bodies()
    assert "dmcore keys seal" in keyed(store, "keys", "rotate", "--users").out
    assert keyed(store, "keys", "rotate", "--users", "--json").facts["round"] == 3
    assert keyed(store, "keys", "seal", "--json").facts["sealed"] == 2
    assert not set(before) & set(bodies())
    shown = keyed(store, "keys", "status").out
    assert "yes" in shown
    assert "ann" not in shown


@pytest.mark.promise("AUD-1")
def test_each_act_on_keys_is_one_fact_of_who_did_it(store: Run) -> None:
    """What is only looked at is none, nor is what was done already and so is not done again."""
    for command in (
        ["init"],
        ["init"],
        ["status"],
        ["seal"],
        ["rotate"],
        ["rewrap"],
        ["rotate", "--users"],
        ["seal", "--most", "1"],
        ["destroy", "ann"],
        ["destroy", "ann", "--yes"],
    ):
        operator = [] if command == ["status"] else ["--operator", "olga"]
        assert keyed(store, "keys", *command, *operator).status == 0
    assert noted("olga") == [
        ("encryption_turned_on", None),
        ("texts_sealed", None),
        ("master_key_rotated", None),
        ("user_keys_rewrapped", None),
        ("user_keys_rotated", None),
        ("texts_sealed", None),
        ("user_keys_destroyed", "ann"),
    ]
    assert noted() == []


@pytest.mark.promise("AUD-1")
@pytest.mark.parametrize(
    "command",
    [["rotate"], ["rotate", "--users"], ["rewrap"], ["destroy", "ann", "--yes"], ["seal"]],
    ids=" ".join,
)
def test_what_cannot_be_written_down_is_not_done(store: Run, command: list[str]) -> None:
    """Nor is it on a keyring whose database was not named, where nobody would look for it."""
    keyed(store, "keys", "init")
    keyed(store, "keys", "seal")
    keyed(store, "keys", "rotate")
    store("init", "--url", "sqlite:///other.db")
    before = Path("dmcore.key").read_bytes(), Path("keys.db").read_bytes(), bodies()
    elsewhere = ["--url", "sqlite:///other.db"]
    assert keyed(store, "keys", *command, *elsewhere).code == "not_encrypted"
    erased = keyed(store, "erase", "gone", "--yes")
    assert erased.status == 0
    assert keyed(store, "keys", *command, "--operator", "gone").code == "account_erased"
    assert (Path("dmcore.key").read_bytes(), Path("keys.db").read_bytes(), bodies()) == before
    assert noted("gone") == []


def test_keys_are_destroyed_when_one_says_so_twice(store: Run) -> None:
    keyed(store, "keys", "init")
    keyed(store, "keys", "seal")
    asked = keyed(store, "keys", "destroy", "ann")
    assert "Nothing was destroyed" in asked.out
    assert keyed(store, "keys", "destroy", "ann", "--json").facts == {
        "destroyed": False,
        "location": "dmcore.db",
    }
    assert keyed(store, "keys", "status", "--json").facts["users"] == 2
    done = keyed(store, "keys", "destroy", "ann", "--yes")
    assert "Destroyed." in done.out
    assert keyed(store, "keys", "destroy", "ann", "--yes", "--json").facts["destroyed"]
    assert keyed(store, "keys", "status", "--json").facts["users"] == 1
    assert "Nobody can open any more: 1." in keyed(store, "keys", "seal").out


def test_keys_of_a_user_of_another_tenant_stay(store: Run) -> None:
    keyed(store, "keys", "init")
    keyed(store, "keys", "seal")
    assert keyed(store, "keys", "destroy", "ann", "--tenant", "north", "--yes").status == 0
    assert keyed(store, "keys", "status", "--json").facts["users"] == 2


@pytest.mark.parametrize("command", [("keys", "init"), ("keys", "status"), ("mode",), ("status",)])
def test_a_missing_extra_is_named(
    command: tuple[str, ...], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init")
    for name in [name for name in sys.modules if name.startswith("dmcore.adapters.crypto")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    ran = keyed(run, *command)
    assert ran.code == "missing_extra"
    assert "dmcore[crypto]" in ran.err


def test_importing_without_the_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("dmcore.adapters.crypto")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(ImportError, match=r"dmcore\[crypto\]"):
        __import__("dmcore.adapters.crypto")
