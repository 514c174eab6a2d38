"""Another server takes the lead: whoever has a store open goes on there, without opening it again.

What a cluster does about it is seen in ``tests/cluster``; here are the moments, one by one.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, make_url
from tests.support.stores import engine_of

from dmcore import ConversationId, DirectMessages, Policy
from dmcore.adapters import sql as store
from dmcore.adapters.database_urls import hosts_of, ports_of
from dmcore.adapters.sql._async import AsyncSqlTransactions
from dmcore.errors import StoreUnavailable
from dmcore.testing.world import text_of

UNLIMITED = Policy(messages=None, starts=None)
POOL_SIZE = 4


@pytest.fixture
def dm(postgres_url: str) -> Iterator[DirectMessages]:
    store.initialise(postgres_url)
    with store.open_sync(postgres_url, policy=UNLIMITED, pool_size=POOL_SIZE) as opened:
        opened.operations("olga").set_mode("on")
        yield opened


@pytest.fixture
def conversation(dm: DirectMessages) -> ConversationId:
    return dm.mailbox("ann").start("bob", "first").conversation


def make_read_only(engine: Engine) -> None:
    """What all connections of a full pool lead to can only be read from now on."""
    with ExitStack() as held:
        for _ in range(POOL_SIZE):
            connection = held.enter_context(engine.connect())
            connection.exec_driver_sql("SET default_transaction_read_only = on")


def set_for_new_connections(url: str, value: str) -> None:
    """Whether what is connected from now on can only read."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        name = sql.Identifier(connection.info.dbname)
        words = "ALTER DATABASE {} SET default_transaction_read_only = {}"
        connection.execute(sql.SQL(words).format(name, sql.Literal(value)))


def texts(dm: DirectMessages, conversation: ConversationId) -> list[str]:
    return [text_of(message) for message in dm.mailbox("bob").thread(conversation).items]


@pytest.mark.promise("SCALE-2", "MSG-4")
def test_connections_to_who_no_longer_leads_are_left_at_the_first_refusal(
    dm: DirectMessages, conversation: ConversationId
) -> None:
    """However many of them there are, nobody who sends hears of it."""
    make_read_only(engine_of(dm))
    dm.mailbox("ann").send(conversation, "second")
    dm.mailbox("bob").mark_read(conversation, through=dm.mailbox("bob").inbox().items[0].newest)
    with engine_of(dm).connect() as connection:
        answer = connection.exec_driver_sql("SHOW default_transaction_read_only").scalar_one()
    assert answer == "off"
    assert texts(dm, conversation) == ["first", "second"]
    assert dm.operations("olga").verify() == ()


@pytest.mark.promise("SCALE-2", "MSG-4")
def test_they_are_left_as_well_where_sending_is_awaited(
    dm: DirectMessages, conversation: ConversationId, postgres_url: str
) -> None:
    async def send() -> None:
        async with await store.open_async(postgres_url, policy=UNLIMITED, pool_size=1) as awaiting:
            runner = awaiting._transactions
            assert isinstance(runner, AsyncSqlTransactions)
            async with runner._engine.connect() as connection:
                await connection.exec_driver_sql("SET default_transaction_read_only = on")
            await awaiting.mailbox("ann").send(conversation, "second")

    asyncio.run(send())
    assert texts(dm, conversation) == ["first", "second"]


@pytest.mark.promise("SCALE-2")
def test_where_nobody_leads_that_is_told_and_who_leads_next_is_used(
    dm: DirectMessages, conversation: ConversationId, postgres_url: str
) -> None:
    """What is there can be read meanwhile."""
    set_for_new_connections(postgres_url, "on")
    make_read_only(engine_of(dm))
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as caught:
            dm.mailbox("ann").send(conversation, "second", key="key")
        assert caught.value.details == {"reason": "it is read-only"}
        assert texts(dm, conversation) == ["first"]
    set_for_new_connections(postgres_url, "off")
    dm.mailbox("ann").send(conversation, "second", key="key")
    assert texts(dm, conversation) == ["first", "second"]


@pytest.mark.promise("SCALE-2")
def test_of_several_servers_the_one_that_leads_is_found(postgres_url: str, tmp_path: Path) -> None:
    """By setting up, by opening in either colour, and by copying; the first one is not there."""
    url = make_url(postgres_url)
    host, port = hosts_of(url)[0], (ports_of(url) or ["5432"])[0]
    both = f"{quote(str(tmp_path), safe='')}:1,{quote(host, safe='')}:{port}"
    login = f"{url.username}:{url.password}" if url.password else url.username
    several = f"postgresql://{login}@{both}/{url.database}?target_session_attrs=read-write"
    store.initialise(several)
    with store.open_sync(several, policy=UNLIMITED) as dm:
        dm.operations("olga").set_mode("on")
        conversation = dm.mailbox("ann").start("bob", "first").conversation

    async def send() -> None:
        async with await store.open_async(several, policy=UNLIMITED) as awaiting:
            await awaiting.mailbox("ann").send(conversation, "second")

    asyncio.run(send())
    store.back_up(several, tmp_path / "copy")
    with store.open_sync(postgres_url) as dm:
        assert texts(dm, conversation) == ["first", "second"]
