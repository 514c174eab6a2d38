"""The other roles: the owner, operations, moderators' views, backups."""

from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from tests.rls.conftest import Logins
from tests.support.sealed import Keys

from dmcore import Action, Entry, Message, Policy
from dmcore.adapters import sql
from dmcore.adapters.relay import Callback, Relay
from dmcore.adapters.sql import metadata
from dmcore.domain.body import Body
from dmcore.errors import WrongRole
from dmcore.ports.installation import RowSecurity
from dmcore.testing.world import World

TEXT = "the key is under the third pot"
TABLES = [it.name for it in metadata.sorted_tables if it.name != "dm_installation"]
# How far events have come out is nothing that a site has to know.
CLOSED = {"dm_consumer", "dm_mark", "dm_aside"}
VIEWS = ["dm_moderation_report", "dm_moderation_message", "dm_moderation_move"]


@pytest.fixture
def said(secured: World) -> Message:
    """What Ann said to Bob, who reported it with its text, and Ann reported him."""
    said = secured.ann.start("bob", TEXT)
    shown = secured.open(Policy(evidence="reporter_selected"))
    with shown:
        shown.mailbox("bob").report(
            "ann", conversation=said.conversation, messages=[said.id], reason="spam"
        )
    about_bob = secured.ann.report("bob", reason="spam")
    secured.dm.moderation("mia").take(about_bob.id)
    return said


def act(
    connection: psycopg.Connection, capacity: str, user: str = "olga", tenant: str = ""
) -> None:
    for name, value in (("capacity", capacity), ("tenant", tenant), ("user", user)):
        connection.execute("SELECT set_config(%s, %s, true)", (f"dmcore.{name}", value))


def count(connection: psycopg.Connection, table: str) -> int:
    [(found,)] = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()
    return int(found)


# Every table -------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-7")
def test_every_table_but_the_installations_is_secured_even_from_its_owner(logins: Logins) -> None:
    with psycopg.connect(logins.admin) as admin:
        found = admin.execute(
            "SELECT relname, relrowsecurity AND relforcerowsecurity, pg_get_userbyid(relowner)"
            " FROM pg_class WHERE relkind = 'r' AND starts_with(relname, 'dm_')"
        ).fetchall()
    owner = f"{logins.prefix}_owner"
    assert sorted(found) == sorted(
        [("dm_installation", False, owner), *((name, True, owner) for name in TABLES)]
    )


@pytest.mark.promise("OPS-7")
@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_rules_for_the_site_or_is_closed_to_it(logins: Logins, table: str) -> None:
    """A table that nobody gave a rule shows the site nothing, and its feature does not work."""
    with psycopg.connect(logins.admin) as admin:
        found = {
            name
            for (name,) in admin.execute(
                "SELECT polname FROM pg_policy WHERE polrelid = %s::regclass", (table,)
            )
        }
    assert {"dm_operator", "dm_backup"} <= found
    is_open = any(name.startswith(("dm_participant_", "dm_moderator_")) for name in found)
    assert is_open is not (table in CLOSED)


# The owner and operations -------------------------------------------------------------------------


@pytest.mark.promise("OPS-7")
@pytest.mark.parametrize("role", ["owner", "operator"])
@pytest.mark.usefixtures("said")
def test_even_who_owns_the_tables_sees_nothing_before_saying_as_what(
    logins: Logins, role: str
) -> None:
    with logins.connect(role) as connection:
        for table in TABLES:
            assert count(connection, table) == 0
        act(connection, "participant", "ann")
        assert count(connection, "dm_message") == 0
        act(connection, "operator")
        assert count(connection, "dm_message") == 1
        connection.rollback()
        assert count(connection, "dm_message") == 0


@pytest.mark.promise("OPS-7")
def test_a_site_without_the_operators_role_operates_nothing_and_is_told_so(
    logins: Logins, secured: World
) -> None:
    before = secured.harness.contents()
    with sql.open_sync(logins.of("application")) as site:
        site.mailbox("ann").unread()
        for act in (
            site.operations("olga").status,
            site.operations("olga").verify,
            lambda: site.operations("olga").set_mode("off"),
        ):
            with pytest.raises(WrongRole, match=f"not granted {logins.prefix}_operator"):
                act()
    with sql.open_sync(logins.of("operator")) as desk:
        assert desk.operations("olga").status().row_security is RowSecurity.ON
        assert desk.operations("olga").verify() == ()
        with pytest.raises(WrongRole, match=f"not granted {logins.prefix}_application"):
            desk.mailbox("ann").unread()
    assert secured.harness.contents() == before


@pytest.mark.promise("OPS-7", "CRYPT-1", "AUD-1")
def test_texts_are_encrypted_by_the_operators_login_and_not_by_the_sites(
    logins: Logins, secured: World, tmp_path: Path
) -> None:
    secured.ann.start("bob", TEXT)
    encryption = Keys(tmp_path).make().encryption()
    site, desk = logins.of("application"), logins.of("operator")
    try:
        with pytest.raises(WrongRole):
            sql.encrypt(site, encryption=encryption)
        assert not sql.is_encrypted(desk)
        assert sql.encrypt(desk, encryption=encryption, operator="olga")
        with pytest.raises(WrongRole):
            next(sql.seal(site, encryption=encryption))
        assert list(sql.seal(desk, encryption=encryption, operator="olga"))[-1].sealed == 1
        with sql.open_sync(desk, encryption=encryption) as dm:
            noted = [it.fact.action for it in dm.operations("olga").audit("olga").items]
        assert noted[-2:] == [Action.ENCRYPTION_TURNED_ON, Action.TEXTS_SEALED]
    finally:
        with psycopg.connect(logins.admin, autocommit=True) as admin:
            admin.execute("UPDATE dm_installation SET keyring = NULL")
        encryption.close()


