"""A pair has one conversation, whoever begins it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from psycopg import sql as words
from sqlalchemy.exc import IntegrityError
from tests.contract.conftest import MakeWorld
from tests.support.stores import Harness, MemoryHarness, PostgresHarness, SqlHarness, engine_of
from tests.support.world import NOON_US, UNLIMITED, World, inbox_of, others, texts, thread_of

from dmcore import Action, DirectMessages, Mailbox
from dmcore.adapters import sql
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.ids import SeededEntropy
from dmcore.adapters.sql import SqlTransactions, metadata
from dmcore.errors import CannotMessageYourself, InvalidId, StoreRefused
from dmcore.testing.postgres import PostgresServer

# Ids that case, locale, normal forms, number order or UTF-16 order would sort or match otherwise
# than by code point.
CONFUSABLE = (
    ("ann", "Bob"),
    ("ann", "Ann"),
    ("ann", "ann "),
    ("\u00e9", "e\u0301"),
    ("ß", "ss"),
    ("I", "ı"),
    ("10", "9"),
    ("a-b", "ab"),
    ("z", "\u00e4"),
    ("\uffff", "\U00010000"),
    ("\ufb03", "\U0001f600"),
    ("ا", "a"),
    ("a%", "a_"),
    ("x" * 255, "x" * 254),
)

NO_USERS = {
    "empty": "",
    "256 characters": "x" * 256,
    "NUL": "a\0b",
    "newline": "a\nb",
    "C1 control": "a\x85b",
    "lone surrogate": "a\ud800b",
}


@pytest.mark.promise("PAIR-1", "PAIR-2")
def test_both_directions_lead_to_one_conversation(world: World) -> None:
    there = world.ann.start("bob", "one")
    back = world.bob.start("ann", "two")
    again = world.ann.start("bob", "three")
    reply = world.bob.send(there.conversation, "four")

    assert {it.conversation for it in (there, back, again, reply)} == {there.conversation}
    assert world.olga.status().conversations == 1
    for box in (world.ann, world.bob):
        assert texts(thread_of(box, there.conversation)) == ["one", "two", "three", "four"]


@pytest.mark.promise("PAIR-2")
def test_a_start_in_an_existing_conversation_is_an_ordinary_message(world: World) -> None:
    world.ann.start("bob", "one")
    world.ann.start("bob", "two")
    world.bob.start("ann", "three")

    actions = [Action.CONVERSATION_STARTED, Action.MESSAGE_SENT, Action.MESSAGE_SENT]
    assert [entry.fact.action for entry in world.journal("ann")] == actions
    assert [entry.fact.action for entry in world.journal("bob")] == actions


@pytest.mark.promise("PAIR-1")
@pytest.mark.parametrize("names", CONFUSABLE, ids=ascii)
def test_users_are_told_apart_and_ordered_by_code_point(
    world: World, names: tuple[str, str]
) -> None:
    one, other = names
    first = world.dm.mailbox(one).start(other, "one")
    second = world.dm.mailbox(other).start(one, "two")

    assert first.conversation == second.conversation
    assert texts(thread_of(world.dm.mailbox(one), first.conversation)) == ["one", "two"]
    assert others(world.dm.mailbox(one).inbox()) == [other]
    assert others(world.dm.mailbox(other).inbox()) == [one]
    assert world.is_sound()


@pytest.mark.promise("PAIR-1")
@pytest.mark.parametrize("names", CONFUSABLE, ids=ascii)
def test_names_that_look_alike_are_two_partners(world: World, names: tuple[str, str]) -> None:
    with_one, with_other = (world.dan.start(name, name) for name in names)

    assert with_one.conversation != with_other.conversation
    for name, message in zip(names, (with_one, with_other), strict=True):
        assert texts(thread_of(world.dm.mailbox(name), message.conversation)) == [name]


@pytest.mark.promise("PAIR-1")
def test_the_same_two_names_in_two_tenants_are_two_pairs(world: World) -> None:
    here = world.ann.start("bob", "here")
    there = world.dm.mailbox("bob", tenant="north").start("ann", "there")

    assert here.conversation != there.conversation
    assert texts(thread_of(world.ann, here.conversation)) == ["here"]
    north = world.dm.mailbox("ann", tenant="north")
    assert texts(thread_of(north, there.conversation)) == ["there"]
    assert [entry.conversation for entry in inbox_of(north)] == [there.conversation]


@pytest.mark.promise("PAIR-1")
def test_a_tenant_cannot_be_shifted_into_a_name(world: World) -> None:
    """The parts of a pair keep their borders: ("a", "b|c") is not ("ab", "|c")."""
    made = {
        world.dm.mailbox("cd", tenant="ab").start("e", "1").conversation,
        world.dm.mailbox("cd", tenant="a").start("be", "2").conversation,
        world.dm.mailbox("d", tenant="abc").start("e", "3").conversation,
        world.dm.mailbox("abcd").start("e", "4").conversation,
        world.dm.mailbox("abc").start("de", "5").conversation,
    }
    assert len(made) == 5


@pytest.mark.promise("PAIR-1")
def test_a_conversation_id_is_the_same_in_every_process_and_tells_no_time(world: World) -> None:
    first = world.ann.start("bob", "one")
    world.tick(seconds=86_400)
    elsewhere = world.open().mailbox("bob").start("ann", "two")

    assert elsewhere.conversation == first.conversation
    assert first.conversation.version == 8


@pytest.mark.promise("PAIR-1")
def test_two_installations_have_different_ids_for_the_same_pair(world: World) -> None:
    with_another_namespace = MemoryHarness()
    other = World(with_another_namespace)
    assert world.ann.start("bob", "x").conversation != other.ann.start("bob", "x").conversation


@pytest.mark.promise("PAIR-2")
def test_many_at_once_from_both_directions_begin_one_conversation(world: World) -> None:
    def begin(number: int) -> UUID:
        boxes: tuple[tuple[Mailbox, str], ...] = ((world.ann, "bob"), (world.bob, "ann"))
        box, other = boxes[number % 2]
        return box.start(other, str(number)).conversation

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(begin, range(24)))

    assert len(found) == 1
    (conversation,) = found
    said = texts(thread_of(world.ann, conversation))
    assert sorted(map(int, said)) == list(range(24))
    starts = [
        entry.fact
        for entry in world.journal("ann")
        if entry.fact.action is Action.CONVERSATION_STARTED
    ]
    assert len(starts) == 1
    assert world.is_sound()


@pytest.mark.promise("PAIR-3")
def test_nobody_meets_themselves(world: World) -> None:
    with world.unchanged():
        for attempt in (
            world.ann.block,
            world.ann.unblock,
            lambda name: world.ann.start(name, "x"),
        ):
            with pytest.raises(CannotMessageYourself) as caught:
                attempt("ann")
            assert caught.value.code == "cannot_message_yourself"


@pytest.mark.promise("PAIR-1")
@pytest.mark.parametrize("name", NO_USERS.values(), ids=NO_USERS)
def test_what_is_no_user_id_is_refused_at_the_border(world: World, name: str) -> None:
    attempts = (
        lambda: world.dm.mailbox(name),
        lambda: world.dm.operations(name),
        lambda: world.ann.start(name, "x"),
        lambda: world.ann.block(name),
        lambda: world.ann.unblock(name),
        lambda: world.ann.can_see_profile(name),
        lambda: world.olga.audit(name),
    )
    with world.unchanged():
        for attempt in attempts:
            with pytest.raises(InvalidId) as caught:
                attempt()
            assert caught.value.details["kind"] == "user"


@pytest.mark.promise("PAIR-1")
def test_a_tenant_is_an_id_or_empty(world: World) -> None:
    for name in (name for name in NO_USERS.values() if name):
        with pytest.raises(InvalidId) as caught:
            world.dm.mailbox("ann", tenant=name)
        assert caught.value.details["kind"] == "tenant"


# The second net (ADR 17) ------------------------------------------------------------------------


def _copy(**changes: str) -> str:
    """A statement that copies the one conversation there is, with some values replaced."""
    values = (changes.get(it.name, it.name) for it in metadata.tables["dm_conversation"].columns)
    return f"INSERT INTO dm_conversation SELECT {', '.join(values)} FROM dm_conversation"


@pytest.mark.promise("PAIR-1")
def test_the_database_itself_refuses_a_second_row_of_a_pair(sql_world: World) -> None:
    message = sql_world.ann.start("bob", "x")
    harness = sql_world.harness
    assert isinstance(harness, SqlHarness)
    assert message.id != message.conversation
    with sql_world.unchanged(), pytest.raises(IntegrityError):
        harness.execute(_copy(id="newest"))


@pytest.mark.promise("PAIR-1")
def test_the_database_itself_refuses_a_pair_out_of_order(sql_world: World) -> None:
    sql_world.ann.start("bob", "x")
    harness = sql_world.harness
    assert isinstance(harness, SqlHarness)
    for pair in ({"low": "high", "high": "low"}, {"low": "'x'", "high": "'x'"}):
        with sql_world.unchanged(), pytest.raises(IntegrityError):
            harness.execute(_copy(id="newest", tenant="'south'", **pair))


@pytest.mark.promise("PAIR-1")
def test_a_pair_that_exists_under_another_id_is_an_error_and_no_second_conversation(
    sql_harness: SqlHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a namespace that was changed by hand; retrying cannot help, so it must end."""
    monkeypatch.setattr("dmcore.adapters.sql._transactions._PATIENCE_S", 0.05)
    world = World(sql_harness)
    world.ann.start("bob", "x")
    stranger = DirectMessages(
        policy=UNLIMITED,
        transactions=SqlTransactions(engine_of(world.dm), b"another namespace"),
        clock=world.clock,
        entropy=world.entropy,
    )
    with world.unchanged(), pytest.raises(StoreRefused):
        stranger.mailbox("ann").start("bob", "y")


