"""``dmcore init --rls``: who may run it, how often, on what; and what ``status`` says after it."""

import json
import secrets
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql as raw
from sqlalchemy import make_url
from typer.testing import CliRunner

from dmcore.adapters import sql
from dmcore.cli import app
from dmcore.errors import InvalidSetting, WrongRole
from dmcore.ports.installation import RowSecurity
from dmcore.testing.postgres import PostgresServer


@pytest.fixture
def prefix(postgres_server: PostgresServer) -> Iterator[str]:
    """A beginning of role names that nobody uses; what begins so is gone afterwards."""
    prefix = f"dmt_{secrets.token_hex(4)}"
    yield prefix
    with psycopg.connect(postgres_server.url(), autocommit=True) as admin:
        found = admin.execute(
            "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", (prefix,)
        ).fetchall()
        for (name,) in found:
            admin.execute(raw.SQL("DROP OWNED BY {}").format(raw.Identifier(name)))
        for (name,) in found:
            admin.execute(raw.SQL("DROP ROLE {}").format(raw.Identifier(name)))


@pytest.fixture
def empty_url(postgres_server: PostgresServer, prefix: str) -> Iterator[str]:
    """An empty database that goes before the roles do."""
    assert prefix
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, arguments, prog_name="dmcore")
    return done.exit_code, done.stdout, done.stderr


def policies(url: str) -> list[tuple[object, ...]]:
    """What the database says of policies, grants and owners."""
    with psycopg.connect(url) as admin:
        return [
            *admin.execute(
                "SELECT tablename, policyname, roles, cmd, qual, with_check FROM pg_policies"
                " ORDER BY 1, 2"
            ),
            *admin.execute(
                "SELECT relname, relowner::regrole::text, relacl::text FROM pg_class"
                " WHERE starts_with(relname, 'dm_') AND relkind IN ('r', 'v') ORDER BY 1"
            ),
            *admin.execute(
                "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
                " ORDER BY 1, 2"
            ),
        ]


@pytest.mark.promise("OPS-7")
def test_it_can_be_turned_on_at_once_or_later_and_as_often_as_one_likes(
    postgres_server: PostgresServer, empty_url: str, prefix: str
) -> None:
    assert sql.initialise(empty_url)
    assert not sql.initialise(empty_url, roles=prefix)
    before = policies(empty_url)
    assert not sql.initialise(empty_url, roles=prefix)
    assert policies(empty_url) == before
    at_once = postgres_server.create_database()
    assert sql.initialise(at_once, roles=prefix)
    assert policies(at_once) == before
    postgres_server.drop_database(at_once)


@pytest.mark.promise("OPS-7")
def test_the_owner_of_a_database_who_may_create_roles_needs_no_superuser(
    empty_url: str, prefix: str
) -> None:
    login = f"{prefix}_admin"
    with psycopg.connect(empty_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {login} LOGIN CREATEROLE PASSWORD 'x'".encode())
        admin.execute(f"ALTER DATABASE {make_url(empty_url).database} OWNER TO {login}".encode())
    url = make_url(empty_url).set(username=login, password="x")
    shown = url.render_as_string(hide_password=False)
    assert sql.initialise(shown, roles=prefix)
    assert not sql.initialise(shown, roles=prefix)
    with sql.open_sync(shown) as dm:
        assert dm.operations("olga").status().row_security is RowSecurity.ON
        with pytest.raises(WrongRole, match=f"{prefix}_application"):
            dm.mailbox("ann").unread()


@pytest.mark.promise("OPS-7")
def test_who_may_not_create_roles_is_told_what_to_ask_for_and_changes_nothing(
    empty_url: str, prefix: str
) -> None:
    login = f"{prefix}_plain"
    with psycopg.connect(empty_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'x'".encode())
        admin.execute(f"ALTER DATABASE {make_url(empty_url).database} OWNER TO {login}".encode())
    url = make_url(empty_url).set(username=login, password="x")
    with pytest.raises(WrongRole, match=f"have an administrator run CREATE ROLE {prefix}_owner"):
        sql.initialise(url.render_as_string(hide_password=False), roles=prefix)
    assert policies(empty_url) == []


@pytest.mark.promise("OPS-7")
def test_names_of_roles_are_names_and_sqlite_has_none(empty_url: str, sqlite_url: str) -> None:
    for wrong in ("", "a b", 'x"; DROP TABLE dm_message; --', "x" * 41, "Ann"):
        with pytest.raises(InvalidSetting, match="prefix"):
            sql.initialise(empty_url, roles=wrong)
    with pytest.raises(InvalidSetting, match="needs PostgreSQL"):
        sql.initialise(sqlite_url, roles="dmcore")
    assert policies(empty_url) == []


@pytest.mark.promise("OPS-7")
@pytest.mark.promise("OPS-3")
def test_the_command_turns_it_on_and_status_says_so(empty_url: str, prefix: str) -> None:
    options = ("--url", empty_url)
    status, out, _ = run("init", *options)
    assert (status, "Row-level" in out) == (0, False)
    assert json.loads(run("status", *options, "--json")[1])["row_security"] == "off"
    status, out, _ = run("init", *options, "--rls", "--roles", prefix)
    assert status == 0
    assert f"Row-level security is on. The site's login needs {prefix}_application." in out
    assert "on, and bypassed by this login" in run("status", *options)[1]
    found = json.loads(run("init", *options, "--rls", "--roles", prefix, "--json")[1])
    assert found["row_security"] == "bypassed"
    assert run("mode", "on", *options)[0] == 0
    assert run("verify", *options)[0] == 0


def test_the_command_refuses_sqlite_and_makes_no_file(sqlite_url: str) -> None:
    status, out, error = run("init", "--url", sqlite_url, "--rls")
    assert (status, out) == (2, "")
    assert "row-level security needs PostgreSQL" in error
    assert run("status", "--url", sqlite_url)[0] == 2
