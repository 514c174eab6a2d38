"""Raw SQL under the application's role: no identity, a wrong one, the right one, and tricks."""

from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import psycopg
import pytest
from psycopg import errors
from tests.rls.conftest import Logins

from dmcore import Message
from dmcore.adapters.sql import metadata
from dmcore.testing.world import World

TEXT = "the key is under the third pot"
TABLES = [it.name for it in metadata.sorted_tables if it.name != "dm_installation"]


@pytest.fixture
def said(secured: World) -> Message:
    """What Ann said to Bob, beside a conversation of two others and an answer."""
    secured.cyd.start("dan", "nobody's business")
    said = secured.ann.start("bob", TEXT)
    secured.bob.mark_read(said.conversation, through=said.id)
    secured.bob.block("eve")
    secured.ann.report("bob", conversation=said.conversation, messages=[said.id], reason="spam")
    return said


@attrs.frozen
class Session:
    """One transaction of a login that acts as somebody."""

    connection: psycopg.Connection

    def act(self, user: str, *, capacity: str = "participant", tenant: str = "") -> None:
        for name, value in (("capacity", capacity), ("tenant", tenant), ("user", user)):
            self.connection.execute("SELECT set_config(%s, %s, true)", (f"dmcore.{name}", value))

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        return self.connection.execute(statement.encode(), values).fetchall()

    def count(self, table: str) -> int:
        return int(str(self.rows(f"SELECT count(*) FROM {table}")[0][0]))

    def changed(self, statement: str, *values: object) -> int:
        return self.connection.execute(statement.encode(), values).rowcount

    @contextmanager
    def refused(self, kind: type[psycopg.Error] = errors.InsufficientPrivilege) -> Iterator[None]:
        """What the block does is refused, and undone, without a word of a text."""
        with pytest.raises(kind) as caught, self.connection.transaction():
            yield
        assert TEXT not in f"{caught.value} {caught.value.diag.message_detail}"


@pytest.fixture
def session(logins: Logins, said: Message) -> Iterator[Session]:
    assert said.body is not None
    with logins.connect("application") as connection:
        yield Session(connection)
        connection.rollback()


# Who sees what ------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-7")
@pytest.mark.parametrize("table", TABLES)
def test_without_an_identity_no_table_shows_a_row(session: Session, table: str) -> None:
    assert session.count(table) == 0


@pytest.mark.promise("OPS-7")
@pytest.mark.parametrize("capacity", ["", "participant", "moderator", "host", "operator", "root"])
def test_an_identity_without_a_user_shows_no_text(session: Session, capacity: str) -> None:
    session.act("", capacity=capacity)
    assert (session.count("dm_message"), session.count("dm_evidence")) == (0, 0)


@pytest.mark.promise("OPS-7")
def test_each_of_the_two_sees_the_message_and_no_other(session: Session) -> None:
    for user in ("ann", "bob"):
        session.act(user)
        assert session.rows("SELECT body FROM dm_message") == [(TEXT,)]
        assert session.count("dm_conversation") == 1


@pytest.mark.promise("OPS-7")
@pytest.mark.parametrize(
    ("user", "tenant"), [("eve", ""), ("ann", "elsewhere"), ("ANN", ""), ("ann' OR '1'='1", "")]
)
def test_who_is_not_in_the_conversation_sees_nothing_of_it(
    session: Session, user: str, tenant: str
) -> None:
    session.act(user, tenant=tenant)
    for table in ("dm_message", "dm_conversation", "dm_receipt", "dm_report_message"):
        assert session.count(table) == 0
    assert session.rows("SELECT 1 FROM dm_side WHERE other <> %s", user) == []


@pytest.mark.promise("OPS-7")
@pytest.mark.parametrize("capacity", ["moderator", "host", "operator"])
def test_no_other_capacity_shows_this_role_a_message(session: Session, capacity: str) -> None:
    session.act("ann", capacity=capacity)
    assert session.count("dm_message") == 0


@pytest.mark.promise("OPS-7")
def test_a_conversation_that_only_the_other_has_shows_its_messages_to_the_other_alone(
    session: Session, logins: Logins
) -> None:
    hidden = "SELECT body FROM dm_message WHERE sender = 'eve'"
    with psycopg.connect(logins.admin) as admin:
        admin.execute(
            "INSERT INTO dm_conversation SELECT gen_random_uuid(), '', 'bob', 'eve', newest,"
            " newest, false, NULL, NULL, NULL, NULL, NULL, NULL, 0, true, false, false, NULL, NULL,"
            " NULL, NULL, true, newest, newest, newest, NULL, NULL, NULL, 0, false, false, false,"
            " NULL, NULL, NULL, NULL FROM dm_conversation WHERE low = 'ann'"
        )
        admin.execute(
            "INSERT INTO dm_message (conversation_id, id, sender, body, sent_at_us, sender_only,"
            " hidden_by_sender, hidden_by_recipient, is_sealed) SELECT id, newest, 'eve',"
            " 'into the void', 0, true, false, false, false FROM dm_conversation WHERE high = 'eve'"
        )
    session.connection.rollback()
    session.act("bob")
    assert session.rows(hidden) == []
    session.act("eve")
    assert session.rows(hidden) == [("into the void",)]


