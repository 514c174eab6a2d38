"""Addresses of databases: which are understood, and that a refusal never shows one."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import event, make_url
from tests.unit.strategies import any_text

from dmcore.adapters.sql._engine import Settings, check_file, make_engine, parse_url
from dmcore.errors import InvalidSetting, NotInitialised

SECRET = "canary-5d1c"


def refusal(url: Any) -> InvalidSetting:
    with pytest.raises(InvalidSetting) as caught:
        make_engine(parse_url(url), Settings())
    error = caught.value
    assert error.details["setting"] == "url"
    assert error.__cause__ is error.__context__ is None
    assert SECRET not in str(error) + repr(vars(error))
    return error


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        "",
        SECRET,
        f"//{SECRET}",
        f"postgresql://u:{SECRET}@h:port/db",
        f"postgresql://u:{SECRET}@[::1/db",
        f"postgresql://u:{SECRET}@h1:port,h2/db",
        f"postgresql://u:{SECRET}@h1,h2/db?host=h3",
    ],
    ids=repr,
)
def test_what_is_no_url_is_refused(url: Any) -> None:
    assert refusal(url).details["reason"] == "is not a database URL"


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize("scheme", ["mysql", "postgres", "oracle", "http", "file", "nonsense"])
def test_another_kind_of_database_is_refused(scheme: str) -> None:
    error = refusal(f"{scheme}://u:{SECRET}@h/db")
    assert error.details["reason"] == "must begin with sqlite:/// or postgresql://"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_sqlite_without_a_file_is_refused(url: str) -> None:
    """Each connection would see a database of its own."""
    assert "needs a file" in str(refusal(url))


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg2://u:{SECRET}@h/db",
        f"postgresql+asyncpg://u:{SECRET}@h/db",
        f"postgresql+psycopg_async://u:{SECRET}@h/db",
        f"postgresql+pg8000://u:{SECRET}@h/db",
        "postgresql+canary_driver://h/db",
        f"sqlite+pysqlcipher://:{SECRET}@/dm.db",
        "sqlite+aiosqlite:///dm.db",
        "sqlite:///file::memory:?uri=true",
        f"sqlite:///dm.db?timeout={SECRET}",
    ],
)
def test_a_driver_that_is_missing_or_not_ours_is_refused(url: str) -> None:
    assert "driver" in str(refusal(url))


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///dm.db",
        "sqlite+pysqlite:///dm.db",
        "postgresql://h/db",
        "postgresql+psycopg://h/db",
        "postgresql://h1:5433,h2,h3:5434/db?target_session_attrs=read-write",
    ],
)
def test_both_databases_have_one_driver_each(url: str) -> None:
    engine = make_engine(parse_url(url), Settings())
    assert engine.dialect.driver in ("pysqlite", "psycopg")
    assert engine.hide_parameters
    engine.dispose()


@pytest.mark.parametrize("text", ["sqlite:///a\0b.db", "sqlite:///\ud800.db"], ids=ascii)
def test_a_name_that_no_file_can_have_is_refused(text: str) -> None:
    assert refusal(text).details["setting"] == "url"


@pytest.mark.parametrize("port", ["0", "65536", "99999999", "9" * 5000])
@pytest.mark.parametrize("where", ["@h:{}/db", "@h1:{},h2/db", "@h1,h2:{}/db", "@/db?port={}"])
def test_a_port_that_no_server_can_have_is_refused(port: str, where: str) -> None:
    assert refusal(f"postgresql://u:{SECRET}{where.format(port)}").details["setting"] == "url"


@pytest.mark.promise("SCALE-2")
@pytest.mark.parametrize(
    ("url", "connect", "silent"),
    [
        ("postgresql://h1,h2/db", 3, 10_000),
        ("postgresql:///db?host=h1:1&host=h2:2", 3, 10_000),
        ("postgresql://h1,h2/db?connect_timeout=9", "9", 10_000),
        ("postgresql://h1,h2/db?connect_timeout=9&tcp_user_timeout=0", "9", "0"),
        ("postgresql://h1/db", None, None),
        ("postgresql:///db", None, None),
    ],
)
def test_one_of_several_servers_is_not_waited_for_long(
    url: str, connect: object, silent: object
) -> None:
    """Left alone the driver waits for two minutes, the system for fifteen; a URL is obeyed."""
    told: list[Any] = []
    engine = make_engine(parse_url(url), Settings())

    @event.listens_for(engine, "do_connect")
    def look(_dialect: object, _record: object, _args: object, arguments: dict[str, Any]) -> None:
        told.extend(arguments.get(name) for name in ("connect_timeout", "tcp_user_timeout"))
        raise LookupError

    with suppress(LookupError):
        engine.connect()
    assert told == [connect, silent]


@given(text=any_text)
@example("postgresql://[")
@example("sqlite:///\0")
@example("://:@:/?&=")
def test_any_text_is_a_url_or_refused_with_a_typed_error(text: str) -> None:
    with suppress(InvalidSetting):
        assert parse_url(text).get_backend_name() in ("sqlite", "postgresql")


@pytest.mark.parametrize("level", ["", "read committed", "AUTOCOMMIT", "READ UNCOMMITTED", 7])
def test_an_isolation_level_that_gives_no_guarantee_is_refused(level: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings(isolation_level=level)
    assert caught.value.details["setting"] == "isolation_level"


@pytest.mark.parametrize("synchronous", ["OFF", "full", "", None, "FULL; DROP TABLE dm_message"])
def test_a_durability_that_is_none_is_refused(synchronous: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings(synchronous=synchronous)
    assert caught.value.details["setting"] == "synchronous"


@pytest.mark.parametrize("size", [0, -1, -2, 1.5, "10", None, True], ids=repr)
def test_a_pool_holds_at_least_one_connection(size: Any) -> None:
    """For SQLAlchemy 0 would mean any number, and less than 0 goes round in circles."""
    with pytest.raises(InvalidSetting) as caught:
        Settings(pool_size=size)
    assert caught.value.details["setting"] == "pool_size"


@given(size=st.integers(1, 500))
def test_a_pool_may_double(size: int) -> None:
    engine = make_engine(make_url("sqlite:///dm.db"), Settings(pool_size=size))
    pool: Any = engine.pool
    assert (pool.size(), pool._max_overflow) == (2 * size, 0)


def test_a_file_is_looked_for_and_a_server_is_not(tmp_path: Path) -> None:
    file = tmp_path / "dm.db"
    with pytest.raises(NotInitialised):
        check_file(make_url(f"sqlite:///{file}"))
    assert not file.exists()
    file.touch()
    check_file(make_url(f"sqlite:///{file}"))
    check_file(make_url("postgresql://h/db"))
