"""Two PostgreSQL databases, the site's own and that of the messages, and the logins that open them.

The database of the messages is under row-level security: the login of the site sees the messages of
whoever acts and nobody else's, and may operate nothing. What operates has a login of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal
from sqlalchemy import make_url

from dmcore.adapters import sql
from examples.residents.secret import kept_secret


@attrs.frozen(kw_only=True)
class Databases:
    """Where everything is, each with the login that the site opens it with."""

    host: str = attrs.field(repr=False)
    messages: str = attrs.field(repr=False)
    operations: str = attrs.field(repr=False)


def prepared(admin: str, *, name: str, folder: Path) -> tuple[Databases, bool]:
    """Make what is not there yet; also tell whether the messages are new.

    ``admin`` is a login that may make databases and roles. The names of all begin with ``name``.
    """
    site, operator, messages = f"{name}_site", f"{name}_operator", f"{name}_messages"
    password = kept_secret(folder / "logins.key")
    with _connected(admin) as connection:
        for login in (site, operator):
            _make_login(connection, login, password)
        _make_database(connection, name, owner=site)
        _make_database(connection, messages)
    host = _url(admin, name, site, password)
    roles = f"{name}_dm"
    is_new = sql.initialise(_url(admin, messages), roles=roles, host_url=host)
    with _connected(admin) as connection:
        for role, login in ((f"{roles}_application", site), (f"{roles}_operator", operator)):
            connection.execute(SQL("GRANT {} TO {}").format(Identifier(role), Identifier(login)))
    databases = Databases(
        host=host,
        messages=_url(admin, messages, site, password),
        operations=_url(admin, messages, operator, password),
    )
    return databases, is_new


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        yield connection


def _make_login(connection: Connection, name: str, password: str) -> None:
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        connection.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(name)))
    words = SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(name), Literal(password))
    connection.execute(words)


def _make_database(connection: Connection, name: str, *, owner: str | None = None) -> None:
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        words: Composed = SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(
            Identifier(name)
        )
        connection.execute(words)
    if owner is not None:
        words = SQL("ALTER DATABASE {} OWNER TO {}").format(Identifier(name), Identifier(owner))
        connection.execute(words)


def _url(admin: str, database: str, login: str | None = None, password: str | None = None) -> str:
    """The same server, another database, perhaps another login."""
    url = make_url(admin).set(drivername="postgresql+psycopg", database=database)
    if login is not None:
        url = url.set(username=login, password=password)
    return url.render_as_string(hide_password=False)
