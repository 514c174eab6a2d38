"""A connection may break at any moment of a send: the message is there once, or not at all."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.faults.moments import once_at
from tests.faults.wire import UNANSWERED, UNHEARD, Fault, Wire
from tests.support.stores import engine_of

from dmcore import ConversationId, DirectMessages, Policy, Preferences
from dmcore.adapters import sql
from dmcore.errors import StoreUnavailable
from dmcore.testing.world import text_of

UNLIMITED = Policy(messages=None, starts=None)

# What is sent for something that is stored under locks, each by some words of it.
STATEMENTS = {
    "begin": "BEGIN",
    "facts": "FOR NO KEY UPDATE",
    "write": "WITH w0",
}


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    sql.initialise(postgres_url)
    with Wire(postgres_url) as made:
        yield made


@pytest.fixture
def dm(wire: Wire) -> Iterator[DirectMessages]:
    with sql.open_sync(wire.url, policy=UNLIMITED, pool_size=2) as opened:
        opened.operations("olga").set_mode("on")
        yield opened


@pytest.fixture
def conversation(dm: DirectMessages) -> ConversationId:
    return dm.mailbox("ann").start("bob", "first").conversation


def texts(dm: DirectMessages, conversation: ConversationId) -> list[str]:
    return [text_of(message) for message in dm.mailbox("bob").thread(conversation).items]


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("fault", [UNHEARD, UNANSWERED])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_change_whose_connection_breaks_before_the_commit_is_made_on_another(
    wire: Wire, dm: DirectMessages, conversation: ConversationId, statement: str, fault: Fault
) -> None:
    """Nothing can have been stored, so the runner starts over."""
    chosen = Preferences(receipts=False)
    wire.break_at(STATEMENTS[statement], fault)
    dm.mailbox("ann").set_preferences(chosen)
    assert wire.cuts == 1
    assert dm.mailbox("ann").preferences() == chosen
    assert texts(dm, conversation) == ["first"]
    assert dm.operations("olga").verify() == ()


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("fault", [UNHEARD, UNANSWERED])
def test_a_change_whose_commit_is_not_answered_is_not_made_unasked(
    wire: Wire, dm: DirectMessages, fault: Fault
) -> None:
    before, chosen = dm.mailbox("ann").preferences(), Preferences(receipts=False)
    wire.break_at("COMMIT", fault)
    with pytest.raises(StoreUnavailable):
        dm.mailbox("ann").set_preferences(chosen)
    assert wire.cuts == 1
    assert dm.mailbox("ann").preferences() == (before if fault is UNHEARD else chosen)
    assert dm.operations("olga").verify() == ()


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("fault", [UNHEARD, UNANSWERED])
def test_a_send_whose_connection_breaks_while_it_reads_is_made_on_another(
    wire: Wire, dm: DirectMessages, conversation: ConversationId, fault: Fault
) -> None:
    """Nothing can have been stored, so the runner starts over, even without a key."""
    wire.break_at("actor_box", fault)
    message = dm.mailbox("ann").send(conversation, "second")
    assert wire.cuts == 1
    assert texts(dm, conversation) == ["first", "second"]
    assert dm.mailbox("bob").inbox().items[0].newest == message.id
    assert dm.operations("olga").verify() == ()


@pytest.mark.promise("MSG-3", "MSG-4")
@pytest.mark.parametrize(
    ("fault", "stored"), [(UNHEARD, ["first"]), (UNANSWERED, ["first", "second"])]
)
def test_a_send_whose_write_is_not_answered_is_found_by_its_key(
    wire: Wire, dm: DirectMessages, conversation: ConversationId, fault: Fault, stored: list[str]
) -> None:
    """Nobody can know; so nothing is repeated unasked, and asking again never doubles."""
    wire.break_at("WITH g0", fault)
    with pytest.raises(StoreUnavailable):
        dm.mailbox("ann").send(conversation, "second", key="key")
    assert wire.cuts == 1
    assert texts(dm, conversation) == stored
    once = dm.mailbox("ann").send(conversation, "second", key="key")
    again = dm.mailbox("ann").send(conversation, "second", key="key")
    assert once == again
    assert texts(dm, conversation) == ["first", "second"]
    assert dm.mailbox("bob").unread() == 2
    assert dm.operations("olga").verify() == ()


@pytest.mark.promise("MSG-4", "PAIR-2")
@pytest.mark.parametrize("words", ["actor_box", "WITH g0"])
def test_a_first_message_whose_connection_breaks_begins_one_conversation(
    wire: Wire, dm: DirectMessages, words: str
) -> None:
    wire.break_at(words, UNANSWERED)
    try:
        dm.mailbox("cyd").start("dan", "hello", key="key")
    except StoreUnavailable:
        assert words == "WITH g0"
    assert wire.cuts == 1
    dm.mailbox("cyd").start("dan", "hello", key="key")
    assert dm.mailbox("dan").unread() == 1
    assert dm.operations("olga").status().conversations == 1
    assert dm.operations("olga").verify() == ()


@pytest.mark.parametrize("fault", [UNHEARD, UNANSWERED])
@pytest.mark.parametrize("words", ["FROM dm_installation", "ix_dm_side_inbox", "dm_message"])
def test_a_reader_gets_another_connection(
    wire: Wire, dm: DirectMessages, conversation: ConversationId, words: str, fault: Fault
) -> None:
    wire.break_at(words, fault)
    assert dm.mailbox("bob").inbox().items[0].conversation == conversation
    assert texts(dm, conversation) == ["first"]
    assert dm.operations("olga").verify() == ()


def test_connections_that_died_in_the_pool_are_replaced(
    wire: Wire, dm: DirectMessages, conversation: ConversationId
) -> None:
    """As after a restart of the server, or a firewall that forgets."""
    wire.cut_all()
    dm.mailbox("ann").send(conversation, "second")
    wire.cut_all()
    assert texts(dm, conversation) == ["first", "second"]


def test_a_server_that_is_gone_is_told_and_one_that_comes_back_is_used(
    wire: Wire, dm: DirectMessages, conversation: ConversationId
) -> None:
    wire.is_down = True
    wire.cut_all()
    for act in (
        lambda: dm.mailbox("ann").send(conversation, "lost"),
        lambda: dm.mailbox("ann").inbox(),
        lambda: dm.operations("olga").verify(),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            act()
        assert caught.value.details == {"reason": "the database cannot be reached"}
        assert caught.value.__cause__ is caught.value.__context__ is None
    wire.is_down = False
    dm.mailbox("ann").send(conversation, "second")
    assert texts(dm, conversation) == ["first", "second"]


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("words", ["actor_box", "WITH g0"])
def test_a_backend_that_an_administrator_ends_is_replaced(
    postgres_url: str, dm: DirectMessages, conversation: ConversationId, words: str
) -> None:
    """``pg_terminate_backend`` speaks before it hangs up; that is no error of the statement."""

    def end(cursor: Any) -> None:
        with psycopg.connect(postgres_url, autocommit=True) as administrator:
            administrator.execute(
                "SELECT pg_terminate_backend(%s, 5000)", [cursor.connection.info.backend_pid]
            )

    ended = once_at(engine_of(dm), "before_cursor_execute", words, end)
    try:
        dm.mailbox("ann").send(conversation, "second", key="key")
    except StoreUnavailable:
        # It might have been stored before the backend ended.
        assert words == "WITH g0"
        assert texts(dm, conversation) == ["first"]
    assert len(ended) == 1
    dm.mailbox("ann").send(conversation, "second", key="key")
    assert texts(dm, conversation) == ["first", "second"]
    assert dm.operations("olga").verify() == ()
