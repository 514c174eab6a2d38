"""At the command line: the site's own database is refused, and looked through."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url
from tests.cli.conftest import Run
from tests.faults.wire import Wire
from tests.support.sealed import Keys, set_up

from dmcore.adapters import sql

pytestmark = pytest.mark.promise("OPS-2")

TEXT = "Is the blue bicycle in the yard still for sale?"
HOST = "sqlite:///site.db"


def plant(statement: str, *values: object) -> None:
    with closing(sqlite3.connect("site.db")) as connection:
        connection.execute(statement, values)
        connection.commit()


@pytest.mark.parametrize("command", [["init"], ["mode"], ["mode", "on"], ["status"], ["verify"]])
def test_no_command_begins_on_the_sites_own_database(run: Run, command: list[str]) -> None:
    run("init")
    Path("link.db").symlink_to("dmcore.db")
    assert run(*command, "--host-url", "sqlite:///link.db").code == "shared_database"
    in_full = f"sqlite:///{Path('dmcore.db').resolve()}"
    assert run(*command, DMCORE_HOST_URL=in_full).code == "shared_database"
    assert run("mode").out.strip() == "off"
    plant("CREATE TABLE auth_user (name text)")
    assert run(*command, "--host-url", HOST).status == 0


@pytest.mark.promise("OPS-2")
@pytest.mark.parametrize("command", ["seed", "import", "replay"])
def test_what_sets_a_store_up_by_itself_does_not_do_it_there_either(run: Run, command: str) -> None:
    file = Path("old")
    message = '{"id": 1, "sender": "ann", "recipient": "bob", "text": "x", "sent_at": 1}'
    file.write_text("ann bob 1" if command == "replay" else message)
    given = [] if command == "seed" else [str(file)]
    done = run(command, *given, "--url", HOST, DMCORE_HOST_URL=HOST)
    assert done.code == "shared_database"
    assert not Path("site.db").exists()


def test_a_backup_is_not_brought_into_the_sites_own_database(run: Run) -> None:
    run("init")
    run("backup", "copy")
    done = run("restore", "copy", "--url", HOST, "--host-url", HOST)
    assert done.code == "shared_database"
    assert not Path("site.db").exists()
    assert run("restore", "copy", "--url", "sqlite:///new.db", "--host-url", HOST).status == 0


def test_a_database_of_others_is_set_up_on_purpose_only(run: Run) -> None:
    plant("CREATE TABLE auth_user (name text)")
    done = run("init", "--url", HOST)
    assert done.code == "shared_database"
    assert "--shared" in done.err
    assert run("init", "--url", HOST, "--shared", "--json").facts["created"] is True


def test_a_password_is_not_repeated(run: Run, postgres_url: str) -> None:
    run("init", "--url", postgres_url)
    ours = make_url(postgres_url).set(password="canary-password")
    with Wire(ours.render_as_string(hide_password=False)) as wire:
        for host in (wire.url, "postgresql://ann:canary-password@127.0.0.1:1/site"):
            done = run("status", "--url", postgres_url, "--host-url", host)
            assert done.code in ("shared_database", "host_unavailable")
            assert "canary" not in done.err


def test_a_clean_site_is_said_to_be_clean(run: Run) -> None:
    run("init")
    plant("CREATE TABLE auth_user (name text)")
    done = run("verify", "--host-url", HOST)
    assert done.status == 0
    assert "The site's database: 1 tables, 0 messages compared, all there are." in done.out
    facts = run("verify", "--host-url", HOST, "--json").facts
    assert facts["host"] == {"tables": 1, "messages": 0, "is_complete": True}
    assert (facts["sound"], facts["findings"], facts["complete"]) == (True, [], True)
    assert "host" not in run("verify", "--json").facts


@pytest.mark.parametrize("is_sealed", [False, True], ids=["plain", "sealed"])
def test_a_site_that_keeps_messages_is_named(run: Run, is_sealed: bool) -> None:
    url = "sqlite:///dmcore.db"
    named: tuple[str, ...] = ()
    encryption = None
    if is_sealed:
        Path("keys").mkdir()
        keys = Keys(Path("keys")).make()
        set_up(url, keys)
        named = ("--keyring", keys.url, "--key-file", str(keys.file))
        encryption = keys.encryption()
    else:
        run("init")
    with sql.open_sync(url, encryption=encryption) as dm:
        dm.operations("olga").set_mode("on")
        ids = [dm.mailbox("ann").start(other, f"{other}: {TEXT}").id for other in ("bob", "eve")]
    plant("CREATE TABLE inbox (last text, preview text)")
    plant("INSERT INTO inbox VALUES (?, ?)", str(ids[0]), f"bob: {TEXT}"[:40])
    done = run(*named, "verify", "--host-url", HOST)
    assert done.status == 1
    assert "NOT SOUND. Findings: 2" in done.out
    assert "column inbox.last" in done.out
    assert "column inbox.preview" in done.out
    assert "bicycle" not in done.out + done.err
    plant("DELETE FROM inbox")
    partly = run(*named, "verify", "--host-url", HOST, "--sample", "1")
    assert partly.status == 0
    assert "1 messages compared, and not all of it could be: see --sample." in " ".join(
        partly.out.split()
    )