# Moderators ---------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-7")
@pytest.mark.promise("MOD-2")
@pytest.mark.usefixtures("said")
def test_a_moderators_login_reads_the_views_and_no_table(logins: Logins) -> None:
    with logins.connect("moderator") as connection:
        act(connection, "moderator", "mod")
        assert [count(connection, view) for view in VIEWS] == [2, 1, 1]
        for table in [*TABLES, "dm_installation"]:
            with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
                count(connection, table)


@pytest.mark.promise("OPS-7")
@pytest.mark.promise("MOD-2")
@pytest.mark.usefixtures("said")
@pytest.mark.parametrize(
    ("capacity", "user", "tenant", "seen"),
    [
        ("", "", "", [0, 0, 0]),
        ("participant", "ann", "", [0, 0, 0]),
        ("moderator", "mod", "elsewhere", [0, 0, 0]),
        ("moderator", "ann", "", [1, 0, 1]),
        ("moderator", "bob", "", [1, 1, 0]),
    ],
)
def test_the_views_show_reports_of_one_tenant_and_none_about_the_moderator(
    logins: Logins, capacity: str, user: str, tenant: str, seen: list[int]
) -> None:
    with logins.connect("moderator") as connection:
        act(connection, capacity, user, tenant)
        assert [count(connection, view) for view in VIEWS] == seen


@pytest.mark.promise("MOD-2")
def test_the_views_have_no_column_that_could_hold_a_text(logins: Logins) -> None:
    with psycopg.connect(logins.admin) as admin:
        found = admin.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE starts_with(table_name, 'dm_moderation_') ORDER BY 1, ordinal_position"
        ).fetchall()
    named = [("dm_moderation_message", name) for name in ("report_id", "message_id")]
    moves = ("report_id", "number", "move", "made_by", "at_us", "outcome")
    assert found == [
        *named,
        *(("dm_moderation_move", name) for name in moves),
        *(
            ("dm_moderation_report", name)
            for name in (
                *("id", "reporter", "reported", "conversation_id", "chosen", "reason"),
                *("made_at_us", "changed_at_us", "flags", "state", "taken_by", "outcome"),
            )
        ),
    ]


@pytest.mark.promise("MOD-2")
@pytest.mark.usefixtures("said")
def test_evidence_is_shown_to_who_holds_its_report_alone(logins: Logins, secured: World) -> None:
    shown = secured.open(Policy(evidence="reporter_selected"))
    desk = shown.moderation("mod")
    [line] = [it for it in desk.reports().items if it.reported == "ann"]

    def seen(user: str) -> list[tuple[object, ...]]:
        with logins.connect("application") as connection:
            act(connection, "moderator", user)
            return connection.execute("SELECT body FROM dm_evidence").fetchall()

    assert seen("mod") == []
    desk.take(line.id)
    assert (seen("mod"), seen("ann"), seen("other")) == ([(TEXT,)], [], [])
    assert [it.body for it in desk.evidence(line.id)] == [Body(TEXT)]
    desk.dismiss(line.id)
    assert seen("mod") == []


# Backups ------------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-7")
@pytest.mark.usefixtures("said")
@pytest.mark.parametrize("table", [*TABLES, "dm_installation"])
def test_a_backup_holds_every_row_and_writes_none(logins: Logins, table: str) -> None:
    with psycopg.connect(logins.admin) as admin, logins.connect("backup") as connection:
        assert count(connection, table) == count(admin, table)
        with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
            connection.execute(f"DELETE FROM {table}".encode())
        with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copied:
            assert len(list(copied)) == count(admin, table)


# The relay ---------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-7", "OPS-8")
def test_the_relay_runs_as_operations_and_the_site_sees_nothing_of_it(
    logins: Logins, secured: World
) -> None:
    """Not even of its own users: who runs the relay is granted the operators' role and no other."""
    here = secured.ann.start("bob", TEXT).conversation
    with sql.open_sync(logins.of("operator")) as desk:
        operations = desk.operations("olga")
        operations.add_consumer("hook")
        delivered: list[str] = []

        def some(event: Entry) -> None:
            if event.owner.id == "bob":
                raise LookupError
            delivered.append(event.owner.id)

        relay = Relay(operations, Callback(some), name="hook", attempts=1)
        assert relay.run_once().set_aside == 1
        assert "ann" in delivered
        (reference,) = operations.references("bob", conversation=here)
        assert (reference.other, reference.unread) == ("ann", 1)
    with logins.connect("application") as connection:
        for capacity in ("participant", "moderator", "operator", "host"):
            act(connection, capacity, "ann")
            assert [count(connection, table) for table in sorted(CLOSED)] == [0, 0, 0]
    with sql.open_sync(logins.of("application")) as site, pytest.raises(WrongRole):
        Relay(site.operations("olga"), Callback(print), name="hook").run_once()
