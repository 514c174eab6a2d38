"""Closing waits for what is under way, and leaves nothing behind; a handle stays on its loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import psycopg
import pytest
from tests.support.stores import PostgresHarness, SqlHarness

from dmcore import AsyncDirectMessages, DirectMessages, Policy
from dmcore.adapters import sql
from dmcore.errors import InvalidSetting, StoreUnavailable
from dmcore.ports.transactions import Transaction, writing

UNLIMITED = Policy(messages=None, starts=None)


@pytest.fixture
def url(sql_harness: SqlHarness) -> str:
    with sql.open_sync(sql_harness.url) as dm:
        dm.operations("olga").set_mode("on")
    return sql_harness.url


def read_for_ever(dm: DirectMessages) -> None:
    while True:
        dm.mailbox("ann").unread()


def test_closing_lets_the_calls_of_other_threads_end(url: str) -> None:
    dm = sql.open_sync(url, policy=UNLIMITED, pool_size=1)
    begun, go_on = Event(), Event()

    def slow(tx: Transaction) -> str:
        begun.set()
        assert go_on.wait(20)
        return tx.installation.mode()

    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(dm._transactions.run, writing(slow))
        assert begun.wait(20)
        closing = threads.submit(dm.close)
        with pytest.raises(StoreUnavailable):
            read_for_ever(dm)
        assert not closing.done()
        go_on.set()
        assert running.result() == "on"
        closing.result()
    assert dm._transactions._engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_awaited_calls_are_over_when_closing_is(url: str) -> None:
    async def story() -> list[Any]:
        dm = await sql.open_async(url, policy=UNLIMITED, pool_size=1)
        ann = dm.mailbox("ann")
        tasks = [asyncio.create_task(ann.block(f"user {number}")) for number in range(30)]
        await asyncio.sleep(0)
        await dm.close()
        assert all(task.done() for task in tasks)
        with pytest.raises(StoreUnavailable):
            await ann.unread()
        return await asyncio.gather(*tasks, return_exceptions=True)

    outcomes = asyncio.run(story())
    assert all(it is None or isinstance(it, StoreUnavailable) for it in outcomes)
    with sql.open_sync(url) as dm:
        assert len(dm.mailbox("ann").blocked(limit=100).items) == outcomes.count(None)
        assert dm.operations("olga").verify() == ()


def test_closing_leaves_no_connection_on_the_server(postgres_harness: PostgresHarness) -> None:
    mark = "dmcore-closing-test"
    joint = "&" if "?" in postgres_harness.url else "?"
    url = f"{postgres_harness.url}{joint}application_name={mark}"

    async def story() -> None:
        dm = await sql.open_async(url, policy=UNLIMITED, pool_size=2)
        tasks = [asyncio.create_task(dm.mailbox(f"user {n}").unread()) for n in range(50)]
        await asyncio.sleep(0)
        await dm.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(story())
    question = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    with psycopg.connect(postgres_harness.url, autocommit=True) as watcher:
        while watcher.execute(question, [mark]).fetchone() != (0,):
            Event().wait(0.01)


def test_a_handle_on_another_loop_is_told_so(postgres_harness: PostgresHarness) -> None:
    async def opened() -> AsyncDirectMessages:
        return await sql.open_async(postgres_harness.url)

    async def asked(dm: AsyncDirectMessages) -> None:
        with pytest.raises(InvalidSetting) as caught:
            await dm.mailbox("ann").unread()
        assert caught.value.details["setting"] == "loop"

    with asyncio.Runner() as runner:
        dm = runner.run(opened())
        asyncio.run(asked(dm))
        runner.run(dm.close())
