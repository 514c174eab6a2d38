"""The watcher: one question for everybody, and a store that is away for a while."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest
from tests.support.stores import asked_through
from tests.web.live.scene import QUICK, UNLIMITED, Stage, comes_true

from dmcore import Changes, DirectMessages, Heads
from dmcore.adapters import sql
from dmcore.adapters.web._worlds import Bell, LoopWorld
from dmcore.adapters.web.live import Rhythm
from dmcore.errors import AccessDenied, StoreBusy, StoreUnavailable
from dmcore.ports.transactions import Call, Transactions

CANARY = "canary of a text"
MANY = 200

Result = TypeVar("Result")


class Failing:
    """A runner whose answers of some kinds get lost on the way."""

    def __init__(self, inner: Transactions) -> None:
        self._inner = inner
        self.lost: tuple[type, ...] = ()
        self.failures = 0
        self.error: Exception | None = None

    def run(self, call: Call[Result], /) -> Result:
        answer = self._inner.run(call)
        if isinstance(answer, self.lost):
            self.failures += 1
            raise self.error or (StoreBusy() if self.failures % 2 else StoreUnavailable(CANARY))
        return answer

    def close(self) -> None:
        self._inner.close()


@pytest.fixture(params=["threads", "loop over threads"])
def kind(request: pytest.FixtureRequest) -> str:
    word: str = request.param
    return word


@pytest.fixture
def failing(dm: DirectMessages) -> Failing:
    return Failing(dm._transactions)


@pytest.fixture
def stage(kind: str, dm: DirectMessages, failing: Failing) -> Iterator[Stage]:
    handle = attrs.evolve(dm, transactions=failing)
    stage = Stage(kind, handle, site=QUICK, rhythm=Rhythm(pause=0.01))
    yield stage
    stage.end()


@pytest.mark.promise("LEAK-1", "FEED-1")
@pytest.mark.parametrize("lost", [Heads, Changes])
def test_while_the_store_is_away_streams_stay_open_and_miss_nothing(
    stage: Stage,
    dm: DirectMessages,
    failing: Failing,
    lost: type,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = stage.connected("ann")
    client.next("hello")
    with caplog.at_level(logging.DEBUG):
        failing.lost = (lost,)
        sent = [str(dm.mailbox("bob").start("ann", CANARY).id) for _ in range(3)]
        assert comes_true(lambda: failing.failures >= 3)
    failing.lost = ()
    facts, _ = client.facts(3)
    assert [fact["message"] for fact in facts] == sent
    assert b"canary" not in client.raw
    said = {record.getMessage() for record in caplog.records if record.name == "dmcore.web"}
    codes = {"store_busy", "store_unavailable"} if lost is Heads else set()
    assert said == {f"live updates wait for the store: {code}" for code in codes}
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.promise("LEAK-1", "FEED-1")
def test_whatever_a_look_meets_streams_go_on_and_the_log_names_its_kind_alone(
    stage: Stage, dm: DirectMessages, failing: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    client = stage.connected("ann")
    client.next("hello")
    assert comes_true(stage.is_watching)
    with caplog.at_level(logging.DEBUG):
        failing.error, failing.lost = OSError(CANARY), (Heads,)
        assert comes_true(lambda: failing.failures)
        failing.lost = ()
        sent = dm.mailbox("bob").start("ann", CANARY)
        stage.live.look()
        facts, _ = client.facts(1)
    assert [fact["message"] for fact in facts] == [str(sent.id)]
    told = [record for record in caplog.records if record.name == "dmcore.web"]
    assert {record.getMessage() for record in told} == {"live updates were interrupted: OSError"}
    assert not any(record.exc_info for record in told)


def test_a_stream_ends_when_its_user_may_not_read_any_more(
    stage: Stage, dm: DirectMessages, failing: Failing
) -> None:
    """However that came about: what was written to them meanwhile is not told."""
    client = stage.connected("ann")
    client.next("hello")
    failing.error, failing.lost = AccessDenied(), (Changes,)
    dm.mailbox("bob").start("ann", CANARY)
    assert [event.name for event in client.rest()] == ["closed"]
    assert b'{"reason":"refused"}' in client.raw
    assert comes_true(lambda: stage.is_free("ann"))


@pytest.mark.promise("SCALE-1")
def test_however_many_are_connected_a_look_is_one_statement(kind: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'dm.db'}"
    sql.initialise(url)
    site = attrs.evolve(QUICK, look_every=timedelta(hours=1))
    with sql.open_sync(url, policy=UNLIMITED) as dm:
        dm.operations("olga").set_mode("on")
        stage = Stage(kind, dm, site=site)
        with asked_through(dm) as asked:
            streams: list[Any] = [stage.opened(f"user {number}") for number in range(MANY)]
            assert comes_true(lambda: _looks(asked))
        client = stage.connected("ann")
        client.next("hello")
        with asked_through(dm) as asked:
            for turn in range(1, 4):
                stage.live.look()
                assert comes_true(partial(_has_looked, asked, turn))
        assert len(set(_looks(asked))) == 1
        # Ann read once more: the watcher saw her for the first time.
        assert len(asked) - len(_looks(asked)) <= 1
        dm.mailbox("bob").start("ann", "x")
        stage.live.look()
        client.facts(1)
        for stream in streams:
            stage.closed(stream)
        stage.end()


def test_a_bell_on_a_loop_that_is_closed_rings_for_nobody(dm: DirectMessages) -> None:
    async def made() -> Bell:
        return LoopWorld(dm).bell()

    bell = asyncio.run(made())
    bell.ring()


def _has_looked(asked: list[str], times: int) -> bool:
    return len(_looks(asked)) == times


def _looks(asked: list[str]) -> list[str]:
    return [statement for statement in asked if "json_each" in statement]
