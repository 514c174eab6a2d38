"""`verify` names what is wrong, and nothing where all is right."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from tests.contract.conftest import SQL_STORES
from tests.support.stores import Colour, PostgresHarness, SqlHarness, SqliteHarness

from dmcore import Policy
from dmcore.adapters import sql
from dmcore.testing.conformance.verify import lived_in
from dmcore.testing.postgres import PostgresServer
from dmcore.testing.world import World


class Damage(NamedTuple):
    """A change by hand, and words of the finding that has to name it."""

    statement: str
    rule: str
    where: str = ""


# A message id that is none: greater than every real one.
BEYOND = {"sqlite": "X'ffffffffffff7fffbfffffffffffffff'"}


BEYOND["postgres"] = "'ffffffff-ffff-7fff-bfff-ffffffffffff'"


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


@pytest.fixture(
    params=[(kind, colour) for colour in Colour for kind in (SqliteHarness, PostgresHarness)],
    ids=SQL_STORES,
)
def unguarded(
    request: pytest.FixtureRequest, sqlite_url: str, postgres_server: PostgresServer
) -> Iterator[SqlHarness]:
    """A database of the test's own, without the foreign key that would stop some of the damage."""
    kind, colour = request.param
    if kind is SqliteHarness:
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
    yield harness
    harness.close()
    postgres_server.drop_database(url)


@pytest.mark.promise("OPS-5")
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_named(unguarded: SqlHarness, damage: Damage) -> None:
    world = lived_in(World(unguarded, policy=Policy(blocked="absorb")))
    assert world.olga.verify() == ()
    instants = {"sqlite": f"X'{2:080x}{1:016x}'", "postgres": rf"'\x{2:080x}{1:016x}'"}
    for part in damage.statement.split(";"):
        statement = part.format(beyond=BEYOND[unguarded.kind], instants=instants[unguarded.kind])
        assert unguarded.execute(statement) > 0
    found = world.olga.verify()
    assert any(damage.rule in it.rule and damage.where in it.where for it in found), found


@pytest.mark.promise("OPS-5", "PAIR-1")
def test_another_namespace_is_named(unguarded: SqlHarness) -> None:
    lived_in(World(unguarded, policy=Policy(blocked="absorb")))
    value = {"sqlite": f"X'{7:032x}'", "postgres": rf"'\x{7:032x}'"}[unguarded.kind]
    unguarded.execute(f"UPDATE dm_installation SET namespace = {value}")
    found = World(unguarded).olga.verify()
    assert {it.rule for it in found} == {"the id is not the one of its pair"}
    assert len(found) == len(unguarded.rows("SELECT id FROM dm_conversation")) == 6


@pytest.mark.promise("OPS-5", "LEAK-1")
def test_a_finding_names_rows_and_never_what_they_hold(unguarded: SqlHarness) -> None:
    world = lived_in(World(unguarded, policy=Policy(blocked="absorb")))
    world.ann.start("bob", "the door code is 4711", key="sesame")
    unguarded.execute("UPDATE dm_conversation SET low_unread = 7, high_unread = 7, newest = id")
    unguarded.execute("UPDATE dm_mailbox SET unread = 7, position = 7")
    unguarded.execute("DELETE FROM dm_block")
    found = world.olga.verify()
    assert len(found) > 10
    assert "4711" not in repr(found)
    assert "sesame" not in repr(found)


@pytest.mark.promise("OPS-5")
def test_the_number_of_findings_is_bounded(unguarded: SqlHarness) -> None:
    world = lived_in(World(unguarded, policy=Policy(blocked="absorb")))
    unguarded.execute("UPDATE dm_conversation SET low_unread = 7, high_unread = 7")
    assert len(world.olga.verify(most=3)) == 3
    assert len(world.olga.verify()) > 3
