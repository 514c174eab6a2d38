"""Every writing use case, with one request after the other going wrong: nothing lost or doubled.

The same act with nothing wrong says what has to come of it. Everybody has the same time and the
same random bits, so that what both see and what every journal tells can be compared as a whole.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import attrs
import pytest
from tests.conftest import IS_NIGHTLY
from tests.contract.conftest import postgres_database
from tests.faults.wire import UNANSWERED, UNHEARD, Fault, Kind, Wire
from tests.interleavings.acts import ACTS, Act, Scene, set_scene
from tests.interleavings.ring import RULES, Host, SameBits, answering, observed, plain
from tests.support.stores import PostgresHarness

from dmcore import DirectMessages, DmcoreError
from dmcore.adapters import sql
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.sql import SqlTransactions
from dmcore.errors import StoreError
from dmcore.testing.world import NOON_US


def _report(dm: DirectMessages, scene: Scene, me: str) -> object:
    box = dm.mailbox(me, tenant=scene.tenant)
    chosen = [scene.theirs[me]]
    made = box.report(conversation=scene.conversation, messages=chosen, reason="spam", key="key")
    return made.reported, made.messages


__all__ = ["postgres_database"]

_SERIALIZATION_FAILURE: Final = "40001"
_DEADLOCK: Final = "40P01"
_OUT_OF_MEMORY: Final = "53200"
_CANCELLED: Final = "57014"

FAULTS: Final = {
    "unheard": UNHEARD,
    "unanswered": UNANSWERED,
    "a serialization failure": Fault(Kind.REFUSED, _SERIALIZATION_FAILURE),
    "a deadlock": Fault(Kind.REFUSED, _DEADLOCK),
    "out of memory": Fault(Kind.REFUSED, _OUT_OF_MEMORY),
    "cancelled": Fault(Kind.REFUSED, _CANCELLED),
}
_STARTED_OVER: Final = {_SERIALIZATION_FAILURE, _DEADLOCK}
FAULTY_ACTS: Final = {**ACTS, "report under a key": Act("friends", _report)}
# Who asks once more gets the first answer: the others may be done twice when they are asked twice.
_UNDER_A_KEY: Final = {it for it in FAULTY_ACTS if it.endswith("under a key")}
_BY_DAY: Final = {*_UNDER_A_KEY, "delete", "mark_read"}
_NAMES: Final = set(FAULTY_ACTS) if IS_NIGHTLY else _BY_DAY
_MOST_REQUESTS: Final = 60


@attrs.define
class Stage:
    """One store, looked at directly and acted on through a wire, in a fresh tenant each time."""

    truth: DirectMessages
    acting: DirectMessages
    wire: Wire
    rounds: int = 0

    def scene(self, act: Act) -> Scene:
        self.rounds += 1
        transactions = self.truth._transactions
        assert isinstance(transactions, SqlTransactions)
        return set_scene(self.truth, transactions._namespace, act.setting, f"tenant {self.rounds}")

    def act(self, act: Act, scene: Scene) -> object:
        """The answer to ann, in a form that can be compared; an error of the store as it is."""
        answer = answering(act, self.acting, scene, "ann")()
        return answer if isinstance(answer, BaseException) else plain(answer, scene.conversation)

    def world(self, scene: Scene) -> object:
        """Everything that anybody can tell."""
        olga = self.truth.operations("olga", tenant=scene.tenant)
        mode = olga.mode()
        olga.set_mode("on")
        seen = [observed(self.truth, scene, user) for user in ("ann", "bob")]
        journals = [olga.audit(it, tenant=scene.tenant).items for it in ("ann", "bob", "olga")]
        # The id of a report is made of the tenant, among other things.
        facts = [
            [(it.position, attrs.evolve(it.fact, report=None)) for it in items]
            for items in journals[:2]
        ]
        desk = self.truth.moderation("mia", tenant=scene.tenant)
        reports = [(it.reported, it.state) for it in desk.reports().items]
        acts = [it.fact.action for it in journals[2] if it.fact.mode is not mode]
        return plain([mode, seen, facts, acts, reports], scene.conversation)


@pytest.fixture
def stage(postgres_database: str) -> Iterator[Stage]:
    """With a pool of one: a connection that is not given back, or not clean, is noticed at once."""
    harness = PostgresHarness(postgres_database)
    harness.clear()
    rules = RULES["absorb"]
    truth = harness.open(policy=rules.policy, clock=ManualClock(NOON_US), entropy=SameBits(1))
    with Wire(postgres_database) as wire:
        acting = sql.open_sync(
            wire.url,
            policy=rules.policy,
            clock=ManualClock(NOON_US),
            entropy=SameBits(2),
            directory=Host() if rules.has_directory else None,
            pool_size=1,
        )
        with acting:
            yield Stage(truth, acting, wire)
    harness.close()


@pytest.mark.promise("MSG-3", "MSG-4", "FEED-2")
@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("name", sorted(_NAMES))
def test_whichever_request_goes_wrong_an_act_is_done_once_or_not_at_all(
    stage: Stage, name: str, what: str, record_property: Callable[[str, object], None]
) -> None:
    act, fault = FAULTY_ACTS[name], FAULTS[what]
    model = stage.scene(act)
    nothing = stage.world(model)
    answer = stage.act(act, model)
    done = stage.world(model)
    assert not isinstance(answer, StoreError)
    number = 1
    while True:
        scene = stage.scene(act)
        stage.wire.break_at(number, fault)
        heard = stage.act(act, scene)
        was_spared = stage.wire.mend()
        found = stage.world(scene)
        where = f"{what} at request {number}"
        if isinstance(heard, BaseException):
            assert isinstance(heard, StoreError), where
            assert fault.sqlstate not in _STARTED_OVER, (where, heard)
            assert heard.__cause__ is heard.__context__ is None, where
            assert found in (nothing, done), where
            if found == nothing or name in _UNDER_A_KEY:
                heard, found = stage.act(act, scene), stage.world(scene)
        else:
            assert heard == answer, where
        assert found == done, where
        if not isinstance(heard, DmcoreError):
            assert heard == answer, where
        if was_spared:
            break
        number += 1
        assert number < _MOST_REQUESTS, "the act asks without end"
    assert number > 2, "nothing went wrong"
    assert stage.truth.operations("olga").verify() == ()
    record_property(f"requests that went wrong, {what}", number - 1)


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("name", sorted(_NAMES - {"set_mode"}))
def test_whoever_waits_for_an_answer_hinders_nobody_who_writes_to_others(
    stage: Stage, name: str, record_property: Callable[[str, object], None]
) -> None:
    """A network that stalls in the middle of an act, whatever that act has locked."""
    act = FAULTY_ACTS[name]
    answer = stage.act(act, stage.scene(act))
    number = 1
    with ThreadPoolExecutor(1) as threads:
        while True:
            scene = stage.scene(act)
            others = stage.truth.mailbox("cyd", tenant=scene.tenant)
            stage.wire.break_at(number, Fault(Kind.HELD))
            waiting = threads.submit(stage.act, act, scene)
            waiting.add_done_callback(lambda _: stage.wire.give_up())
            stage.wire.wait_until_held()
            if not stage.wire.is_holding:
                break
            sent = others.start("dan", "is anybody here?")
            assert stage.wire.is_holding, f"they waited at request {number}"
            stage.wire.release()
            assert waiting.result() == answer
            assert (
                stage.truth.mailbox("dan", tenant=scene.tenant).requests().items[0].newest
                == sent.id
            )
            number += 1
            assert number < _MOST_REQUESTS, "the act asks without end"
    assert number > 2, "nothing was held"
    assert stage.truth.operations("olga").verify() == ()
    record_property("requests whose answers were held", number - 1)