@pytest.mark.promise("OPS-7")
def test_an_identity_ends_with_its_transaction(session: Session) -> None:
    session.act("ann")
    assert session.count("dm_message") == 1
    session.connection.commit()
    assert session.count("dm_message") == 0


# Writing ------------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-7")
def test_nobody_writes_into_a_conversation_of_others(session: Session, said: Message) -> None:
    insert = (
        "INSERT INTO dm_message (conversation_id, id, sender, body, sent_at_us, sender_only,"
        " hidden_by_sender, hidden_by_recipient, is_sealed)"
        " VALUES (%s, gen_random_uuid(), %s, 'x', 0, false, false, false, false)"
    )
    session.act("eve")
    for sender in ("eve", "ann"):
        with session.refused():
            session.changed(insert, said.conversation, sender)
    session.act("bob")
    with session.refused():
        session.changed(insert, said.conversation, "ann")
    assert session.changed(insert, said.conversation, "bob") == 1


@pytest.mark.promise("OPS-7")
def test_of_the_others_message_one_changes_only_whether_one_sees_it(session: Session) -> None:
    session.act("bob")
    for change in ("body = 'forged'", "body = NULL", "hidden_by_sender = true", "edited_at_us = 1"):
        with session.refused():
            session.changed(f"UPDATE dm_message SET {change}")
    assert session.changed("UPDATE dm_message SET hidden_by_recipient = true") == 1
    session.act("ann")
    assert session.changed("UPDATE dm_message SET body = 'mine to edit'") == 1


@pytest.mark.promise("OPS-7")
def test_a_row_is_not_reached_by_its_place_either(session: Session) -> None:
    session.act("eve")
    change = "UPDATE dm_message SET body = 'x' WHERE ctid = ANY(ARRAY['(0,1)', '(0,2)']::tid[])"
    assert session.changed(change) == 0
    assert session.rows("SELECT body FROM dm_message WHERE ctid = '(0,1)'") == []


@pytest.mark.promise("OPS-7")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM dm_message",
        "TRUNCATE dm_message CASCADE",
        "DELETE FROM dm_journal",
        "UPDATE dm_journal SET actor = 'bob'",
        "UPDATE dm_message SET sender = 'bob'",
        "UPDATE dm_conversation SET high = 'eve'",
        "UPDATE dm_installation SET mode = 'on'",
        "ALTER TABLE dm_message DISABLE ROW LEVEL SECURITY",
        "DROP POLICY dm_participant_read ON dm_message",
        "CREATE POLICY open ON dm_message USING (true)",
        "CREATE TRIGGER spy BEFORE UPDATE ON dm_message EXECUTE FUNCTION dm_refuse()",
        "SELECT * FROM dm_moderation_report",
        "SELECT * FROM pg_statistic",
    ],
)
def test_what_no_use_case_needs_is_not_granted(session: Session, statement: str) -> None:
    session.act("ann")
    with session.refused():
        session.changed(statement)


@pytest.mark.promise("OPS-7")
def test_nobody_notes_what_others_did_or_blocks_for_them(session: Session) -> None:
    session.act("ann")
    with session.refused():
        session.changed(
            "INSERT INTO dm_journal (tenant, user_id, position, at_us, action, actor)"
            " VALUES ('', 'bob', 99, 0, 'message_sent', 'eve')"
        )
    with session.refused():
        session.changed("INSERT INTO dm_block VALUES ('', 'bob', 'ann', 0, 99)")


@pytest.mark.promise("OPS-7", "MOD-2")
def test_the_history_of_a_report_is_for_who_may_find_it(session: Session, secured: World) -> None:
    """Not for the two whom it is about, nor for another tenant; and each adds to it for oneself."""
    desk = secured.dm.moderation("mod")
    (line,) = desk.reports().items
    desk.take(line.id)
    for capacity, user, tenant, seen in (
        ("participant", "ann", "", 0),
        ("participant", "bob", "", 0),
        ("participant", "mod", "", 0),
        ("moderator", "bob", "", 0),
        ("moderator", "mod", "north", 0),
        ("moderator", "mia", "", 1),
    ):
        session.act(user, capacity=capacity, tenant=tenant)
        assert session.count("dm_report_move") == seen
        with session.refused():
            session.changed(
                "INSERT INTO dm_report_move (report_id, number, tenant, move, made_by, at_us)"
                " VALUES (%s, 2, %s, 'release', 'mod', 1)",
                line.id,
                tenant,
            )
    for statement in ("DELETE FROM dm_report_move", "UPDATE dm_report_move SET made_by = 'mia'"):
        with session.refused():
            session.changed(statement)


