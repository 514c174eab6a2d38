"""A text that was refused, or could not be stored, is gone with the error: not when garbage is."""

import gc
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from dmcore import DirectMessages, Policy, RateLimit
from dmcore.adapters import memory, sql
from dmcore.adapters.clock import ManualClock
from dmcore.domain.instants import LONGEST
from dmcore.errors import AccessDenied, DmcoreError, LimitReached, StoreError

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
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as file:
        file.execute("DROP TABLE dm_journal")
    clock.set_us(BEGAN_US + 2 * LONGEST // LONGEST.resolution)
    ben = dm.mailbox("ben")
    assert is_gone_with_its_error(lambda: ben.start("bob", "zebra"), StoreError)