@pytest.mark.promise("PAIR-1")
def test_every_column_that_holds_an_id_compares_by_code_point(
    postgres_harness: PostgresHarness,
) -> None:
    rows = postgres_harness.rows(
        "SELECT table_name, column_name, collation_name FROM information_schema.columns"
        " WHERE table_name LIKE 'dm\\_%' AND data_type = 'text'"
    )
    free = {"mode", "action", "body"}
    assert {name for _, name, _ in rows} > free
    assert [row for row in rows if row[1] not in free and row[2] != "C"] == []


@pytest.fixture
def foreign_order(postgres_server: PostgresServer) -> Iterator[str]:
    """A database that sorts "ann" before "Bob", as people do and code points do not."""
    address = postgres_server.create_database()
    postgres_server.drop_database(address)
    name = urlsplit(address).path.removeprefix("/")
    scheme, _, rest = postgres_server.url().partition("://")
    make = words.SQL(
        "CREATE DATABASE {} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'"
    ).format(words.Identifier(name))
    with psycopg.connect(f"{scheme.partition('+')[0]}://{rest}", autocommit=True) as connection:
        try:
            connection.execute(make)
        except psycopg.Error as error:
            pytest.skip(f"this server has no ICU locales ({error.sqlstate})")
    yield address
    postgres_server.drop_database(address)


