"""Blocking messaging for code that awaits."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from dmcore import Gate, Introduction, Pass, Policy, Profile, Submission, User, Verdict
from dmcore.adapters import memory, sql
from dmcore.errors import AccessDenied, StoreUnavailable

pytestmark = pytest.mark.promise("EMB-2")


class Everyone:
    """A host's directory that notes in which thread it is asked."""

    def __init__(self) -> None:
        self.asked_in: list[int] = []

    def introduce(self, sender: User, recipient: User) -> Introduction:
        self.asked_in.append(threading.get_ident())
        assert sender != recipient
        return Introduction(sender=Profile(), recipient=Profile())


def test_it_is_the_same_messaging_on_the_same_store(sqlite_url: str) -> None:
    sql.initialise(sqlite_url)
    everyone = Everyone()

    async def work() -> None:
        awaited = dm.awaited(asyncio.to_thread)
        assert awaited.policy is dm.policy
        sent = await awaited.mailbox("ann").start("bob", "Hello")
        assert dm.mailbox("bob").inbox().items[0].newest == sent.id
        with pytest.raises(AccessDenied):
            await awaited.mailbox("cid").thread(sent.conversation)
        assert await awaited.operations("olga").verify() == ()

    with sql.open_sync(sqlite_url, policy=Policy(gates=(Gate(),)), directory=everyone) as dm:
        dm.operations("olga").set_mode("on")
        asyncio.run(work())
    assert everyone.asked_in
    assert threading.get_ident() not in everyone.asked_in


class Noting:
    """A screener that notes in which thread it is asked."""

    reasons = ("any",)

    def __init__(self) -> None:
        self.asked_in: list[int] = []

    def screen(self, _: Submission) -> Verdict:
        self.asked_in.append(threading.get_ident())
        return Pass()


@pytest.mark.promise("MOD-5")
def test_screeners_are_asked_where_the_runner_runs_them_and_never_on_the_event_loop() -> None:
    noting, lent = Noting(), []

    async def lend(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        lent.append(function)
        return function(*args, **kwargs)

    async def work() -> None:
        with memory.open_sync(screeners=[noting]) as dm:
            awaited = dm.awaited(lend)
            await awaited.operations("olga").set_mode("on")
            lent.clear()
            await awaited.mailbox("ann").start("bob", "Hello")
        assert noting.asked_in == [threading.get_ident()]
        # Two transactions, and the screeners between them.
        assert len(lent) == 3
        noting.asked_in.clear()
        async with await memory.open_async(screeners=[noting]) as other:
            await other.operations("olga").set_mode("on")
            await other.mailbox("ann").start("bob", "Hello")
        assert len(noting.asked_in) == 1
        assert threading.get_ident() not in noting.asked_in

    asyncio.run(work())


def test_closing_either_closes_both(sqlite_url: str) -> None:
    sql.initialise(sqlite_url)

    async def close() -> None:
        async with dm.awaited(asyncio.to_thread):
            pass

    with sql.open_sync(sqlite_url) as dm:
        asyncio.run(close())
        with pytest.raises(StoreUnavailable):
            dm.operations("olga").mode()
