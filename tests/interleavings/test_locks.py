"""Everybody holds the two accounts of a pair in one order, so nobody is locked out (ADR 13)."""

import threading
from collections.abc import Iterator

import pytest
from tests.contract.conftest import make_sql_harness
from tests.interleavings.duel import cornered
from tests.support.stores import SqlHarness

from dmcore.domain.ids import TenantId, UserId
from dmcore.domain.pair import Pair
from dmcore.ports.transactions import Transaction, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import World

_PATIENCE_S = 60.0
_LOOK_AGAIN_S = 0.001
_BOX = "SELECT user_id FROM dm_mailbox WHERE user_id = %s FOR UPDATE"


@pytest.fixture
def postgres(request: pytest.FixtureRequest) -> Iterator[SqlHarness]:
    """A store where two can hold something at a time."""
    harness = make_sql_harness("postgres", request)
    yield harness
    harness.close()


@pytest.mark.promise("PAIR-2", "LIMIT-1")
@pytest.mark.parametrize("act", ["start", "send", "block"])
@pytest.mark.parametrize("me", ["ann", "bob"])
def test_the_low_account_is_held_before_the_high_one(
    postgres: SqlHarness, act: str, me: str
) -> None:
    world = World(postgres)
    conversation = world.ann.start("bob", "hello").conversation
    world.bob.send(conversation, "hello yourself")
    other = "bob" if me == "ann" else "ann"
    with (
        cornered(world.dm) as corner,
        postgres._raw.connect() as holder,
        postgres._raw.connect() as looker,
    ):
        box = corner.dm.mailbox(me)
        call = {
            "start": lambda: box.start(other, "text"),
            "send": lambda: box.send(conversation, "text"),
            "block": lambda: box.block(other),
        }[act]
        holder.exec_driver_sql(_BOX, ("ann",))
        mine = holder.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        acting = threading.Thread(target=call, daemon=True)
        acting.start()
        for _ in range(int(_PATIENCE_S / _LOOK_AGAIN_S)):
            acting.join(_LOOK_AGAIN_S)
            question = "SELECT %s = ANY (pg_blocking_pids(%s))"
            pids = corner.pids
            if pids and looker.exec_driver_sql(question, (mine, pids[0])).scalar_one():
                break
        assert acting.is_alive()
        # It waits for the low one and has not touched the high one yet.
        free = looker.exec_driver_sql(f"{_BOX} SKIP LOCKED", ("bob",)).scalar_one_or_none()
        looker.rollback()
        holder.rollback()
        acting.join(_PATIENCE_S)
        assert not acting.is_alive()
    assert free == "bob"
    assert world.is_sound()


@pytest.mark.promise("PAIR-2", "LIMIT-1")
@pytest.mark.parametrize("what", ["account", "pair", "conversation"])
def test_what_is_held_can_be_held_by_nobody_else(postgres: SqlHarness, what: str) -> None:
    """The port's word for it; that no result goes wrong without is due to the journal's positions,
    which no two can take.
    """
    world = World(postgres)
    conversation = world.ann.start("bob", "hello").conversation
    pair = Pair.of(TenantId(""), UserId("ann"), UserId("bob"))
    free: list[str] = []

    def hold(tx: Transaction) -> None:
        # What needs this as well is done under locks (ADR 53).
        tx.installation.mode()
        match what:
            case "account":
                tx.mailboxes.hold(world.ann.user)
            case "pair":
                tx.contacts.hold(pair, actor=pair.low)
            case "conversation":
                tx.contacts.hold_conversation(conversation, actor=world.ann.user)
        with postgres._raw.connect() as looker:
            for user in ("ann", "bob"):
                free.extend(looker.exec_driver_sql(f"{_BOX} SKIP LOCKED", (user,)).scalars())

    runner_of(world.dm).run(writing(hold))
    assert free == (["bob"] if what == "account" else [])
