"""`verify` names what is wrong, and nothing where all is right."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest
from tests.conftest import IS_NIGHTLY
from tests.contract.conftest import SQL_STORES
from tests.support.stores import Colour, PostgresHarness, SqlHarness, SqliteHarness

from dmcore import Policy
from dmcore.adapters import sql
from dmcore.domain.events import Action
from dmcore.domain.mending import Repair
from dmcore.errors import Muted
from dmcore.testing.conformance.verify import lived_in
from dmcore.testing.postgres import PostgresServer
from dmcore.testing.world import UNLIMITED, World

FULL = Policy(blocked="absorb", evidence="reporter_selected")


class Damage(NamedTuple):
    """A change by hand, and words of the finding that has to name it."""

    statement: str
    rule: str
    where: str = ""


# A message id that is none: greater than every real one.
BEYOND = {"sqlite": "X'ffffffffffff7fffbfffffffffffffff'"}


BEYOND["postgres"] = "'ffffffff-ffff-7fff-bfff-ffffffffffff'"


EARLY = {
    "sqlite": "X'00000000000070008000000000000001'",
    "postgres": "'00000000-0000-7000-8000-000000000001'",
}
OF_ANN_AND_BOB = "tenant = '' AND low = 'ann' AND high = 'bob'"


OF_ANN = "tenant = '' AND user_id = 'ann'"


ANNS_LINE = f"{OF_ANN} AND other = 'bob'"


DAMAGES = {
    "newest of the conversation": Damage(
        f"UPDATE dm_conversation SET newest = {{beyond}} WHERE {OF_ANN_AND_BOB}",
        "the newest message is not the greatest stored",
        "conversation",
    ),
    "newest of the low side": Damage(
        f"UPDATE dm_conversation SET low_newest = {{beyond}} WHERE {OF_ANN_AND_BOB}",
        "the newest visible message is another one",
        "low side",
    ),
    "newest of the high side": Damage(
        f"UPDATE dm_conversation SET high_newest = {{beyond}} WHERE {OF_ANN_AND_BOB}",
        "the newest visible message is another one",
        "high side",
    ),
    "a side that is gone": Damage(
        f"UPDATE dm_conversation SET high_newest = NULL WHERE {OF_ANN_AND_BOB}",
        "the newest visible message is another one",
        "high side",
    ),
    "newest heard on the low side": Damage(
        f"UPDATE dm_conversation SET low_heard = low_newest, high_heard = low_newest"
        f" WHERE {OF_ANN_AND_BOB}",
        "the newest message heard is another one",
        "high side",
    ),
    "nothing said": Damage(
        f"UPDATE dm_conversation SET low_said = NULL WHERE {OF_ANN_AND_BOB}",
        "the newest message said is another one",
        "low side",
    ),
    "a receipt of a stranger": Damage(
        f"INSERT INTO dm_receipt SELECT id, 'eve', newest, 1 FROM dm_conversation"
        f" WHERE {OF_ANN_AND_BOB}",
        "receipts by someone outside the pair",
        "1 rows",
    ),
    "an answer to nothing": Damage(
        "UPDATE dm_message SET own_reply_to = conversation_id, own_thread_id = conversation_id"
        f" WHERE id IN (SELECT newest FROM dm_conversation WHERE {OF_ANN_AND_BOB})",
        "answers to a message that is not there",
        "1 rows",
    ),
    "nothing heard": Damage(
        f"UPDATE dm_conversation SET low_heard = NULL WHERE {OF_ANN_AND_BOB}",
        "the newest message heard is another one",
        "low side",
    ),
    "unread of the low side": Damage(
        f"UPDATE dm_conversation SET low_unread = low_unread + 1 WHERE {OF_ANN_AND_BOB}",
        "the unread count is not the number of unread messages",
        "low side",
    ),
    "unread of the high side": Damage(
        f"UPDATE dm_conversation SET high_unread = 0 WHERE {OF_ANN_AND_BOB}",
        "the unread count is not the number of unread messages",
        "high side",
    ),
    "a marker set back": Damage(
        f"UPDATE dm_conversation SET low_read = NULL WHERE {OF_ANN_AND_BOB}",
        "the unread count is not the number of unread messages",
        "low side",
    ),
    "a block that is not listed": Damage(
        f"UPDATE dm_conversation SET low_blocks = TRUE WHERE {OF_ANN_AND_BOB}",
        "the side and the block list disagree",
        "low side",
    ),
    "a block that is listed only": Damage(
        "DELETE FROM dm_block WHERE blocked = 'cyd'",
        "the side and the block list disagree",
        "low side",
    ),
    "a block against a hidden conversation": Damage(
        "DELETE FROM dm_block WHERE blocked = 'dan'",
        "the side and the block list disagree",
        "low side",
    ),
    "a listing that is missing": Damage(
        f"DELETE FROM dm_side WHERE {ANNS_LINE}", "the listing is not the side", "low side"
    ),
    "a listing with another newest": Damage(
        f"UPDATE dm_side SET newest = {{beyond}} WHERE {ANNS_LINE}",
        "the listing is not the side",
        "low side",
    ),
    "a listing with another marker": Damage(
        f"UPDATE dm_side SET read = NULL WHERE {ANNS_LINE}",
        "the listing is not the side",
        "low side",
    ),
    "a listing with another count": Damage(
        f"UPDATE dm_side SET unread = unread + 1 WHERE {ANNS_LINE}",
        "the listing is not the side",
        "low side",
    ),
    "a listing with another flag": Damage(
        f"UPDATE dm_side SET is_muted = TRUE WHERE {ANNS_LINE}",
        "the listing is not the side",
        "low side",
    ),
    "a listing in another folder": Damage(
        f"UPDATE dm_side SET folder = 'archived' WHERE {ANNS_LINE}",
        "the listing is not the side",
        "low side",
    ),
    "a listing of who blocks": Damage(
        "INSERT INTO dm_side SELECT tenant, low, id, high, 'inbox', low_newest, low_read,"
        " low_unread, FALSE FROM dm_conversation WHERE low_blocks AND low_exists",
        "the listing is not the side",
        "low side",
    ),
    "a listing out of the archive": Damage(
        "UPDATE dm_side SET folder = 'inbox' WHERE folder = 'archived' AND other = 'dan'",
        "the listing is not the side",
        "high side",
    ),
    "an unread message out of the archive": Damage(
        "UPDATE dm_side SET folder = 'inbox' WHERE folder = 'archived' AND other = 'dan'",
        "the unread total is not the sum over the inbox",
        "'fay'",
    ),
    "a request that was never made": Damage(
        f"UPDATE dm_conversation SET high_request = 'pending' WHERE {OF_ANN_AND_BOB}",
        "the listing is not the side",
        "high side",
    ),
    "a history cleared by hand": Damage(
        f"UPDATE dm_conversation SET low_cleared = newest WHERE {OF_ANN_AND_BOB}",
        "the newest visible message is another one",
        "low side",
    ),
    "a history brought back": Damage(
        "UPDATE dm_conversation SET low_cleared = NULL WHERE low_cleared IS NOT NULL",
        "the newest visible message is another one",
        "low side",
    ),
    "a receipt that is gone": Damage(
        "DELETE FROM dm_receipt WHERE reader = 'ann'",
        "the newest receipt is another one",
        "low side",
    ),
    "a receipt that was never told": Damage(
        f"UPDATE dm_conversation SET low_told = NULL WHERE {OF_ANN_AND_BOB}",
        "the newest receipt is another one",
        "low side",
    ),
    "a receipt of a message that was removed": Damage(
        "INSERT INTO dm_receipt SELECT conversation_id, reader, {early}, at_us FROM dm_receipt"
        " WHERE reader = 'ann'",
        "a receipt is of a message that was removed",
        "low side",
    ),
    "a message taken back by hand": Damage(
        "UPDATE dm_message SET body = NULL WHERE id IN"
        f" (SELECT newest FROM dm_conversation WHERE {OF_ANN_AND_BOB})",
        "the unread count is not the number of unread messages",
        "low side",
    ),
    "a side that one does not have": Damage(
        f"UPDATE dm_conversation SET high_exists = FALSE WHERE {OF_ANN_AND_BOB}",
        "the side has something of a conversation that it does not have",
        "high side",
    ),
    "a listing with another partner": Damage(
        f"UPDATE dm_side SET other = 'eve' WHERE {ANNS_LINE}",
        "the listing is not the side",
        "low side",
    ),
    "a listing of a hidden conversation": Damage(
        "INSERT INTO dm_side SELECT tenant, low, id, high, 'inbox', newest, NULL, 0, FALSE"
        " FROM dm_conversation WHERE low_newest IS NULL",
        "the listing",
    ),
    "a listing of a stranger": Damage(
        "INSERT INTO dm_side SELECT tenant, 'eve', conversation_id, other, folder, newest, read, 0,"
        f" is_muted FROM dm_side WHERE {ANNS_LINE}",
        "listing",
    ),
    "a listing of another tenant": Damage(
        "INSERT INTO dm_side SELECT 'south', user_id, conversation_id, other, folder, newest, read,"
        f" 0, is_muted FROM dm_side WHERE {ANNS_LINE}",
        "listing",
    ),
    "a marker beyond everything": Damage(
        f"UPDATE dm_conversation SET high_read = {{beyond}}, high_unread = 0"
        f" WHERE {OF_ANN_AND_BOB};"
        "UPDATE dm_side SET read = {beyond}, unread = 0"
        " WHERE tenant = '' AND user_id = 'bob' AND other = 'ann';"
        "UPDATE dm_mailbox SET unread = 0 WHERE tenant = '' AND user_id = 'bob'",
        "the read marker is beyond the newest message",
        "high side",
    ),
    "the unread total": Damage(
        f"UPDATE dm_mailbox SET unread = unread + 1 WHERE {OF_ANN}",
        "the unread total is not the sum over the inbox",
        "'ann'",
    ),
    "the position of a mailbox": Damage(
        f"UPDATE dm_mailbox SET position = position + 1 WHERE {OF_ANN}",
        "the journal positions have a gap or another end",
        "'ann'",
    ),
    "the first entry": Damage(
        f"DELETE FROM dm_journal WHERE {OF_ANN} AND position = 1",
        "the journal positions have a gap or another end",
        "'ann'",
    ),
    "an entry in the middle": Damage(
        f"DELETE FROM dm_journal WHERE {OF_ANN} AND position = 2",
        "the journal positions have a gap or another end",
        "'ann'",
    ),
    "the last entry": Damage(
        f"DELETE FROM dm_journal WHERE {OF_ANN} AND position ="
        f" (SELECT max(position) FROM dm_journal WHERE {OF_ANN})",
        "the journal positions have a gap or another end",
        "'ann'",
    ),
    "an entry too many": Damage(
        f"UPDATE dm_journal SET position = 99 WHERE {OF_ANN} AND position = 3",
        "the journal positions have a gap or another end",
        "'ann'",
    ),
    "a position far away": Damage(
        f"UPDATE dm_mailbox SET position = position + 5000 WHERE {OF_ANN}",
        "the journal positions have a gap or another end",
        "'ann'",
    ),
    "a text sealed with keys of others": Damage(
        "UPDATE dm_message SET body = {one} || body WHERE sender = 'bob' AND body IS NOT NULL",
        "sealed texts in a store that names no keys",
        "rows",
    ),
    "a mailbox that is gone": Damage(
        "DELETE FROM dm_mailbox WHERE tenant = 'north' AND user_id = 'bob'",
        "journal entries without a mailbox",
        "2 rows",
    ),
    "instants out of order": Damage(
        "UPDATE dm_mailbox SET sends = {instants} WHERE tenant = '' AND user_id = 'ann'",
        "the instants of a limit are not in order",
        "'ann'",
    ),
    "a message by a stranger": Damage(
        "UPDATE dm_message SET sender = 'eve' WHERE sender = 'bob'",
        "messages by someone outside the pair",
    ),
    "the newest message gone": Damage(
        "DELETE FROM dm_message WHERE id IN"
        f" (SELECT newest FROM dm_conversation WHERE {OF_ANN_AND_BOB})",
        "the newest message is not the greatest stored",
        "conversation",
    ),
    "every message gone": Damage(
        "DELETE FROM dm_message WHERE conversation_id IN"
        f" (SELECT id FROM dm_conversation WHERE {OF_ANN_AND_BOB})",
        "the newest message is not the greatest stored",
        "conversation",
    ),
    "a message hidden by hand": Damage(
        "UPDATE dm_message SET sender_only = TRUE WHERE id IN"
        f" (SELECT newest FROM dm_conversation WHERE {OF_ANN_AND_BOB})",
        "the newest visible message is another one",
        "low side",
    ),
    "an absorbed message shown by hand": Damage(
        "UPDATE dm_message SET sender_only = FALSE WHERE sender = 'dan'",
        "the newest visible message is another one",
        "low side",
    ),
    "a pair under another id": Damage(
        "UPDATE dm_conversation SET high = 'zoe' WHERE tenant = 'north'",
        "the id is not the one of its pair",
        "conversation",
    ),
    "a pair in another tenant": Damage(
        "UPDATE dm_conversation SET tenant = 'south' WHERE tenant = 'north'",
        "the id is not the one of its pair",
        "conversation",
    ),
    "a report about a conversation of others": Damage(
        "UPDATE dm_report SET reported = 'zoe' WHERE conversation_id IS NOT NULL",
        "reports about a conversation that is not of the two",
        "1 rows",
    ),
    "a report that is gone": Damage(
        "DELETE FROM dm_report WHERE conversation_id IS NOT NULL",
        "chosen messages without a report",
        "2 rows",
    ),
    "a report with another count": Damage(
        "UPDATE dm_report SET chosen = chosen + 1 WHERE conversation_id IS NOT NULL",
        "reports that name another number of messages",
        "1 rows",
    ),
    "evidence of nothing chosen": Damage(
        "DELETE FROM dm_report_message",
        "evidence of a message that no report chose",
        "2 rows",
    ),
    "messages without a conversation": Damage(
        "DELETE FROM dm_conversation WHERE tenant = 'north'",
        "messages without a conversation",
        "2 rows",
    ),
    "listings without a conversation": Damage(
        "DELETE FROM dm_conversation WHERE tenant = 'north'",
        "listings of a conversation that is not their user's",
        "2 rows",
    ),
}


# What these took away, or put there, nobody can derive from what is left.
LOST = {
    *("an answer to nothing", "a receipt of a stranger", "a message by a stranger"),
    *("every message gone", "a pair in another tenant", "a pair under another id"),
    *("a report about a conversation of others", "a report that is gone"),
    *("evidence of nothing chosen", "a report with another count"),
    *("messages without a conversation", "listings without a conversation"),
    *("a text sealed with keys of others", "a position far away"),
}


def mended_as_far_as_can_be(world: World, store: SqlHarness, *, is_lost: bool) -> None:
    """Repaired until nothing is mended any more: sound, or what is left is named."""
    before = store.rows("SELECT id, sender, body FROM dm_message ORDER BY id")
    rounds = [world.olga.repair()]
    while rounds[-1].mended:
        assert len(rounds) < 5
        rounds.append(world.olga.repair())
    assert rounds[-1].left == world.olga.verify()
    assert bool(rounds[-1].left) is is_lost
    # No text comes or goes.
    assert store.rows("SELECT id, sender, body FROM dm_message ORDER BY id") == before
    noted = [it.fact.action for it in world.olga.audit("olga", limit=100).items]
    assert (Action.STORE_MENDED in noted) or not any(it.mended for it in rounds)


@pytest.fixture(params=SQL_STORES)
def unguarded(
    request: pytest.FixtureRequest, sqlite_url: str, postgres_server: PostgresServer
) -> Iterator[SqlHarness]:
    """A database of the test's own, without the foreign key that would stop some of the damage."""
    name: str = request.param
    colour = Colour.ASYNC if name.endswith("-async") else Colour.SYNC
    if name.startswith("sqlite"):
        sql.initialise(sqlite_url)
        harness: SqlHarness = SqliteHarness(sqlite_url, colour)
        yield harness
        harness.close()
        return
    url = postgres_server.create_database()
    sql.initialise(url)
    harness = PostgresHarness(url, colour)
    for table in ("dm_message", "dm_receipt"):
        harness.execute(f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_dm_conversation")
    for table in ("dm_report_message", "dm_report_move", "dm_evidence"):
        harness.execute(f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_dm_report")
    yield harness
    harness.close()
    postgres_server.drop_database(url)


# By day each damage is done to one of the databases, in turn.
DAMAGED = [
    (store, name)
    for number, name in enumerate(DAMAGES)
    for turn, store in enumerate(SQL_STORES)
    if IS_NIGHTLY or number % len(SQL_STORES) == turn
]


@pytest.mark.promise("OPS-5")
@pytest.mark.parametrize(("unguarded", "name"), DAMAGED, indirect=["unguarded"])
def test_what_is_damaged_is_named_and_mended(unguarded: SqlHarness, name: str) -> None:
    damage = DAMAGES[name]
    world = lived_in(World(unguarded, policy=FULL))
    assert world.olga.verify() == ()
    instants = {"sqlite": f"X'{2:080x}{1:016x}'", "postgres": rf"'\x{2:080x}{1:016x}'"}
    for part in damage.statement.split(";"):
        statement = part.format(
            beyond=BEYOND[unguarded.kind],
            early=EARLY[unguarded.kind],
            instants=instants[unguarded.kind],
            one={"sqlite": "char(1)", "postgres": "chr(1)"}[unguarded.kind],
        )
        assert unguarded.execute(statement) > 0
    found = world.olga.verify()
    assert any(damage.rule in it.rule and damage.where in it.where for it in found), found
    mended_as_far_as_can_be(world, unguarded, is_lost=name in LOST)


@pytest.mark.promise("OPS-5", "PAIR-1")
def test_another_namespace_is_named(unguarded: SqlHarness) -> None:
    lived_in(World(unguarded, policy=FULL))
    value = {"sqlite": f"X'{7:032x}'", "postgres": rf"'\x{7:032x}'"}[unguarded.kind]
    unguarded.execute(f"UPDATE dm_installation SET namespace = {value}")
    found = World(unguarded).olga.verify()
    assert {it.rule for it in found} == {"the id is not the one of its pair"}
    assert len(found) == len(unguarded.rows("SELECT id FROM dm_conversation")) == 6


@pytest.mark.promise("OPS-5", "LEAK-1")
def test_a_finding_names_rows_and_never_what_they_hold(unguarded: SqlHarness) -> None:
    world = lived_in(World(unguarded, policy=FULL))
    world.ann.start("bob", "the door code is zebra", key="sesame")
    unguarded.execute("UPDATE dm_conversation SET low_unread = 7, high_unread = 7, newest = id")
    unguarded.execute("UPDATE dm_mailbox SET unread = 7, position = 7")
    unguarded.execute("DELETE FROM dm_block")
    found = world.olga.verify()
    assert len(found) > 10
    assert "zebra" not in repr(found)
    assert "sesame" not in repr(found)


@pytest.mark.promise("OPS-5")
def test_the_number_of_findings_is_bounded(unguarded: SqlHarness) -> None:
    world = lived_in(World(unguarded, policy=FULL))
    unguarded.execute("UPDATE dm_conversation SET low_unread = 7, high_unread = 7")
    assert len(world.olga.verify(most=3)) == 3
    assert len(world.olga.verify()) > 3


@pytest.mark.promise("OPS-5")
def test_a_repair_is_bounded_and_goes_on(unguarded: SqlHarness) -> None:
    world = lived_in(World(unguarded, policy=FULL))
    unguarded.execute("UPDATE dm_conversation SET low_unread = 7")
    done = world.olga.repair(most=2)
    assert {it.rule for it in done.mended} >= {
        "the unread count is not the number of unread messages"
    }
    assert len({it.where for it in done.mended}) == 2
    assert len(done.left) == 2
    while world.olga.repair(most=2).mended:
        pass
    assert world.olga.verify() == ()
    entries = len(world.olga.audit("olga", limit=100).items)
    assert world.olga.repair() == Repair(mended=(), left=())
    assert len(world.olga.audit("olga", limit=100).items) == entries


@pytest.mark.promise("OPS-5", "GDPR-1")
def test_who_was_erased_and_came_back_is_erased_again(unguarded: SqlHarness) -> None:
    world = lived_in(World(unguarded, policy=FULL))
    world.olga.erase("bob")
    ledger = world.olga.export_erasures().items
    unguarded.clear()
    world = lived_in(World(unguarded, policy=FULL))
    world.olga.record_erasures(ledger)
    done = world.olga.repair()
    assert {it.rule for it in done.mended} == {"somebody who was erased is there again"}
    assert done.left == ()


@pytest.mark.promise("OPS-5", "MOD-4")
def test_restrictions_without_a_mailbox_hold_again(unguarded: SqlHarness) -> None:
    world = lived_in(World(unguarded, policy=FULL))
    world.dm.moderation("mona").restrict("zed", "mute", reason="spam")
    unguarded.execute("DELETE FROM dm_mailbox WHERE user_id = 'zed'")
    unguarded.execute("DELETE FROM dm_journal WHERE user_id = 'zed'")
    assert {it.rule for it in world.olga.verify()} == {"restrictions without a mailbox"}
    while world.olga.repair().mended:
        pass
    assert world.olga.verify() == ()
    with pytest.raises(Muted):
        world.dm.mailbox("zed").start("bob", "hello")


@pytest.mark.promise("OPS-5", "FEED-1")
def test_a_hole_in_a_feed_is_filled_and_said(unguarded: SqlHarness) -> None:
    """A client that comes to it knows that something happened, and takes a snapshot."""
    world = lived_in(World(unguarded, policy=FULL))
    unguarded.execute(f"DELETE FROM dm_journal WHERE {OF_ANN} AND position = 2")
    world.olga.repair()
    items = world.ann.changes(after=None, limit=100).items
    assert [it.action for it in items].index(Action.FACTS_LOST) == 1
    assert world.olga.verify() == ()


@pytest.mark.promise("OPS-5", "FEED-1")
def test_a_feed_that_lacks_very_much_is_named_and_not_filled(unguarded: SqlHarness) -> None:
    """What is not one fact here and there is not made up, and stays to be seen."""
    world = lived_in(World(unguarded, policy=FULL))
    told = world.ann.changes(after=None, limit=100).items
    unguarded.execute(f"UPDATE dm_mailbox SET position = position + 5000 WHERE {OF_ANN}")
    found = world.olga.verify()
    assert found != ()
    assert world.olga.repair().left == world.olga.verify() == found
    assert world.ann.changes(after=None, limit=100).items == told


@pytest.mark.promise("OPS-5")
def test_repairing_beside_writers_loses_nothing(unguarded: SqlHarness) -> None:
    world = World(unguarded, policy=UNLIMITED)
    here = world.ann.start("bob", "0").conversation
    other = World(unguarded, policy=UNLIMITED)

    def write() -> None:
        for number in range(30):
            other.ann.send(here, str(number))

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        while not writing.done():
            unguarded.execute("UPDATE dm_conversation SET high_unread = high_unread + 1")
            world.olga.repair()
        writing.result()
    while world.olga.repair().mended:
        pass
    assert world.olga.verify() == ()
    assert world.bob.unread() == 31


@pytest.mark.promise("OPS-5", "OPS-8")
def test_marks_that_are_beyond_the_end_or_of_no_consumer_are_named(
    sql_world: World, sql_harness: SqlHarness
) -> None:
    world = sql_world
    world.ann.start("bob", "x")
    world.olga.add_consumer("hook", begin="now")
    assert world.is_sound()
    sql_harness.execute("UPDATE dm_mark SET position = 99 WHERE user_id = 'ann'")
    (finding,) = world.olga.verify()
    assert finding.rule == "the mark of a consumer of events is beyond the end of the journal"
    assert "'ann'" in finding.where
    # It cannot be told what was delivered: forgetting the consumer is what is left.
    assert world.olga.repair().mended == ()
    world.olga.forget_consumer("hook")
    assert world.is_sound()
    world.olga.add_consumer("hook", begin="now")
    sql_harness.execute("DELETE FROM dm_consumer")
    (finding,) = world.olga.verify()
    assert finding.rule == "marks or events set aside of no consumer or mailbox"
