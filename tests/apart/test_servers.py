"""On PostgreSQL a database is told by its words, and, where they say nothing, by looking."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, make_url, text
from tests.faults.wire import Wire
from tests.leaks.canary import PASSWORD, Ear

from dmcore.adapters import sql
from dmcore.adapters.sql._apart import HostUrl, Whereabouts, hosts_database, parse_host_url
from dmcore.errors import HostUnavailable, InvalidSetting, SharedDatabase, StoreUnavailable
from dmcore.testing.postgres import Account, PostgresServer, find_binaries

pytestmark = pytest.mark.promise("OPS-2")


@pytest.fixture
def ear(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Ear]:
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", "sqlalchemy")
    made = Ear(caplog, capfd)
    yield made
    made.close()


def written(url: URL) -> str:
    return url.render_as_string(hide_password=False)


# By its words: the servers of these are not there, so nobody can have looked ---------------------

ONE = "postgresql://ann:secret@db.invalid:5432/site"
SAME_WORDS = {
    "same": ONE,
    "driver": "postgresql+psycopg://ann:secret@db.invalid:5432/site",
    "other_driver": "postgresql+asyncpg://ann:secret@db.invalid/site?ssl=require",
    "old_name": "postgres://ann:secret@db.invalid/site",
    "of_django": "postgis://ann:secret@db.invalid/site?conn_max_age=60",
    "default_port": "postgresql://ann:secret@db.invalid/site",
    "upper_case": "postgresql://ann:secret@DB.Invalid:5432/site",
    "final_dot": "postgresql://ann:secret@db.invalid.:5432/site",
    "another_user": "postgresql://bob@db.invalid/site",
    "no_user": "postgresql://db.invalid/site",
    "options": "postgresql://ann:secret@db.invalid/site?sslmode=require&application_name=x",
    "schema": "postgresql://ann@db.invalid/site?options=-csearch_path%3Dforum",
    "host_as_option": "postgresql://ann@/site?host=db.invalid&port=5432",
    "all_as_options": "postgresql:///?host=db.invalid&port=5432&dbname=site",
    "escaped": "postgresql://ann:secret@db.invalid/s%69te",
    "escaped_user": "postgresql://%61nn:secret@db.invalid/site",
    "several_hosts": "postgresql://ann@/site?host=other.invalid:5433&host=db.invalid:5432",
    "several_in_one": "postgresql://ann@/site?host=other.invalid,db.invalid",
    "several_ports": "postgresql://ann@/site?host=other.invalid,db.invalid&port=6000,5432",
}
LOCAL = {
    "localhost": "postgresql://localhost:1/site",
    "upper_case": "postgresql://LOCALHOST:1/site",
    "four": "postgresql://127.0.0.1:1/site",
    "four_more": "postgresql://127.0.0.2:1/site",
    "six": "postgresql://[::1]:1/site",
    "six_in_full": "postgresql://[0:0:0:0:0:0:0:1]:1/site",
    "by_address": "postgresql://named.invalid:1/site?hostaddr=127.0.0.1",
}


@pytest.mark.parametrize("spelling", SAME_WORDS)
def test_one_database_is_told_by_its_words(spelling: str) -> None:
    with pytest.raises(SharedDatabase):
        sql.open_sync(ONE, host_url=SAME_WORDS[spelling])
    with pytest.raises(SharedDatabase):
        sql.open_sync(SAME_WORDS["several_hosts"], host_url=SAME_WORDS[spelling])


@pytest.mark.parametrize("spelling", LOCAL)
def test_this_machine_has_several_names(spelling: str) -> None:
    with pytest.raises(SharedDatabase):
        sql.open_sync(LOCAL["four"], host_url=LOCAL[spelling])


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        ({"PGHOST": "127.0.0.1", "PGPORT": "1"}, "postgresql:///site"),
        ({"PGHOST": "127.0.0.1", "PGPORT": "1", "PGDATABASE": "site"}, "postgresql://"),
        ({"PGPORT": "1", "PGUSER": "site"}, "postgresql://localhost"),
        ({"PGHOSTADDR": "127.0.0.1", "PGPORT": "1"}, "postgresql://named.invalid/site"),
    ],
    ids=lambda it: ",".join(it) if isinstance(it, dict) else "",
)
def test_what_a_url_leaves_out_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], host: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SharedDatabase):
        sql.open_sync("postgresql://localhost:1/site", host_url=host)


@pytest.mark.parametrize(
    "host",
    [
        "postgresql://ann:secret@db.invalid:5432/other",
        "postgresql://ann:secret@db.invalid:5433/site",
        "postgresql://ann:secret@other.invalid/site",
        "postgresql://ann:secret@db.invalid/SITE",
        "postgresql:///site?service=unknown",
    ],
)
def test_other_words_say_nothing_and_somebody_has_to_look(host: str) -> None:
    with pytest.raises(StoreUnavailable):
        sql.open_sync(ONE, host_url=host)


def test_hosts_that_the_driver_cannot_read_are_a_wrong_setting(postgres_url: str) -> None:
    sql.initialise(postgres_url)
    with pytest.raises(InvalidSetting):
        sql.open_sync(postgres_url, host_url="postgresql:///x?host=a:1&host=b&port=1,2,3")


# By looking --------------------------------------------------------------------------------------

Spelling = Callable[[URL, Wire, Path], HostUrl]


def through(wire: Wire, **changes: Any) -> str:
    return written(make_url(wire.url).set(**changes))


def linked_socket(url: URL, _wire: Wire, folder: Path) -> HostUrl:
    (folder / "run").symlink_to(str(url.query["host"]))
    return url.update_query_dict({"host": str(folder / "run")})


def service(url: URL, wire: Wire, folder: Path) -> HostUrl:
    port = make_url(wire.url).port
    (folder / "services").write_text(
        f"[site]\nhost=localhost\nport={port}\ndbname={url.database}\nuser={url.username}\n"
        "sslmode=disable\ngssencmode=disable\n"
    )
    return "postgresql:///?service=site"


SAME: dict[str, Spelling] = {
    "itself": lambda url, _wire, _: written(url),
    "value": lambda url, _wire, _: url,
    "forwarded_port": lambda _url, wire, _: wire.url,
    "forwarded_port_by_name": lambda _url, wire, _: through(wire, host="localhost"),
    "forwarded_port_in_capitals": lambda _url, wire, _: through(wire, host="LocalHost"),
    "forwarded_port_by_another_driver": lambda _url, wire, _: through(
        wire, drivername="postgresql+asyncpg", query={"ssl": "disable", "timeout": "3"}
    ),
    "several_hosts": lambda _url, wire, _: through(
        wire,
        host=None,
        port=None,
        query={
            **make_url(wire.url).query,
            "host": ["127.0.0.1:1", f"localhost:{make_url(wire.url).port}"],
        },
    ),
    "another_patience": lambda _url, wire, _: f"{wire.url}&connect_timeout=20",
    "another_schema": lambda _url, wire, _: f"{wire.url}&options=-csearch_path%3Dforum",
    "folder_that_is_a_link": linked_socket,
    "service": service,
    "another_login": lambda _url, wire, _: through(wire, username="dm_plain_login"),
}


@pytest.fixture
def plain_login(postgres_url: str) -> Iterator[str]:
    """A login that may do what everybody may, and not even ask for the cluster."""
    name = "dm_plain_login"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'".encode())
        connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        yield name
        connection.execute(f"DROP ROLE {name}".encode())


@pytest.mark.usefixtures("plain_login")
@pytest.mark.parametrize("spelling", SAME)
def test_a_start_on_the_hosts_own_database_is_refused_however_it_is_spelled(
    postgres_url: str,
    wire: Wire,
    tmp_path: Path,
    spelling: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    host = SAME[spelling](make_url(postgres_url), wire, tmp_path)
    with pytest.raises(SharedDatabase):
        sql.open_sync(postgres_url, host_url=host)
    with pytest.raises(SharedDatabase):
        asyncio.run(sql.open_async(postgres_url, host_url=host))
    with pytest.raises(SharedDatabase):
        sql.initialise(postgres_url, host_url=host)
    with pytest.raises(SharedDatabase):
        sql.look_elsewhere(postgres_url, host)


def test_two_forwarded_ports_of_one_database_are_one(postgres_url: str, wire: Wire) -> None:
    with Wire(postgres_url) as another, pytest.raises(SharedDatabase):
        sql.open_sync(wire.url, host_url=another.url)


@pytest.mark.parametrize("is_copy", [False, True], ids=["empty", "copy"])
def test_another_database_of_the_same_server_is_apart(
    postgres_server: PostgresServer, postgres_url: str, is_copy: bool
) -> None:
    """And so is a copy of the messages, which is beside the point here: `verify` would find it."""
    sql.initialise(postgres_url)
    origin = make_url(postgres_url).database if is_copy else None
    host = postgres_server.create_database(template=origin)
    sql.open_sync(postgres_url, host_url=host).close()

    async def awaited() -> None:
        await (await sql.open_async(postgres_url, host_url=host)).close()

    asyncio.run(awaited())
    assert sql.initialise(postgres_url, host_url=host) is False
    with Wire(host) as wire:
        sql.open_sync(postgres_url, host_url=wire.url).close()
    postgres_server.drop_database(host)


def test_a_host_on_a_file_is_apart_from_a_server(postgres_url: str, tmp_path: Path) -> None:
    sql.initialise(postgres_url, host_url=f"sqlite:///{tmp_path}/host.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("trouble", ["port", "name", "database"])
def test_a_host_that_cannot_be_asked_is_no_start(postgres_url: str, ear: Ear, trouble: str) -> None:
    sql.initialise(postgres_url)
    host = {
        "port": f"postgresql://ann:{PASSWORD}@127.0.0.1:1/site",
        "name": f"postgresql://ann:{PASSWORD}@nowhere.invalid/site",
        "database": written(
            make_url(postgres_url).set(database="no_such_database", password=PASSWORD)
        ),
    }[trouble]
    for open_ in (
        lambda: sql.open_sync(postgres_url, host_url=host),
        lambda: asyncio.run(sql.open_async(postgres_url, host_url=host)),
        lambda: sql.initialise(postgres_url, host_url=host),
        lambda: sql.look_elsewhere(postgres_url, host),
    ):
        error = ear.refusal(open_)
        assert isinstance(error, HostUnavailable)
        assert error.details == {"reason": "the database cannot be reached"}
    ear.heard_nothing()


def test_a_refusal_tells_no_password(postgres_url: str, wire: Wire, ear: Ear) -> None:
    sql.initialise(postgres_url)
    ours = written(make_url(postgres_url).set(password=PASSWORD))
    for host in (ours, through(wire, password=PASSWORD)):
        error = ear.refusal(lambda host=host: sql.open_sync(ours, host_url=host))  # type: ignore[misc]
        assert isinstance(error, SharedDatabase)
        assert str(make_url(ours).database) not in str(error)
    refused = ear.refusal(lambda: sql.open_sync(ours, host_url=f"mysql://ann:{PASSWORD}@x/y"))
    assert isinstance(refused, InvalidSetting)
    ear.heard_nothing()


def test_nothing_can_be_written_where_the_host_is_looked_into(
    postgres_url: str, tmp_path: Path
) -> None:
    (tmp_path / "host.db").touch()
    for host in (postgres_url, f"sqlite:///{tmp_path}/host.db"):
        with (
            hosts_database(parse_host_url(host)) as database,
            pytest.raises(HostUnavailable, match="read-only"),
        ):
            database.ask(lambda connection: connection.execute(text("CREATE TABLE x (y integer)")))


# A copy that follows -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((False, 1, 7), (True, 1, 7), True),
        ((True, 1, 7), (False, 1, 7), True),
        ((True, 1, 7), (True, 1, 7), True),
        ((False, 1, None), (True, 1, 7), True),
        ((False, 1, 7), (True, 2, 7), False),
        ((False, 1, 7), (True, 1, 8), False),
        ((False, 1, 7), (False, 1, 7), False),
    ],
)
def test_a_copy_that_follows_is_known_by_its_origin(
    one: tuple[bool, int, int | None], other: tuple[bool, int, int | None], expected: bool
) -> None:
    """One that does not follow any more is a database by itself; unknown clusters may be one."""
    assert Whereabouts(*one).may_be(Whereabouts(*other)) is expected


@pytest.fixture
def follower() -> Iterator[tuple[str, str]]:
    """A message store on a server, and the same as a second server follows it."""
    account = Account.for_user(os.geteuid())
    binaries = find_binaries(account=account)
    backup = binaries.folder / "pg_basebackup"
    if not backup.exists():
        pytest.skip("this server comes without pg_basebackup")
    with PostgresServer(binaries=binaries) as server:
        url = server.create_database()
        sql.initialise(url)
        socket = str(make_url(url).query["host"])
        folder = Path(socket) / "follower"
        options: dict[str, Any] = server._popen_options(Path(socket))

        def run(*arguments: str | Path) -> None:
            subprocess.run(arguments, check=True, capture_output=True, **options)

        run(backup, "-h", socket, "-U", "postgres", "-D", folder, "-R", "--checkpoint=fast")
        log = ("--log", Path(socket) / "follower.log")
        run(
            *(binaries.folder / "pg_ctl", "start", "--wait", "--pgdata", folder, *log),
            *("-o", f"-c port=5433 -c unix_socket_directories={socket}"),
        )
        try:
            yield url, written(make_url(url).update_query_dict({"port": "5433"}))
        finally:
            run(binaries.folder / "pg_ctl", "stop", "--pgdata", folder, "-m", "immediate")
            shutil.rmtree(folder, ignore_errors=True)


def test_a_host_that_reads_from_a_copy_that_follows_is_told(follower: tuple[str, str]) -> None:
    url, host = follower
    with pytest.raises(SharedDatabase):
        sql.open_sync(url, host_url=host)
    other = make_url(host).set(database="postgres")
    sql.open_sync(url, host_url=other).close()
