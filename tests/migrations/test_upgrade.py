"""A database is brought to the next schema wholly or not at all, by anybody, with all its rows."""

import multiprocessing
import signal
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url
from tests.migrations.steps import NEXT, dies, next_metadata, orphan, upgrades
from tests.rls.conftest import Logins
from tests.rls.conftest import logins as logins  # noqa: PLC0414 - the fixture, for this folder
from tests.support.stores import PostgresHarness, SqlHarness, SqliteHarness

from dmcore import Policy, ReportState
from dmcore.adapters import sql
from dmcore.adapters.sql._migrating import PLAN, Plan, migrate, planned_sql
from dmcore.adapters.sql._schema import SCHEMA_VERSION, metadata
from dmcore.errors import InvalidSetting, NotInitialised, StoreRefused, WrongRole, WrongSchema
from dmcore.testing.conformance.verify import lived_in
from dmcore.testing.postgres import PostgresServer
from dmcore.testing.world import World

pytestmark = pytest.mark.promise("OPS-6")

SPAWN = multiprocessing.get_context("spawn")
KEPT = Path(__file__).parent / "released"
FULL = Policy(blocked="absorb", evidence="reporter_selected")


@pytest.fixture(params=["sqlite", "postgres"])
def old(
    request: pytest.FixtureRequest, sqlite_url: str, postgres_server: PostgresServer
) -> Iterator[SqlHarness]:
    """A store of the present schema that has been lived in: old for what comes next."""
    is_sqlite = request.param == "sqlite"
    url = sqlite_url if is_sqlite else postgres_server.create_database()
    sql.initialise(url)
    harness = SqliteHarness(url) if is_sqlite else PostgresHarness(url)
    lived_in(World(harness, policy=FULL)).dm.close()
    yield harness
    harness.close()
    if not is_sqlite:
        postgres_server.drop_database(url)


def rows(store: SqlHarness) -> dict[str, object]:
    """All rows in the columns of the present schema, but for the version."""
    found = dict(store.contents())
    found.pop("dm_installation")
    return found


def back_to_the_present(store: SqlHarness) -> None:
    """What the steps added is more than this dmcore needs, and in nobody's way."""
    store.execute(f"UPDATE dm_installation SET schema_version = {SCHEMA_VERSION}")


def differences(store: SqlHarness) -> list[object]:
    """What Alembic says that lies between a database and the schema after the steps."""
    engine = create_engine(store.url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), next_metadata())
    engine.dispose()
    return list(found)


def test_rows_stay_and_the_schema_is_the_next_one(old: SqlHarness) -> None:
    before = rows(old)
    assert migrate(old.url, NEXT) == (SCHEMA_VERSION, SCHEMA_VERSION + 2)
    assert rows(old) == before
    assert differences(old) == []
    assert set(old.rows("SELECT nickname FROM dm_mailbox")) == {("nobody",)}
    assert len(old.rows("SELECT id FROM dm_note")) > 3
    with pytest.raises(WrongSchema, match="install a newer dmcore"):
        sql.open_sync(old.url)
    assert migrate(old.url, NEXT) == (SCHEMA_VERSION + 2, SCHEMA_VERSION + 2)
    back_to_the_present(old)
    world = World(old, policy=FULL)
    assert world.olga.verify() == ()
    assert world.ann.send(world.ann.inbox().items[0].conversation, "goes on").body is not None
    assert world.olga.verify() == ()


@pytest.mark.parametrize("where", ["at once", "between"])
def test_a_killed_upgrade_can_be_done_again(old: SqlHarness, where: str) -> None:
    before = rows(old)
    process = SPAWN.Process(target=dies, args=(old.url, where))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert rows(old) == before
    found = SCHEMA_VERSION + (where == "between")
    assert old.rows("SELECT schema_version FROM dm_installation") == [(found,)]
    assert migrate(old.url, NEXT) == (found, SCHEMA_VERSION + 2)
    assert rows(old) == before
    assert differences(old) == []
    back_to_the_present(old)
    assert World(old, policy=FULL).olga.verify() == ()


def test_two_processes_upgrade_at_once(old: SqlHarness) -> None:
    before = rows(old)
    lines, crew = [], []
    for _ in range(2):
        here, there = SPAWN.Pipe()
        crew.append(SPAWN.Process(target=upgrades, args=(old.url, there)))
        crew[-1].start()
        # So that one who ends without a word is noticed, and not waited for.
        there.close()
        lines.append(here)
    for line in lines:
        assert line.recv() == "ready"
    for line in lines:
        line.send("go")
    done = [line.recv() for line in lines]
    for process in crew:
        process.join()
    assert [it.exitcode for it in crew] == [0, 0]
    assert {after for _, after in done} == {SCHEMA_VERSION + 2}
    assert rows(old) == before
    assert differences(old) == []


