"""What a handle is opened with."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from dmcore import Gate, OpenTo, Policy, Preferences
from dmcore.adapters import memory, sql
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.screening import WordList
from dmcore.domain.gates import Introduction
from dmcore.domain.ids import User
from dmcore.errors import ChoiceNotOffered, InvalidSetting, StoreUnavailable
from dmcore.ports.directory import Directory, asked
from dmcore.ports.screening import ScreenerChain, chain_of


@pytest.mark.parametrize("policy", [{}, 0, "", "strict", 7])
def test_a_policy_is_a_policy(policy: Any) -> None:
    """Whatever else is handed in is no silent default."""
    with pytest.raises(InvalidSetting) as caught:
        memory.open_sync(policy=policy)
    assert caught.value.details["setting"] == "policy"


@pytest.mark.promise("GATE-1")
def test_gates_need_somebody_who_knows_who_is_who() -> None:
    with pytest.raises(InvalidSetting) as caught:
        memory.open_sync(policy=Policy(gates=(Gate(),)))
    assert caught.value.details["setting"] == "gates"


def test_rules_that_ask_need_somebody_to_ask() -> None:
    nobody: Directory | None = None
    with pytest.raises(ValueError, match="none"):
        asked(nobody)


class Asked:
    """A directory whose answer is there at once."""

    def introduce(self, sender: User, recipient: User) -> Introduction:
        raise LookupError(sender, recipient)


class Awaited:
    """A directory whose answer has to be awaited."""

    async def introduce(self, sender: User, recipient: User) -> Introduction:
        raise LookupError(sender, recipient)


class AwaitedUnconnected(Awaited):
    """The same of a host in which nobody is connected with anybody."""

    knows_connections = False


class Unwilling:
    """What has the attribute and cannot be asked."""

    introduce = "everybody"


@pytest.mark.promise("EMB-5")
@pytest.mark.parametrize("wrong", [Awaited(), Unwilling(), object(), "people", 0, False])
def test_a_directory_that_cannot_be_asked_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        memory.open_sync(directory=wrong)
    assert caught.value.details["setting"] == "directory"
    memory.open_sync(directory=Asked()).close()


@pytest.mark.promise("EMB-5")
@pytest.mark.parametrize("wrong", [Asked(), Unwilling(), object(), "people", 0, False])
def test_a_directory_that_cannot_be_awaited_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        asyncio.run(memory.open_async(directory=wrong))
    assert caught.value.details["setting"] == "directory"
    asyncio.run(memory.open_async(directory=Awaited()))


@pytest.mark.promise("EMB-5")
def test_a_database_is_not_even_looked_for_with_the_wrong_directory(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'missing.db'}"
    with pytest.raises(InvalidSetting):
        sql.open_sync(url, directory=cast("Any", Awaited()))
    with pytest.raises(InvalidSetting):
        asyncio.run(sql.open_async(url, directory=cast("Any", Asked())))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("wrong", [[object()], ["words"], [WordList], [None]])
def test_what_cannot_screen_is_refused_at_once(wrong: Any, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'missing.db'}"
    openings: tuple[Callable[[], object], ...] = (
        lambda: memory.open_sync(screeners=wrong),
        lambda: asyncio.run(memory.open_async(screeners=wrong)),
        lambda: sql.open_sync(url, screeners=wrong),
        lambda: asyncio.run(sql.open_async(url, screeners=wrong)),
    )
    for opening in openings:
        with pytest.raises(InvalidSetting) as caught:
            opening()
        assert caught.value.details["setting"] == "screeners"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("wrong", ["ignore", "pass", "", None, True])
def test_a_broken_screener_is_never_overlooked(wrong: Any) -> None:
    """Also where there is none: the mistake is found when it is made."""
    for screeners in ((), (WordList(["x"]),)):
        with pytest.raises(InvalidSetting) as caught:
            memory.open_sync(screeners=screeners, when_screener_breaks=wrong)
        assert caught.value.details["setting"] == "when_screener_breaks"


def test_rules_that_ask_screeners_need_some() -> None:
    nobody: ScreenerChain | None = None
    with pytest.raises(ValueError, match="none"):
        chain_of(nobody)


@pytest.mark.promise("PREF-1")
def test_what_a_user_cannot_choose_here_is_no_failure_of_the_host() -> None:
    with memory.open_sync() as dm:
        dm.operations("olga").set_mode("on")
        ann = dm.mailbox("ann")
        before = ann.preferences()
        with pytest.raises(ChoiceNotOffered) as caught:
            ann.set_preferences(Preferences(open_to=OpenTo.CONNECTIONS))
        assert (caught.value.http_status, caught.value.details["setting"]) == (422, "open_to")
        assert ann.preferences() == before
    with memory.open_sync(directory=Asked()) as dm:
        dm.operations("olga").set_mode("on")
        dm.mailbox("ann").set_preferences(Preferences(open_to=OpenTo.CONNECTIONS))
        assert dm.mailbox("ann").preferences().open_to is OpenTo.CONNECTIONS


class Unconnected(Asked):
    """A directory of a host in which nobody is connected with anybody."""

    knows_connections = False


@pytest.mark.promise("PREF-1")
def test_where_nobody_is_connected_nobody_can_be_open_to_connections_only() -> None:
    with memory.open_sync(directory=Unconnected()) as dm:
        dm.operations("olga").set_mode("on")
        ann = dm.mailbox("ann")
        before = ann.preferences()
        with pytest.raises(ChoiceNotOffered):
            ann.set_preferences(Preferences(open_to=OpenTo.CONNECTIONS))
        assert ann.preferences() == before
        assert (dm.has_directory, dm.offers_connections) == (True, False)
    with memory.open_sync(directory=Asked()) as dm:
        assert dm.offers_connections
    with memory.open_sync() as dm:
        assert not dm.offers_connections
    opened = asyncio.run(memory.open_async(directory=AwaitedUnconnected()))
    assert (opened.has_directory, opened.offers_connections) == (True, False)


@pytest.mark.promise("GATE-1")
def test_a_gate_for_connections_needs_somebody_who_knows_some() -> None:
    policy = Policy(gates=(Gate(), Gate(needs_connection=True)))
    with pytest.raises(InvalidSetting) as caught:
        memory.open_sync(policy=policy, directory=Unconnected())
    assert caught.value.details["setting"] == "gates"
    memory.open_sync(policy=policy, directory=Asked()).close()


def test_a_handle_tells_whether_the_host_says_who_its_users_are() -> None:
    with memory.open_sync() as alone, memory.open_sync(directory=Asked()) as told:
        assert (alone.has_directory, told.has_directory) == (False, True)


def test_a_handle_tells_the_time_that_its_clock_shows() -> None:
    clock = ManualClock()
    with memory.open_sync(clock=clock) as dm:
        before = dm.now()
        clock.advance(seconds=60)
        assert dm.now() - before == timedelta(minutes=1)
        assert asyncio.run(memory.open_async(clock=clock)).now() == dm.now()


def test_what_a_facade_runs_on_closes_as_the_handle_does() -> None:
    dm = memory.open_sync()
    box = dm.mailbox("ann")
    box._transactions.close()
    with pytest.raises(StoreUnavailable):
        dm.mailbox("bob").unread()

    async def close_and_ask() -> None:
        awaited = await memory.open_async()
        await awaited.mailbox("ann")._transactions.close()
        await awaited.mailbox("bob").unread()

    with pytest.raises(StoreUnavailable):
        asyncio.run(close_and_ask())
