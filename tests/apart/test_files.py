"""On SQLite a file is told by what it is, whatever it is called."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import URL

from dmcore.adapters import sql
from dmcore.adapters.sql._apart import HostUrl
from dmcore.errors import HostUnavailable, InvalidSetting, NotInitialised, SharedDatabase

pytestmark = pytest.mark.promise("OPS-2")

Spelling = Callable[[Path, Path], HostUrl]


def symlink(file: Path, folder: Path) -> HostUrl:
    (folder / "link.db").symlink_to(file)
    return f"sqlite:///{folder}/link.db"


def hard_link(file: Path, folder: Path) -> HostUrl:
    (folder / "other.db").hardlink_to(file)
    return f"sqlite:///{folder}/other.db"


def linked_folder(file: Path, folder: Path) -> HostUrl:
    (folder / "here").symlink_to(file.parent)
    return f"sqlite:///{folder}/here/{file.name}"


SAME: dict[str, Spelling] = {
    "absolute": lambda file, _: f"sqlite:///{file}",
    "relative": lambda _file, _: "sqlite:///site/messages.db",
    "relative_up": lambda file, _: f"sqlite:///site/../{file.parent.name}/./{file.name}",
    "doubled_slash": lambda file, _: f"sqlite:///{file.parent}//{file.name}",
    "symlink": symlink,
    "hard_link": hard_link,
    "folder_that_is_a_link": linked_folder,
    "driver": lambda file, _: f"sqlite+pysqlite:///{file}",
    "awaiting_driver": lambda file, _: f"sqlite+aiosqlite:///{file}",
    "with_options": lambda file, _: f"sqlite:///{file}?timeout=3",
    "of_django": lambda file, _: f"spatialite:///{file}",
    "value": lambda file, _: URL.create("sqlite", database=str(file)),
    "uri": lambda file, _: f"sqlite:///file:{file}?mode=ro&uri=true",
    "uri_with_host": lambda file, _: f"sqlite:///file://localhost{file}?uri=1",
    "uri_escaped": lambda file, _: URL.create(
        "sqlite",
        database="file:" + quote(str(file)).replace("messages", "%6Dessages") + "?cache=shared",
        query={"uri": "true"},
    ),
    "uri_relative": lambda _file, _: "sqlite:///file:site/messages.db?uri=true",
}


def copy(file: Path, folder: Path) -> HostUrl:
    shutil.copy(file, folder / "copy.db")
    return f"sqlite:///{folder}/copy.db"


def namesake(file: Path, folder: Path) -> HostUrl:
    (folder / file.name).touch()
    return f"sqlite:///{folder}/{file.name}"


APART: dict[str, Spelling] = {
    "copy": copy,
    "namesake": namesake,
    "not_there_yet": lambda _file, folder: f"sqlite:///{folder}/host.db",
    "not_a_folder": lambda file, _: f"sqlite:///{file}/host.db",
    "memory": lambda _file, _: "sqlite://",
    "memory_by_name": lambda _file, _: "sqlite:///:memory:",
    "memory_uri": lambda _file, _: "sqlite:///file::memory:?uri=true",
    "memory_mode": lambda file, _: f"sqlite:///file:{file}?mode=memory&uri=true",
    "only_looks_like_a_uri": lambda file, _: f"sqlite:///file:{file}",
    "server": lambda _file, _: "postgresql://nobody:nothing@nowhere.invalid/site",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the host's; relative names begin above it."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "host"
    made.mkdir()
    return made


@pytest.mark.parametrize("spelling", SAME)
def test_a_start_on_the_hosts_own_file_is_refused_however_it_is_spelled(
    file: Path, folder: Path, spelling: str
) -> None:
    host = SAME[spelling](file, folder)
    url = f"sqlite:///{file}"
    with pytest.raises(SharedDatabase):
        sql.open_sync(url, host_url=host)
    with pytest.raises(SharedDatabase):
        asyncio.run(sql.open_async(url, host_url=host))
    with pytest.raises(SharedDatabase):
        sql.initialise(url, host_url=host)
    with pytest.raises(SharedDatabase):
        sql.look_elsewhere(url, host)


@pytest.mark.parametrize("spelling", APART)
def test_a_start_beside_the_hosts_file_is_a_start(file: Path, folder: Path, spelling: str) -> None:
    host = APART[spelling](file, folder)
    before = sorted(folder.rglob("*"))
    url = f"sqlite:///{file}"
    assert sql.initialise(url, host_url=host) is False
    sql.open_sync(url, host_url=host).close()

    async def awaited() -> None:
        await (await sql.open_async(url, host_url=host)).close()

    asyncio.run(awaited())
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("way", ["direct", "folder", "dangling"])
def test_a_file_that_neither_has_made_yet_is_one_too(folder: Path, way: str) -> None:
    """Whoever sets messaging up first would be joined by the host later."""
    wanted = folder / "new" / "site.db"
    host = f"sqlite:///{wanted}"
    if way == "folder":
        (folder / "link").symlink_to(folder / "new")
        host = f"sqlite:///{folder}/link/site.db"
    elif way == "dangling":
        (folder / "link.db").symlink_to(wanted)
        host = f"sqlite:///{folder}/link.db"
    with pytest.raises(SharedDatabase):
        sql.initialise(f"sqlite:///{wanted}", host_url=host)
    assert not wanted.exists()
    with pytest.raises(NotInitialised):
        sql.open_sync(f"sqlite:///{wanted}", host_url=host)


def test_a_file_that_cannot_be_told_is_no_start(file: Path, folder: Path) -> None:
    """A link that leads to itself, for one."""
    (folder / "round.db").symlink_to(folder / "round.db")
    with pytest.raises(HostUnavailable) as refused:
        sql.open_sync(f"sqlite:///{file}", host_url=f"sqlite:///{folder}/round.db")
    assert refused.value.code == "host_unavailable"
    assert str(folder) not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["", "nothing", "mysql://root@localhost/site", "sqlite://site.db", "a\0b", "http://x:y/z"],
    ids=ascii,
)
def test_what_is_no_url_of_a_host_is_a_wrong_setting(file: Path, url: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        sql.open_sync(f"sqlite:///{file}", host_url=url)
    assert refused.value.details["setting"] == "host_url"
    assert not url or url not in str(refused.value)


def test_a_backup_is_not_restored_into_the_hosts_file(file: Path, folder: Path) -> None:
    sql.back_up(f"sqlite:///{file}", folder / "backup")
    target = folder / "site.db"
    with pytest.raises(SharedDatabase):
        sql.restore(
            f"sqlite:///{target}",
            folder / "backup",
            host_url=f"sqlite:///{os.path.relpath(target)}",
        )
    assert not target.exists()
