"""Only the two can read or write, and nobody learns what else there is."""

from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from tests.support.stores import PostgresHarness, SqlHarness, asked_through

from dmcore.domain.ids import ConversationId, Key, TenantId, User, UserId
from dmcore.errors import AccessDenied
from dmcore.mailbox import Mailbox
from dmcore.ports.transactions import Transaction, writing
from dmcore.testing.blocking import runner_of
from dmcore.testing.conformance.access import USE_CASES, forbidden_to_ann
from dmcore.testing.world import ABSORBING, World, inbox_of, text_of


@pytest.mark.promise("CONV-1")
@pytest.mark.parametrize("use_case", USE_CASES.values(), ids=USE_CASES)
def test_every_cause_takes_the_same_statements(
    sql_harness: SqlHarness, use_case: Callable[[Mailbox, UUID, UUID], object]
) -> None:
    world = World(sql_harness, policy=ABSORBING)
    traces = []
    for conversation, message in forbidden_to_ann(world).values():
        with asked_through(world.dm) as asked, pytest.raises(AccessDenied):
            use_case(world.ann, conversation, message)
        traces.append(asked)
    assert traces[0]
    assert all(trace == traces[0] for trace in traces)


@pytest.mark.promise("BLOCK-2")
def test_a_line_that_names_what_is_not_for_its_user_shows_no_text(sql_harness: SqlHarness) -> None:
    world = World(sql_harness, policy=ABSORBING)
    talk = world.ann.start("bob", "hello").conversation
    world.bob.block("ann")
    world.ann.send(talk, "only ann has this")
    world.bob.unblock("ann")
    assert [text_of(it.preview) for it in inbox_of(world.bob) if it.preview] == ["hello"]
    newest = "SELECT newest FROM dm_conversation WHERE id = dm_side.conversation_id"
    sql_harness.execute(f"UPDATE dm_side SET newest = ({newest}) WHERE user_id = 'bob'")
    assert [it.preview for it in inbox_of(world.bob)] == [None]


# The port: what is held -------------------------------------------------------------------------


def _locked(url: str) -> set[str]:
    """The users whose mailbox rows somebody holds at this moment, seen by somebody else."""
    engine = create_engine(url)
    held = set()
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT tenant, user_id FROM dm_mailbox")).all()
        for tenant, user in rows:
            try:
                connection.execute(
                    text(
                        "SELECT 1 FROM dm_mailbox WHERE tenant = :tenant AND user_id = :user"
                        " FOR NO KEY UPDATE NOWAIT"
                    ),
                    {"tenant": tenant, "user": user},
                )
            except OperationalError as error:
                if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                    raise
                held.add(f"{tenant}/{user}")
            connection.rollback()
    engine.dispose()
    return held


@pytest.mark.promise("CONV-1")
def test_a_refused_holder_holds_nothing(postgres_harness: PostgresHarness) -> None:
    world = World(postgres_harness, policy=ABSORBING)
    ann = User(TenantId(""), UserId("ann"))

    def attempt(tx: Transaction, conversation: UUID) -> set[str]:
        found = tx.contacts.hold_conversation(ConversationId(conversation), actor=ann, key=Key("k"))
        assert found is None
        return _locked(postgres_harness.url)

    for conversation, _ in forbidden_to_ann(world).values():
        assert runner_of(world.dm).run(writing(attempt, conversation)) == set()


@pytest.mark.promise("CONV-1")
def test_a_holder_holds_the_two_and_nobody_else(postgres_harness: PostgresHarness) -> None:
    world = World(postgres_harness)
    sent = world.ann.start("bob", "hello")
    world.cyd.start("dan", "hello")
    world.dm.mailbox("ann", tenant="north").start("bob", "hello")

    def attempt(tx: Transaction) -> set[str]:
        actor = User(TenantId(""), UserId("bob"))
        # What needs this as well is done under locks.
        tx.installation.mode()
        assert tx.contacts.hold_conversation(sent.conversation, actor=actor) is not None
        return _locked(postgres_harness.url)

    assert runner_of(world.dm).run(writing(attempt)) == {"/ann", "/bob"}
