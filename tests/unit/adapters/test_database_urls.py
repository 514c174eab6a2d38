"""URLs of databases on several servers: read as libpq reads them, or refused."""

import pytest
from sqlalchemy import URL, Dialect
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import ArgumentError

from dmcore.adapters.database_urls import hosts_of, ports_of, read_url


def driver_arguments(url: URL) -> dict[str, object]:
    """What the driver is told."""
    dialect: Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    _, arguments = dialect.create_connect_args(url)
    return dict(arguments)


@pytest.mark.promise("SCALE-2")
@pytest.mark.parametrize(
    ("url", "hosts", "ports"),
    [
        ("postgresql://h1:1,h2:2,h3:3/db", "h1,h2,h3", "1,2,3"),
        ("postgresql+psycopg://u:p@h1,h2:2/db", "h1,h2", ",2"),
        ("postgresql://u:p@[::1]:1,h2:2/db", "::1,h2", "1,2"),
        ("postgresql://u:p@%2Frun%2Fa:1,%2Frun%2Fb:1/db", "/run/a,/run/b", "1,1"),
        ("postgresql://h1:1,h2:2?dbname=db", "h1,h2", "1,2"),
        ("postgresql://u,v:p,q/r@h1:1,h2:2/db", "h1,h2", "1,2"),
        # As SQLAlchemy writes them.
        ("postgresql:///db?host=h1:1&host=h2:2", "h1,h2", "1,2"),
        ("postgresql:///db?host=h1,h2&port=1,2", "h1,h2", "1,2"),
    ],
)
def test_several_servers_reach_the_driver(url: str, hosts: str, ports: str) -> None:
    arguments = driver_arguments(read_url(url))
    assert (arguments["host"], arguments["port"], arguments["dbname"]) == (hosts, ports, "db")


def test_everything_else_of_the_url_stays() -> None:
    url = read_url("postgresql+psycopg://u%40v:p%2Fq@h1,h2:5433/db?target_session_attrs=read-write")
    assert (url.drivername, url.username, url.password) == ("postgresql+psycopg", "u@v", "p/q")
    assert driver_arguments(url)["target_session_attrs"] == "read-write"


@pytest.mark.parametrize(
    ("url", "hosts", "ports"),
    [
        ("postgresql://h1:1,h2:2/db", ["h1", "h2"], ["1", "2"]),
        ("postgresql://h1:1,h2/db", ["h1", "h2"], ["1"]),
        ("postgresql://h1:1/db", ["h1"], ["1"]),
        ("postgresql:///db?host=/run/pg&port=5", ["/run/pg"], ["5"]),
        ("postgresql:///db?host=h1&host=h2&port=1&port=2", ["h1", "h2"], ["1", "2"]),
        ("postgresql:///db", [], []),
        ("sqlite:///a,b.db", [], []),
        ("postgresql://u:p,q@h1/db", ["h1"], []),
        ("postgresql://u:p,q/r@h1/db", ["h1"], []),
    ],
)
def test_which_servers_a_url_names(url: str, hosts: list[str], ports: list[str]) -> None:
    read = read_url(url)
    assert (hosts_of(read), ports_of(read)) == (hosts, ports)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h1:one,h2:2/db",
        "postgresql://h1:1,:2/db",
        "postgresql://,/db",
        "postgresql://[::1,h2/db",
        "postgresql://h1,h2/db?host=h3",
        "postgresql://h1,h2/db?port=5433",
    ],
)
def test_servers_that_cannot_be_told_are_refused(url: str) -> None:
    with pytest.raises(ArgumentError):
        read_url(url)