@pytest.mark.promise("OPS-7")
def test_a_report_of_another_gets_no_messages_and_no_evidence(session: Session) -> None:
    session.act("ann")
    [(report,)] = session.rows("SELECT id FROM dm_report")
    session.act("eve")
    for statement in (
        "INSERT INTO dm_report_message VALUES (%s, gen_random_uuid())",
        "INSERT INTO dm_evidence VALUES (%s, gen_random_uuid(), 'bob', 'forged', 0, NULL)",
    ):
        with session.refused():
            session.changed(statement, report)


# Tricks -------------------------------------------------------------------------------------------


@pytest.mark.promise("OPS-7")
def test_a_function_in_a_condition_is_not_shown_what_is_hidden(session: Session) -> None:
    told: list[str] = []
    session.connection.add_notice_handler(lambda it: told.append(it.message_primary or ""))
    function = (
        "CREATE FUNCTION pg_temp.spy(text) RETURNS boolean LANGUAGE plpgsql {}COST 0.0000001"
        " AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
    )
    with session.refused():
        session.connection.execute(function.format("LEAKPROOF ").encode())
    session.connection.execute(function.format("").encode())
    session.act("eve")
    session.rows("SELECT count(*) FROM dm_message WHERE pg_temp.spy(body)")
    session.rows("SELECT 1 FROM dm_message WHERE (body || sender)::text ~ 'pot' AND body::int = 1")
    assert told == []
    session.act("ann")
    session.rows("SELECT count(*) FROM dm_message WHERE pg_temp.spy(body)")
    assert told == [TEXT]


@pytest.mark.promise("OPS-7")
def test_statistics_and_plans_show_no_text(session: Session, logins: Logins) -> None:
    with psycopg.connect(logins.admin, autocommit=True) as admin:
        admin.execute("ANALYZE")
    session.connection.rollback()
    assert session.rows("SELECT tablename FROM pg_stats WHERE starts_with(tablename, 'dm_')") == [
        ("dm_installation",)
    ] * len(metadata.tables["dm_installation"].columns)
    session.act("eve")
    plan = session.rows("EXPLAIN (ANALYZE, VERBOSE) SELECT body FROM dm_message WHERE body > 'a'")
    assert TEXT not in str(plan)


@pytest.mark.promise("OPS-7")
def test_copying_is_held_to_the_same_rows(session: Session) -> None:
    session.act("eve")
    with session.connection.cursor().copy("COPY dm_message TO STDOUT") as copied:
        assert list(copied) == []
    with (
        session.refused(errors.FeatureNotSupported),
        session.connection.cursor().copy("COPY dm_message FROM STDIN") as copied,
    ):
        copied.write_row([])
    session.act("ann")
    with session.connection.cursor().copy("COPY (SELECT body FROM dm_message) TO STDOUT") as copied:
        assert b"".join(bytes(it) for it in copied).decode().strip() == TEXT


@pytest.mark.promise("OPS-7")
def test_switching_the_filter_off_is_an_error_and_no_way_in(session: Session) -> None:
    session.act("ann")
    with session.refused():
        session.connection.execute("SET LOCAL row_security = off")
        session.rows("SELECT * FROM dm_message")
    for role in ("owner", "operator", "backup"):
        with session.refused():
            session.connection.execute(f"SET ROLE {said_role(session, role)}".encode())


def said_role(session: Session, kind: str) -> str:
    [(login,)] = session.rows("SELECT current_user")
    return f"{str(login).partition('_login')[0]}_{kind}"


@pytest.mark.promise("OPS-7")
def test_a_row_that_is_there_already_is_not_described(session: Session, said: Message) -> None:
    session.act("bob")
    with session.refused(errors.UniqueViolation):
        session.changed(
            "INSERT INTO dm_message (conversation_id, id, sender, body, sent_at_us, sender_only,"
            " hidden_by_sender, hidden_by_recipient, is_sealed)"
            " VALUES (%s, %s, 'bob', 'x', 0, false, false, false, false)",
            said.conversation,
            said.id,
        )


@pytest.mark.promise("OPS-7")
def test_no_function_of_ours_lends_its_makers_rights(session: Session) -> None:
    assert session.rows("SELECT proname FROM pg_proc WHERE prosecdef AND proname ~ '^dm_'") == []


def test_a_read_that_states_an_identity_itself_is_not_held(session: Session) -> None:
    """A known limit, which the threat model tells of: nobody but a superuser can take this away."""
    session.act("eve")
    assert session.count("dm_message") == 0
    found = session.rows(
        "WITH me AS MATERIALIZED (SELECT set_config('dmcore.user', 'ann', true) AS name)"
        " SELECT body FROM me CROSS JOIN LATERAL"
        " (SELECT body FROM dm_message WHERE sender = me.name) AS seen"
    )
    assert found == [(TEXT,)]
