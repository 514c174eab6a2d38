"""What is done where the tables are spread over machines, on one PostgreSQL (SCALE-2, ADR 71).

It proves the locks and that what is asked is sound. What Citus says to it is in ``tests/citus``.
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.contract.conftest import make_sql_harness
from tests.faults.moments import once_at
from tests.support.spreading import take_for_spread
from tests.support.stores import SqlHarness, asked_through, engine_of, listening

from dmcore import Policy, ReportReason
from dmcore.adapters import sql
from dmcore.domain.ids import TenantId, UserId
from dmcore.domain.pair import Pair
from dmcore.errors import AccessDenied, RecipientUnavailable
from dmcore.ports.transactions import Transaction, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import UNLIMITED, World, text_of, thread_of

pytestmark = pytest.mark.promise("SCALE-2")

CATALOGUE = """
CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod "char");
INSERT INTO pg_dist_partition VALUES ('dm_mailbox', '{method}')
"""
PAIR = Pair.of(TenantId(""), UserId("ann"), UserId("bob"))


@pytest.fixture(params=["postgres", "postgres-async"])
def spread(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world on a store that takes itself for one that is spread."""
    take_for_spread(monkeypatch)
    harness = make_sql_harness(request.param, request)
    yield World(harness)
    harness.close()


@pytest.mark.parametrize(("method", "is_spread"), [("h", True), ("n", False)])
def test_who_opens_a_database_finds_whether_it_is_spread(
    postgres_url: str, method: str, is_spread: bool
) -> None:
    sql.initialise(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(CATALOGUE.format(method=method).encode())
    with sql.open_sync(postgres_url) as dm, engine_of(dm).connect() as connection:
        mode = connection.exec_driver_sql("SHOW plan_cache_mode").scalar_one()
    assert mode == ("auto" if is_spread else "force_generic_plan")


@pytest.mark.promise("LIMIT-1")
@pytest.mark.parametrize("what", ["pair", "conversation"])
def test_who_writes_holds_both_and_their_conversation(spread: World, what: str) -> None:
    """Each commits by itself there: of the conversation the others might say too little."""
    place = spread.ann.start("bob", "hello").conversation
    harness = _sql(spread)
    free: list[Any] = []

    def hold(tx: Transaction) -> None:
        if what == "pair":
            tx.contacts.hold(PAIR, actor=PAIR.low)
        else:
            tx.contacts.hold_conversation(place, actor=spread.ann.user)
        for found in (
            "SELECT user_id FROM dm_mailbox WHERE user_id <> 'olga'",
            "SELECT id FROM dm_conversation",
        ):
            free.extend(harness.rows(f"{found} FOR UPDATE SKIP LOCKED"))

    runner_of(spread.dm).run(writing(hold))
    assert free == []


@pytest.mark.promise("SCALE-1")
def test_nothing_is_asked_that_one_machine_alone_could_answer(spread: World) -> None:
    """No rows of many that are taken from a queue, no lock by a number, no sequence, no signal.

    Whoever works for a consumer of events has a lease on it, in one row, and looks for marks.
    """
    with asked_through(spread.dm) as asked:
        sent = spread.ann.start("bob", "hello")
        reply = spread.bob.send(sent.conversation, "hello yourself", key="k")
        spread.bob.edit(sent.conversation, reply.id, "hello, you")
        spread.ann.mark_read(sent.conversation, through=reply.id)
        spread.ann.report(
            conversation=sent.conversation, messages=[reply.id], reason=ReportReason.SPAM
        )
        spread.ann.block("bob")
        spread.olga.add_consumer("push")
        work = spread.olga.relaying("push", holder="worker")
        taken = work.take()
        work.release()
        spread.olga.erase("bob")
        spread.olga.prune()
        assert spread.olga.verify() == ()
    assert taken is not None
    assert len(taken.deliveries) == 3
    assert [it for it in asked if re.search(r"SKIP LOCKED|advisory|NOTIFY|nextval", it)] == []


def test_the_low_one_is_asked_for_first_and_the_facts_last(spread: World) -> None:
    place = spread.bob.start("ann", "hello").conversation
    with asked_through(spread.dm) as asked:
        spread.bob.send(place, "again")
    found = [it for it in asked if it.startswith("SELECT")]
    assert ["FOR NO KEY UPDATE" in it for it in found] == [False, True, True, True, False]
    assert [it.split(".")[0] for it in found[1:4]] == [
        "SELECT dm_mailbox",
        "SELECT dm_mailbox",
        "SELECT dm_conversation",
    ]


def _when_held(spread: World, act: Callable[[], object]) -> list[str]:
    """Do something when the next call has held what it found, before it reads the facts."""
    return once_at(engine_of(spread.dm), "before_cursor_execute", "actor_box", lambda _: act())


def test_a_mailbox_that_came_meanwhile_is_held_as_well(spread: World) -> None:
    another = spread.open(UNLIMITED)
    met = _when_held(spread, lambda: another.mailbox("bob").start("cyd", "elsewhere"))
    with asked_through(spread.dm) as asked:
        sent = spread.ann.start("bob", "hello")
    assert len(met) == 1
    assert any(it.endswith("NOWAIT") for it in asked)
    assert text_of(thread_of(spread.bob, sent.conversation)[0]) == "hello"
    assert spread.is_sound()


def test_for_one_that_is_taken_nobody_waits_out_of_the_order(spread: World) -> None:
    another = spread.open(UNLIMITED)
    holder = _sql(spread)._raw.connect()

    def take() -> None:
        another.mailbox("bob").start("cyd", "elsewhere")
        holder.exec_driver_sql("SELECT 1 FROM dm_mailbox WHERE user_id = 'bob' FOR UPDATE")

    met = _when_held(spread, take)
    let_go: list[object] = []

    def note(_connection: object) -> None:
        # It let go of everything. The other one is gone when it comes again.
        let_go.append(holder)
        holder.rollback()

    with holder, listening(engine_of(spread.dm), rollback=note):
        assert text_of(spread.ann.start("bob", "hello")) == "hello"
    assert met
    assert let_go
    assert spread.is_sound()


@pytest.mark.promise("GDPR-1")
def test_who_got_another_name_meanwhile_is_not_written_to(spread: World) -> None:
    place = spread.ann.start("bob", "hello").conversation
    another = spread.open(UNLIMITED)
    erase = another.operations("olga").erase
    met = once_at(engine_of(spread.dm), "after_cursor_execute", "AS id", lambda _: erase("bob"))
    with pytest.raises(RecipientUnavailable):
        spread.ann.send(place, "to nobody")
    assert met
    assert spread.olga.status().messages == 1
    assert spread.is_sound()


def test_what_nobody_has_is_not_found(spread: World) -> None:
    place = spread.ann.start("bob", "hello").conversation
    for call in (
        lambda: spread.cyd.send(place, "x"),
        lambda: spread.cyd.thread(place, limit=5),
        lambda: spread.cyd.conversation(place),
    ):
        with pytest.raises(AccessDenied):
            call()


@pytest.mark.promise("PAGE-2", "READ-2")
def test_pages_say_what_they_say_elsewhere(spread: World) -> None:
    """With receipts and replies, from every place, and with what is kept no longer."""
    aging = Policy(messages=None, starts=None, messages_kept=timedelta(days=30))
    place = spread.ann.start("bob", "1").conversation
    root = spread.ann.send(place, "2")
    spread.bob.send(place, "3", reply_to=root.id)
    spread.bob.mark_read(place, through=root.id)
    other = spread.cyd.start("ann", "4").conversation
    spread.cyd.block("dan")
    for dm in (spread.dm, spread.open(aging)):
        ann = dm.mailbox("ann")
        newest = ann.inbox(limit=1)
        (oldest,) = ann.inbox(limit=1, cursor=newest.next).items
        assert [newest.items[0].conversation, oldest.conversation] == [other, place]
        assert oldest.preview is not None
        assert text_of(oldest.preview) == "3"
        assert ann.unread() == 2
        page = ann.thread(place, limit=2)
        older = ann.thread(place, limit=2, before=page.older)
        assert [text_of(it) for it in (*older.items, *page.items)] == ["1", "2", "3"]
        assert all(it.seen_at is not None for it in (*older.items, page.items[0]))
        assert len(ann.thread(place, limit=5, root=root.id).items) == 2
        assert dm.mailbox("dan").visible_profiles(["cyd", "ann", "eve"]) == {"ann", "eve"}
        people = [ann.user, dm.mailbox("eve").user]
        assert dm.heads(people).positions[people[1]] == 0
        assert dm.heads(people).positions[people[0]] > 0


@pytest.mark.promise("OPS-5")
def test_what_does_not_agree_is_found_and_mended(spread: World) -> None:
    place = spread.ann.start("bob", "hello").conversation
    harness = _sql(spread)
    harness.execute("UPDATE dm_conversation SET low_unread = 7 WHERE id = :id", id=place)
    harness.execute("UPDATE dm_mailbox SET unread = 7 WHERE user_id = 'ann'")
    harness.execute(
        "INSERT INTO dm_side SELECT tenant, 'eve', conversation_id, other, folder, newest, read,"
        " unread, is_muted FROM dm_side WHERE user_id = 'ann'"
    )
    assert not spread.is_sound()
    assert spread.olga.repair().left == ()
    assert spread.is_sound()


@pytest.mark.promise("MSG-3")
def test_a_key_finds_what_was_sent_under_it(spread: World) -> None:
    first = spread.ann.start("bob", "hello", key="k")
    assert spread.ann.can_message("bob").is_allowed
    assert spread.ann.send(first.conversation, "hello", key="k") == first


def _sql(world: World) -> SqlHarness:
    assert isinstance(world.harness, SqlHarness)
    return world.harness
