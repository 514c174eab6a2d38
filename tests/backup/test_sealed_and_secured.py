"""Backups of stores whose texts are sealed, and of those under row-level security."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url
from tests.rls.conftest import Logins, SecuredHarness
from tests.rls.conftest import logins as logins  # noqa: PLC0414 - the fixture, for this folder
from tests.support.sealed import Keys, set_up
from tests.support.stores import PostgresHarness

from dmcore.adapters import sql
from dmcore.errors import EncryptionRequired, NotEncrypted, WrongKeyring, WrongRole
from dmcore.ports.installation import RowSecurity
from dmcore.testing.postgres import PostgresServer
from dmcore.testing.world import World, text_of

pytestmark = pytest.mark.promise("OPS-4")


@pytest.mark.promise("CRYPT-1", "LEAK-1")
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_backup_of_sealed_texts_holds_no_text_and_no_key(
    store: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "others").mkdir()
    keys, others = Keys(tmp_path / "keys").make(), Keys(tmp_path / "others").make()
    if store == "sqlite":
        url, fresh = (f"sqlite:///{tmp_path / name}" for name in ("dm.db", "new.db"))
    else:
        url, fresh = (postgres_server.create_database() for _ in range(2))
    set_up(url, keys)
    with sql.open_sync(url, encryption=keys.encryption()) as dm:
        dm.operations("olga").set_mode("on")
        here = dm.mailbox("ann").start("bob", "the door code is zebra").conversation
        dm.mailbox("cyd").start("bob", "another one")
    sql.back_up(url, tmp_path / "backup")
    written = b"".join(it.read_bytes() for it in (tmp_path / "backup").iterdir())
    with closing(sqlite3.connect(tmp_path / "keys" / "keys.db")) as ring:
        wrapped = [row[0] for row in ring.execute("SELECT wrapped FROM dmk_user_key")]
    assert len(wrapped) >= 2
    secrets = [b"zebra", keys.file.read_bytes().strip(), *map(bytes, wrapped)]
    assert all(secret not in written for secret in secrets)
    with pytest.raises(EncryptionRequired):
        sql.restore(fresh, tmp_path / "backup")
    with pytest.raises(WrongKeyring):
        sql.restore(fresh, tmp_path / "backup", encryption=others.encryption())
    with sql.open_sync(url, encryption=keys.encryption()) as dm:
        dm.operations("olga").erase("cyd")
        ledger = dm.operations("olga").export_erasures().items
    done = sql.restore(fresh, tmp_path / "backup", encryption=keys.encryption(), ledger=ledger)
    assert done.findings == ()
    assert len(done.erased_again) == 1
    with sql.open_sync(fresh, encryption=keys.encryption()) as dm:
        dm.operations("olga").set_mode("on")
        assert [text_of(it) for it in dm.mailbox("ann").thread(here).items] == [
            "the door code is zebra"
        ]
    if store == "postgres":
        for used in (url, fresh):
            postgres_server.drop_database(used)


def test_keys_for_a_backup_without_sealed_texts_are_refused(
    sqlite_url: str, tmp_path: Path
) -> None:
    keys = Keys(tmp_path).make()
    sql.initialise(sqlite_url)
    sql.back_up(sqlite_url, tmp_path / "backup")
    with pytest.raises(NotEncrypted):
        sql.restore(
            f"sqlite:///{tmp_path}/new.db", tmp_path / "backup", encryption=keys.encryption()
        )


@pytest.mark.promise("OPS-7")
def test_under_row_level_security_a_backup_is_whole_or_refused(
    logins: Logins, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    harness = SecuredHarness(logins)
    harness.clear()
    world = World(harness)
    here = world.ann.start("bob", "hello").conversation
    with pytest.raises(WrongRole, match=f"{logins.prefix}_backup"):
        sql.back_up(logins.of("application", "operator"), tmp_path / "backup")
    made = sql.back_up(logins.of("backup"), tmp_path / "backup")
    assert made.messages == 1
    assert made.roles == logins.prefix
    assert sql.back_up(logins.admin, tmp_path / "by the administrator").rows == made.rows
    fresh = postgres_server.create_database()
    done = sql.restore(fresh, tmp_path / "backup")
    assert done.findings == ()
    site = make_url(logins.of("application")).set(database=make_url(fresh).database)
    with sql.open_sync(fresh, row_security="bypass") as dm:
        assert dm.operations("olga").status().row_security is RowSecurity.BYPASSED
        dm.operations("olga").set_mode("on")
    url = site.render_as_string(hide_password=False)
    with sql.open_sync(url, row_security="require") as dm:
        assert [text_of(it) for it in dm.mailbox("bob").thread(here).items] == ["hello"]
        with pytest.raises(WrongRole):
            dm.operations("olga").status()
    raw = PostgresHarness(url)
    assert raw.rows("SELECT * FROM dm_message") == []
    raw.close()
    harness.close()
    postgres_server.drop_database(fresh)