@pytest.mark.promise("PAIR-1")
def test_the_collation_of_the_database_cannot_flip_a_pair(foreign_order: str) -> None:
    sql.initialise(foreign_order)
    harness = PostgresHarness(foreign_order)
    assert harness.rows("SELECT 'ann' < 'Bob'") == [(True,)]
    world = World(harness)
    for one, other in CONFUSABLE:
        first = world.dm.mailbox(one).start(other, "one")
        assert world.dm.mailbox(other).start(one, "two").conversation == first.conversation
    assert world.is_sound()
    harness.close()


@pytest.mark.promise("PAIR-2")
def test_a_first_message_arrives_whoever_has_been_seen_before(make_world: MakeWorld) -> None:
    """Both new, only the sender known, only the recipient known, both known."""
    world = make_world()
    world.ann.block("zoe")
    world.bob.block("zoe")
    for box, other in (
        (world.cyd, "dan"),
        (world.ann, "eve"),
        (world.dm.mailbox("fay"), "bob"),
        (world.ann, "bob"),
    ):
        sent = box.start(other, "x")
        assert texts(thread_of(world.dm.mailbox(other), sent.conversation)) == ["x"]
    assert world.is_sound()


@pytest.mark.promise("PAIR-2")
def test_two_writers_under_two_policies_share_a_conversation(harness: Harness) -> None:
    world = World(harness)
    strict = harness.open(
        policy=UNLIMITED, clock=ManualClock(NOON_US), entropy=SeededEntropy("other")
    )
    first = world.ann.start("bob", "one")
    second = strict.mailbox("bob").start("ann", "two")
    assert first.conversation == second.conversation
