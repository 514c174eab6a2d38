"""Only the two can read or write, and nobody learns what else there is."""

from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from tests.contract.conftest import MakeWorld
from tests.support.stores import PostgresHarness, SqlHarness, asked_through, runner_of
from tests.support.world import (
    ABSORBING,
    World,
    anatomy,
    inbox_of,
    texts,
    thread_of,
)

from dmcore.domain.ids import ConversationId, Key, TenantId, User, UserId
from dmcore.errors import AccessDenied, DmcoreError, InvalidId
from dmcore.mailbox import Mailbox
from dmcore.ports.transactions import Transaction

NOWHERE = UUID("0b5e7d3c-7c31-8f0e-9d6a-3f2b1c0d9e8f")

USE_CASES: dict[str, Callable[[Mailbox, UUID, UUID], object]] = {
    "send": lambda box, conversation, _: box.send(conversation, "let me in"),
    "send with a key": lambda box, conversation, _: box.send(conversation, "hello", key="k"),
    "thread": lambda box, conversation, _: box.thread(conversation),
    "mark_read": lambda box, conversation, message: box.mark_read(conversation, through=message),
}


def forbidden_to_ann(world: World) -> dict[str, tuple[UUID, UUID]]:
    """Conversations that Ann has not, for every cause there is, each with a message in it."""
    between_others = world.bob.start("cyd", "hello", key="k")
    north = world.dm.mailbox("ann", tenant="north").start("bob", "hello", key="k")
    world.ann.block("dan")
    hidden = world.dan.start("ann", "hello", key="k")
    return {
        "it does not exist": (NOWHERE, between_others.id),
        "it is of two others": (between_others.conversation, between_others.id),
        "it is of another tenant": (north.conversation, north.id),
        "it exists for the partner only": (hidden.conversation, hidden.id),
    }


@pytest.fixture
def absorbing(make_world: MakeWorld) -> World:
    return make_world(ABSORBING)


@pytest.mark.promise("CONV-1")
@pytest.mark.parametrize("use_case", USE_CASES.values(), ids=USE_CASES)
def test_every_cause_has_one_answer(
    absorbing: World, use_case: Callable[[Mailbox, UUID, UUID], object]
) -> None:
    """Class, text, arguments, details, chain: nothing tells one cause from another."""
    causes = forbidden_to_ann(absorbing)
    seen = set()
    with absorbing.unchanged():
        for conversation, message in causes.values():
            with pytest.raises(AccessDenied) as caught:
                use_case(absorbing.ann, conversation, message)
            seen.add(repr(anatomy(caught.value)))
    assert len(seen) == 1


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


@pytest.mark.promise("CONV-1")
def test_an_error_names_nothing_that_was_asked_for(absorbing: World) -> None:
    (conversation, message) = forbidden_to_ann(absorbing)["it is of two others"]
    with pytest.raises(AccessDenied) as caught:
        absorbing.ann.mark_read(conversation, through=message)
    told = repr(anatomy(caught.value))
    for secret in ("bob", "cyd", "hello", str(conversation), str(message)):
        assert secret not in told
    assert caught.value.http_status == 403


@pytest.mark.promise("CONV-1")
def test_the_two_read_and_write_and_nobody_else_notices(world: World) -> None:
    sent = world.ann.start("bob", "between us")
    world.bob.send(sent.conversation, "yes")

    for box in (world.ann, world.bob):
        assert texts(thread_of(box, sent.conversation)) == ["between us", "yes"]
    for stranger in (world.cyd, world.dm.mailbox("ann", tenant="north")):
        assert inbox_of(stranger) == []
        assert stranger.unread() == 0
    assert world.journal("cyd") == []
    assert world.journal("ann", tenant="north") == []


@pytest.mark.promise("CONV-1")
def test_a_strangers_key_does_not_open_a_conversation(world: World) -> None:
    """A retry is answered before limits and blocks, but never before access."""
    sent = world.ann.start("bob", "hello", key="k")
    with world.unchanged(), pytest.raises(AccessDenied):
        world.cyd.send(sent.conversation, "hello", key="k")


@pytest.mark.promise("CONV-1")
def test_a_hidden_conversation_opens_for_ann_when_she_begins_it(absorbing: World) -> None:
    absorbing.ann.block("dan")
    hidden = absorbing.dan.start("ann", "hello")
    absorbing.ann.unblock("dan")
    with absorbing.unchanged(), pytest.raises(AccessDenied):
        absorbing.ann.thread(hidden.conversation)

    begun = absorbing.ann.start("dan", "hi")
    assert begun.conversation == hidden.conversation
    assert texts(thread_of(absorbing.ann, begun.conversation)) == ["hi"]
    assert texts(thread_of(absorbing.dan, begun.conversation)) == ["hello", "hi"]


@pytest.mark.promise("CONV-1")
@pytest.mark.parametrize("value", ["", "x", "0" * 36, f"{{{NOWHERE}}}", NOWHERE.hex, 7, None])
def test_what_is_no_id_is_refused_before_anything_is_asked(world: World, value: object) -> None:
    sent = world.ann.start("bob", "hello")
    calls: tuple[Callable[[], object], ...] = (
        lambda: world.ann.send(value, "x"),  # type: ignore[arg-type]
        lambda: world.ann.thread(value),  # type: ignore[arg-type]
        lambda: world.ann.mark_read(value, through=sent.id),  # type: ignore[arg-type]
        lambda: world.ann.mark_read(sent.conversation, through=value),  # type: ignore[arg-type]
    )
    with world.unchanged():
        for call in calls:
            with pytest.raises(InvalidId):
                call()


def test_an_id_may_be_given_as_text_in_either_case(world: World) -> None:
    sent = world.ann.start("bob", "hello")
    assert texts(world.bob.thread(str(sent.conversation).upper())) == ["hello"]
    world.bob.mark_read(str(sent.conversation), through=str(sent.id).upper())
    assert world.bob.unread() == 0


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
        assert runner_of(world.dm).write(attempt, conversation) == set()


@pytest.mark.promise("CONV-1")
def test_a_holder_holds_the_two_and_nobody_else(postgres_harness: PostgresHarness) -> None:
    world = World(postgres_harness)
    sent = world.ann.start("bob", "hello")
    world.cyd.start("dan", "hello")
    world.dm.mailbox("ann", tenant="north").start("bob", "hello")

    def attempt(tx: Transaction) -> set[str]:
        actor = User(TenantId(""), UserId("bob"))
        assert tx.contacts.hold_conversation(sent.conversation, actor=actor) is not None
        return _locked(postgres_harness.url)

    assert runner_of(world.dm).write(attempt) == {"/ann", "/bob"}


@pytest.mark.promise("CONV-1")
def test_the_refusal_is_one_of_the_errors_a_host_knows() -> None:
    assert issubclass(AccessDenied, DmcoreError)
    assert (AccessDenied.code, AccessDenied.http_status) == ("access_denied", 403)