def test_a_step_that_breaks_what_belongs_together_is_undone(old: SqlHarness) -> None:
    before = rows(old)
    with pytest.raises(StoreRefused):
        migrate(old.url, Plan((orphan,), SCHEMA_VERSION + 1))
    assert rows(old) == before
    assert sql.check_schema(old.url).is_current


def test_what_no_step_leads_from_is_refused(old: SqlHarness) -> None:
    for version, words in ((SCHEMA_VERSION + 1, "install a newer dmcore"), (0, "dmcore upgrade")):
        old.execute(f"UPDATE dm_installation SET schema_version = {version}")
        with pytest.raises(WrongSchema, match=words):
            sql.upgrade(old.url)
    old.execute("DELETE FROM dm_installation")
    with pytest.raises(NotInitialised):
        sql.upgrade(old.url)


def test_what_was_set_up_is_what_the_tables_say(old: SqlHarness) -> None:
    """No difference for Alembic; and one that is made by hand is named."""
    assert sql.upgrade(old.url) == (SCHEMA_VERSION, SCHEMA_VERSION)
    state = sql.check_schema(old.url)
    assert state == sql.SchemaState(found=SCHEMA_VERSION, expected=SCHEMA_VERSION, differences=())
    old.execute("CREATE TABLE somebody_elses (id integer)")
    assert sql.check_schema(old.url).is_current
    old.execute("DROP INDEX ix_dm_report_queue")
    old.execute("ALTER TABLE dm_mailbox ADD COLUMN extra text")
    old.execute("ALTER TABLE dm_journal RENAME COLUMN mode TO way")
    found = sql.check_schema(old.url)
    assert not found.is_current
    assert {it.split()[0] for it in found.differences} == {
        "add_index",
        "add_column",
        "remove_column",
    }
    if isinstance(old, PostgresHarness):
        old.execute("ALTER TABLE dm_report ALTER COLUMN made_at_us DROP NOT NULL")
        assert "modify_nullable dm_report made_at_us" in sql.check_schema(old.url).differences
    old.execute("UPDATE dm_installation SET schema_version = 0")
    assert sql.check_schema(old.url).differences == ()


def test_every_released_schema_is_brought_along(tmp_path: Path, sqlite_url: str) -> None:
    """They are kept as backups, each by its version; the present one goes the same way."""
    sql.initialise(sqlite_url)
    store = SqliteHarness(sqlite_url)
    lived_in(World(store, policy=FULL)).dm.close()
    store.close()
    sql.back_up(sqlite_url, tmp_path / "present")
    assert {int(it.name) for it in KEPT.iterdir()} == set(range(PLAN.oldest, SCHEMA_VERSION))
    for number, folder in enumerate([tmp_path / "present", *sorted(KEPT.iterdir())]):
        url = f"sqlite:///{tmp_path}/{number}.db"
        restored = sql.restore(url, folder)
        assert restored.findings == ()
        assert sql.check_schema(url).is_current


@pytest.mark.promise("MOD-3")
def test_a_report_of_version_7_keeps_what_was_known_of_it(old: SqlHarness, tmp_path: Path) -> None:
    """The last move of each that does not wait; and the history goes on behind it."""
    if isinstance(old, SqliteHarness):
        url = f"sqlite:///{tmp_path}/7.db"
        sql.restore(url, KEPT / "7")
    else:
        url = old.url
        reported_before_8(old)
        back_to_7(old)
        assert sql.upgrade(url) == (7, SCHEMA_VERSION)
    assert sql.check_schema(url).differences == ()
    with sql.open_sync(url, policy=FULL) as dm:
        assert dm.operations("olga").verify() == ()
        desk = dm.moderation("mod")
        lines = desk.reports().items
        known = {it.id: desk.report_history(it.id).items for it in lines}
        assert sorted({it.state for it in lines}) == ["dismissed", "pending", "resolved", "taken"]
        for line in lines:
            if line.state is ReportState.PENDING:
                assert known[line.id] == ()
                continue
            (made,) = known[line.id]
            assert (made.number, made.by, made.at_us) == (1, line.taken_by, line.changed_at_us)
            assert made.outcome is line.outcome
            (after,) = desk.bulk([line.id], "release" if made.move == "take" else "reopen")
            assert after.error is None
            assert [it.number for it in desk.report_history(line.id).items] == [1, 2]
        assert dm.operations("olga").verify() == ()


# What version 8 added, by table.
SINCE_8 = {
    "dm_mailbox": ("devices", "key_changes", "claims", "edits"),
    "dm_conversation": ("low_keys", "high_keys", "low_sealed_at_us", "high_sealed_at_us"),
    "dm_message": ("is_sealed", "franking"),
    "dm_evidence": ("verdict",),
}


