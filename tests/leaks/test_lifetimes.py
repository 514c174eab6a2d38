"""A text that was refused, or could not be stored, is gone with the error: not when garbage is."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from sqlalchemy import create_engine
from tests.support.damage import change

from dmcore import DirectMessages, Policy, RateLimit
from dmcore.adapters import memory, sql
from dmcore.adapters.clock import ManualClock
from dmcore.domain.instants import LONGEST
from dmcore.errors import AccessDenied, DmcoreError, InvalidId, LimitReached, StoreError

BEGAN_US = 1_900_000_000_000_000


@pytest.fixture(params=["memory", "sqlite"])
def store(
    request: pytest.FixtureRequest, sqlite_url: str
) -> Iterator[tuple[DirectMessages, ManualClock]]:
    policy = Policy(messages=RateLimit(1, LONGEST))
    clock = ManualClock(BEGAN_US)
    if request.param == "memory":
        dm = memory.open_sync(policy=policy, clock=clock)
    else:
        sql.initialise(sqlite_url)
        dm = sql.open_sync(sqlite_url, policy=policy, clock=clock)
    with dm:
        dm.operations("olga").set_mode("on")
        dm.mailbox("ann").start("bob", "hello")
        yield dm, clock


def is_gone_with_its_error(act: Callable[[], object], kind: type[DmcoreError]) -> bool:
    gc.collect()
    gc.disable()
    try:
        act()
    except kind as error:
        left = weakref.ref(error)
    finally:
        gc.enable()
    return left() is None


class Text(str):
    """One of which somebody can tell that it is gone."""


@pytest.mark.promise("LEAK-1")
def test_what_a_limit_refuses(store: tuple[DirectMessages, ManualClock]) -> None:
    dm, clock = store
    ann = dm.mailbox("ann")
    assert is_gone_with_its_error(lambda: ann.start("bob", "zebra"), LimitReached)
    # That the clock went back is written down, so the refusal comes after its transaction.
    clock.set_us(BEGAN_US - 1)
    assert is_gone_with_its_error(lambda: ann.start("bob", "zebra"), LimitReached)


@pytest.mark.promise("LEAK-1")
def test_what_a_desk_is_refused(store: tuple[DirectMessages, ManualClock]) -> None:
    dm, _ = store
    desk = dm.moderation("mia")
    nowhere = "00000000-0000-7000-8000-000000000000"
    assert is_gone_with_its_error(lambda: desk.report(nowhere), AccessDenied)


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_a_store_cannot_take(
    store: tuple[DirectMessages, ManualClock], sqlite_url: str
) -> None:
    dm, clock = store
    change(sqlite_url, "DROP TABLE dm_journal")
    clock.set_us(BEGAN_US + 2 * LONGEST // LONGEST.resolution)
    ben = dm.mailbox("ben")
    assert is_gone_with_its_error(lambda: ben.start("bob", "zebra"), StoreError)


@pytest.mark.promise("LEAK-1")
def test_what_goes_to_an_id_that_is_none(store: tuple[DirectMessages, ManualClock]) -> None:
    ann = store[0].mailbox("ann")
    assert is_gone_with_its_error(lambda: ann.send("nowhere", "zebra"), InvalidId)


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize("kind", ["limit", "store"])
def test_what_a_thread_was_asked(sqlite_url: str, kind: str) -> None:
    sql.initialise(sqlite_url)

    async def is_gone() -> bool:
        policy = Policy(messages=RateLimit(1, LONGEST))
        async with await sql.open_async(sqlite_url, policy=policy, pool_size=1) as dm:
            await dm.operations("olga").set_mode("on")
            await dm.mailbox("ann").start("bob", "hello")
            if kind == "store":
                change(sqlite_url, "DROP TABLE dm_receipt; DROP TABLE dm_journal")
            gc.collect()
            gc.disable()
            left = None
            try:
                await dm.mailbox("ann").start("bob", "zebra")
            except DmcoreError as error:
                left = weakref.ref(error)
            finally:
                # The one thread for writing lets go of what it did before it does something else.
                with suppress(DmcoreError):
                    await dm.operations("olga").set_mode("off")
                gc.enable()
            return left is not None and left() is None

    assert asyncio.run(is_gone())


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_what_sqlalchemy_could_not_ask(
    store: tuple[DirectMessages, ManualClock], sqlite_url: str
) -> None:
    """Its own frames hold what they were given, in cycles of theirs."""
    ann = store[0].mailbox("ann")
    conversation = ann.inbox().items[0].conversation
    message = ann.thread(conversation).items[0].id
    change(sqlite_url, "ALTER TABLE dm_message RENAME COLUMN thread_id TO gone")
    # Not the error itself, which is ours: what it was made from.
    text = Text("zebra")
    left = weakref.ref(text)
    gc.collect()
    gc.disable()
    try:
        with suppress(StoreError):
            ann.edit(conversation, message, text)
        del text
        assert left() is None
    finally:
        gc.enable()


@pytest.mark.promise("LEAK-1")
def test_what_was_written_in_a_transaction_of_the_hosts(sqlite_url: str) -> None:
    sql.initialise(sqlite_url)
    with sql.open_sync(sqlite_url) as dm:
        dm.operations("olga").set_mode("on")
    change(sqlite_url, "DROP TABLE dm_journal")
    engine = create_engine(sqlite_url, hide_parameters=True)

    def write() -> None:
        with engine.connect() as connection, connection.begin():
            sql.join(connection).mailbox("ann").start("bob", "zebra")

    assert is_gone_with_its_error(write, StoreError)
    engine.dispose()
