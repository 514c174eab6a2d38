"""PostgreSQL's programs: found, new enough, and never told a password where others can see it."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import make_url

from dmcore.adapters import sql
from dmcore.errors import (
    InvalidBackup,
    InvalidSetting,
    MissingTool,
    NotAFreshStore,
    StoreError,
    StoreUnavailable,
    WrongRole,
)
from dmcore.testing.postgres import PostgresServer

pytestmark = pytest.mark.promise("OPS-4")

REAL = {name: shutil.which(name) for name in ("pg_dump", "pg_restore")}


@pytest.fixture
def store(postgres_url: str) -> str:
    """A small store, whose URL has a password."""
    sql.initialise(postgres_url)
    return make_url(postgres_url).set(password="sesame").render_as_string(hide_password=False)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    return folder


def put(folder: Path, name: str, script: str) -> None:
    """A program that does what it is wanted for."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_tool_that_is_missing_or_too_old_is_told_of(
    store: str, tools: Path, tmp_path: Path
) -> None:
    with pytest.raises(MissingTool, match="install PostgreSQL's client programs"):
        sql.back_up(store, tmp_path / "backup", tools=tools)
    put(tools, "pg_dump", "echo nothing of use")
    with pytest.raises(MissingTool, match="install PostgreSQL's client programs"):
        sql.back_up(store, tmp_path / "backup", tools=tools)
    put(tools, "pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.24'")
    with pytest.raises(MissingTool, match="it is of version 9, and at least 1") as caught:
        sql.back_up(store, tmp_path / "backup", tools=tools)
    assert caught.value.details["tool"] == "pg_dump"
    assert not (tmp_path / "backup").exists()
    assert {it.name for it in tmp_path.iterdir()} == {"tools"}


def test_it_is_found_beside_the_server_too(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sql.back_up(store, tmp_path / "backup").tool is not None


def test_no_password_is_an_argument(
    store: str, tools: Path, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    for name, real in REAL.items():
        put(
            tools,
            name,
            f'echo "$@" >>{tools}/arguments\necho "$PGPASSWORD" >>{tools}/password\n'
            f'exec {real} "$@"',
        )
    sql.back_up(store, tmp_path / "backup", tools=tools)
    fresh = postgres_server.create_database()
    named = make_url(fresh).set(password="sesame").render_as_string(hide_password=False)
    sql.restore(named, tmp_path / "backup", tools=tools)
    arguments = (tools / "arguments").read_text()
    assert arguments.count("--dbname=") == 2
    assert "sesame" not in arguments
    assert "sesame" in (tools / "password").read_text()
    postgres_server.drop_database(fresh)
    assert "sesame" not in "".join(
        it.read_text(errors="replace") for it in (tmp_path / "backup").iterdir()
    )


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("permission denied for table dm_message: the door code is zebra", WrongRole),
        ("query would be affected by row-level security policy: zebra", WrongRole),
        ("could not write: No space left on device: zebra", StoreUnavailable),
        ("COPY dm_message, line 1: the door code is zebra", StoreUnavailable),
    ],
)
@pytest.mark.promise("LEAK-1")
def test_what_a_tool_says_is_not_repeated(
    store: str, tools: Path, tmp_path: Path, says: str, expected: type[StoreError]
) -> None:
    version = "case $1 in --version) echo '(PostgreSQL) 99'; exit 0;; esac"
    put(tools, "pg_dump", f"{version}\necho '{says}' >&2\nexit 1")
    with pytest.raises(expected) as caught:
        sql.back_up(store, tmp_path / "backup", tools=tools)
    assert "zebra" not in repr(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert not (tmp_path / "backup").exists()


def test_a_dump_without_the_record_is_no_backup(
    store: str, tools: Path, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    sql.back_up(store, tmp_path / "backup")
    put(
        tools,
        "pg_restore",
        f'case "$*" in *--file=-*) exit 0;; esac\nexec {REAL["pg_restore"]} "$@"',
    )
    fresh = postgres_server.create_database()
    with pytest.raises(InvalidBackup, match="the record"):
        sql.restore(fresh, tmp_path / "backup", tools=tools)
    postgres_server.drop_database(fresh)


def test_a_secret_that_programs_cannot_be_told_is_refused(store: str, tmp_path: Path) -> None:
    url = make_url(store).update_query_dict({"sslpassword": "sesame"})
    with pytest.raises(InvalidSetting) as caught:
        sql.back_up(url.render_as_string(hide_password=False), tmp_path / "backup")
    assert "sesame" not in str(caught.value)


def test_tables_go_where_they_were(
    store: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    """A schema is part of what the tables are called."""
    sql.back_up(store, tmp_path / "backup")
    fresh = postgres_server.create_database()
    url = make_url(fresh).update_query_dict({"options": "-csearch_path=pg_catalog"})
    with pytest.raises(NotAFreshStore, match="schema public"):
        sql.restore(url.render_as_string(hide_password=False), tmp_path / "backup")
    postgres_server.drop_database(fresh)
