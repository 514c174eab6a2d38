"""A value that dmcore never writes is named for what it should be, and never shown (LEAK-1)."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from tests.contract.conftest import SQL_STORES, make_sql_harness
from tests.support.stores import SqlHarness

from dmcore.adapters.sql._rows import account_row, conversation_row
from dmcore.adapters.sql._schema import conversation, mailbox
from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation, Side
from dmcore.domain.ids import MessageId, User, parse_tenant_id, parse_user_id
from dmcore.domain.pair import Pair
from dmcore.errors import StoreUnavailable
from dmcore.testing.world import World


class Foreign(NamedTuple):
    """A change by hand, who meets it, and what it is called."""

    statement: str
    asked: Callable[[World], Any]
    name: str


def _talked(stored: SqlHarness) -> World:
    world = World(stored)
    world.ann.start("bob", "the door code is zebra")
    return world


def _sent(world: World) -> None:
    world.ann.start("bob", "is it still there?")


BYTES = {"sqlite": "X'7a65627261'", "postgres": r"'\x7a65627261'"}
FOREIGN = {
    "action": Foreign(
        "UPDATE dm_journal SET action = 'zebra'",
        lambda world: world.ann.changes(),
        "an action in a journal",
    ),
    "mode": Foreign(
        "UPDATE dm_journal SET mode = 'zebra'", lambda world: world.ann.changes(), "a mode in"
    ),
    "limit": Foreign("UPDATE dm_mailbox SET sends = {bytes}", _sent, "a limit"),
    "request": Foreign(
        "UPDATE dm_conversation SET low_request = 'zebra', high_request = 'zebra'",
        _sent,
        "a request",
    ),
}


@pytest.fixture(params=SQL_STORES)
def stored(request: pytest.FixtureRequest) -> Iterator[SqlHarness]:
    harness = make_sql_harness(request.param, request)
    yield harness
    harness.close()


@pytest.mark.promise("OPS-5", "LEAK-1")
@pytest.mark.parametrize("name", FOREIGN)
def test_it_is_a_typed_error_that_shows_nothing(stored: SqlHarness, name: str) -> None:
    foreign = FOREIGN[name]
    world = _talked(stored)
    stored.execute(foreign.statement.format(bytes=BYTES[stored.kind]))
    with pytest.raises(StoreUnavailable, match=f"it holds {foreign.name}") as caught:
        foreign.asked(world)
    assert "zebra" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.promise("OPS-5", "LEAK-1")
@pytest.mark.parametrize("stored", ["sqlite"], indirect=True)
@pytest.mark.parametrize("value", [BYTES["sqlite"], "'zebrazebrazebra!'", "7"])
@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("dm_conversation SET low_read", "an id"),
        ("dm_mailbox SET sends", "a limit"),
        ("dm_message SET body", "a text"),
    ],
)
def test_what_sqlite_takes_in_any_column(
    stored: SqlHarness, column: str, name: str, value: str
) -> None:
    world = _talked(stored)
    started = world.ann.inbox().items[0].conversation
    stored.execute(f"UPDATE {column} = {value}")
    if name == "a text" and value != BYTES["sqlite"]:
        # SQLite makes a text of it: the column is one of texts.
        world.ann.thread(started)
        return

    def use() -> None:
        world.ann.thread(started)
        _sent(world)

    with pytest.raises(StoreUnavailable, match=f"it holds {name} that") as caught:
        use()
    assert "zebra" not in repr(caught.value)


def test_a_row_that_is_made_has_the_columns_of_its_table_in_their_order() -> None:
    # What is new in a row is found by setting it beside the row that was read.
    pair = Pair.of(parse_tenant_id(""), parse_user_id("ann"), parse_user_id("bob"))
    id_ = pair.conversation_id(bytes(16))
    one = Conversation(
        id=id_, pair=pair, newest=MessageId(id_), oldest=None, low=Side(), high=Side()
    )
    ann = User(parse_tenant_id(""), parse_user_id("ann"))
    assert list(account_row(Account(user=ann))) == mailbox.columns.keys()
    assert list(conversation_row(one)) == conversation.columns.keys()