def back_to_7(store: SqlHarness) -> None:
    """Take away what version 8 added, from under the rows that are there."""
    for table in ("dm_report_move", "dm_one_time_key", "dm_device"):
        store.execute(f"DROP TABLE {table}")
    for table, columns in SINCE_8.items():
        for column in columns:
            store.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    store.execute("UPDATE dm_installation SET schema_version = 7")


@pytest.mark.promise("CRYPT-2")
def test_rows_of_version_7_have_no_device_and_are_not_sealed(postgres_url: str) -> None:
    """As they would have been written: the same rows, whichever version they are from."""
    sql.initialise(postgres_url)
    store = PostgresHarness(postgres_url)
    lived_in(World(store, policy=FULL)).dm.close()
    store.execute("UPDATE dm_message SET franking = NULL")
    store.execute("UPDATE dm_evidence SET verdict = NULL")
    # Nobody has taken keys: such a window is an empty one.
    store.execute("UPDATE dm_mailbox SET edits = claims")
    before = rows(store)
    back_to_7(store)
    assert sql.upgrade(postgres_url) == (7, SCHEMA_VERSION)
    assert sql.check_schema(postgres_url).differences == ()
    assert rows(store) == before
    defaults = "SELECT count(*) FROM information_schema.columns WHERE column_default IS NOT NULL"
    assert store.rows(f"{defaults} AND table_name LIKE 'dm_%'") == [(0,)]
    store.close()


def reported_before_8(store: SqlHarness) -> None:
    """Reports in every state, one of them reopened."""
    world = World(store, policy=attrs.evolve(FULL, reports=None))
    desk = world.dm.moderation("mod")
    waits, taken, resolved, dismissed, reopened = (
        world.ann.report("eve", reason="spam", key=str(number)).id for number in range(5)
    )
    assert desk.report(waits).state is ReportState.PENDING
    for report in (taken, resolved, dismissed, reopened):
        desk.take(report)
    desk.resolve(resolved, "warned")
    desk.dismiss(dismissed)
    desk.resolve(reopened, "referred")
    desk.reopen(reopened)


def test_the_steps_as_sql(postgres_url: str, sqlite_url: str) -> None:
    sql.initialise(postgres_url)
    store = PostgresHarness(postgres_url)
    lived_in(World(store, policy=FULL)).dm.close()
    assert sql.upgrade_sql(postgres_url) == ""
    script = planned_sql(postgres_url, NEXT)
    assert "Row-level security" not in script
    for statement in script.split(";"):
        if statement.strip() not in {"", "BEGIN", "COMMIT"}:
            store.execute(statement)
    assert differences(store) == []
    assert store.rows("SELECT schema_version FROM dm_installation") == [(SCHEMA_VERSION + 2,)]
    store.close()
    sql.initialise(sqlite_url)
    with pytest.raises(InvalidSetting):
        sql.upgrade_sql(sqlite_url)


@pytest.mark.promise("OPS-7")
def test_row_level_security_is_made_anew_around_a_step(
    logins: Logins, postgres_server: PostgresServer
) -> None:
    url = postgres_server.create_database()
    sql.initialise(url, roles=logins.prefix)
    assert "dmcore init --rls" in planned_sql(url, NEXT)
    migrate(url, NEXT)
    store = PostgresHarness(url)
    back_to_the_present(store)
    assert store.rows("SELECT count(*) FROM dm_moderation_report") == [(0,)]
    store.close()
    postgres_server.drop_database(url)


@pytest.mark.promise("OPS-6", "OPS-7")
def test_under_row_level_security_who_is_granted_the_owner_upgrades_and_nobody_else(
    logins: Logins, postgres_server: PostgresServer
) -> None:
    """No right to grant roles is needed where they are there already."""
    url = postgres_server.create_database()
    sql.initialise(url, roles=logins.prefix)
    name = make_url(url).database

    def of(*roles: str) -> str:
        login = make_url(logins.of(*roles)).set(database=name)
        return login.render_as_string(hide_password=False)

    with pytest.raises(WrongRole, match=f"not granted {logins.prefix}_owner"):
        migrate(of("application", "operator"), NEXT)
    assert sql.check_schema(url).is_current
    assert migrate(of("owner"), NEXT) == (SCHEMA_VERSION, SCHEMA_VERSION + 2)
    store = PostgresHarness(url)
    back_to_the_present(store)
    assert store.rows("SELECT count(*) FROM dm_moderation_move") == [(0,)]
    store.close()
    postgres_server.drop_database(url)


def test_the_plan_ends_at_the_schema_of_this_dmcore() -> None:
    assert PLAN.newest == SCHEMA_VERSION
    assert PLAN.oldest == SCHEMA_VERSION - len(PLAN.migrations)
    assert "dm_installation" in metadata.tables
