"""Whatever a desk is refused is one fact, whichever method it was, one of tomorrow too (AUD-1)."""

import asyncio
import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import pytest

import dmcore
from dmcore import (
    Action,
    AsyncModerationDesk,
    AsyncOperations,
    DirectMessages,
    DmcoreError,
    ModerationDesk,
    Operations,
    errors,
)
from dmcore._noting import is_refusal
from dmcore.adapters import memory
from dmcore.domain.events import Fact
from dmcore.errors import AccessDenied
from dmcore.ports.transactions import Call, Transactions

Result = TypeVar("Result")

REPORT = UUID("01890000-0000-7000-8000-000000000000")
# What each parameter can be, by its name. One that is not here is new: name something for it.
GIVEN: dict[str, Any] = {
    "user": "bob",
    "users": ["bob"],
    "report": REPORT,
    "reports": [REPORT],
    "move": "take",
    "outcome": "warned",
    "kind": "mute",
    "reason": "spam",
    "mode": "on",
    "before": datetime(2030, 1, 1, tzinfo=UTC),
    "lines": ["a line"],
    "consumer": "hook",
    "holder": "worker",
    "work": "rotate",
}
# What asks for nothing by itself.
SAYS_NOTHING = {"relaying"}
METHODS = [
    (desk, name)
    for desk in (ModerationDesk, Operations)
    for name, member in vars(desk).items()
    if inspect.isfunction(member) and not name.startswith("_") and name not in SAYS_NOTHING
]


class Refusing:
    """A store that refuses the first call, and then does what it is told."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._has_refused = False

    def run(self, call: Call[Result], /) -> Result:
        if not self._has_refused:
            self._has_refused = True
            raise AccessDenied
        return self._transactions.run(call)

    def close(self) -> None:
        self._transactions.close()


def given(method: Callable[..., Any]) -> dict[str, Any]:
    needed = inspect.signature(method).parameters.values()
    named = [it.name for it in needed if it.default is it.empty and it.name != "self"]
    return {name: GIVEN[name] for name in named}


def refused(attempt: Callable[[], object]) -> None:
    """Alone it raises; of many each is answered."""
    try:
        answers = cast("tuple[Any, ...]", attempt())
    except AccessDenied:
        return
    assert [it.error for it in answers] == ["access_denied"]


def desk_on(dm: DirectMessages, kind: type) -> Any:
    return dm.moderation("mod") if kind is ModerationDesk else dm.operations("mod")


def noted(dm: DirectMessages) -> list[Fact]:
    return [it.fact for it in dm.operations("otto").audit("mod").items]


def opened() -> tuple[DirectMessages, DirectMessages]:
    """A store that refuses, and the same one without that."""
    dm = memory.open_sync()
    refusing = DirectMessages(rules=dm._rules, transactions=Refusing(dm._transactions))
    return refusing, dm


@pytest.mark.promise("AUD-1")
@pytest.mark.parametrize(("kind", "name"), METHODS, ids=lambda it: getattr(it, "__name__", it))
def test_whatever_a_desk_is_refused_is_one_fact(kind: type, name: str) -> None:
    refusing, dm = opened()
    method = getattr(desk_on(refusing, kind), name)
    refused(lambda: method(**given(method)))
    (fact,) = noted(dm)
    assert fact.actor == "mod"
    assert fact.action.endswith("_refused")
    named = {"user", "users", "report", "reports"} & set(given(method))
    says_more = name in {"erase", "preview_erasure"} or (kind is ModerationDesk and named)
    assert (fact.action is Action.CALL_REFUSED) is not bool(says_more)


@pytest.mark.promise("AUD-1", "EMB-2")
@pytest.mark.parametrize(("kind", "name"), METHODS, ids=lambda it: getattr(it, "__name__", it))
def test_and_so_it_is_where_it_is_awaited(kind: type, name: str) -> None:
    async def at_once(work: Callable[..., Result], /, *args: Any) -> Result:
        return work(*args)

    refusing, dm = opened()
    awaited = refusing.awaited(cast("Any", at_once))
    desk: AsyncModerationDesk | AsyncOperations = (
        awaited.moderation("mod") if kind is ModerationDesk else awaited.operations("mod")
    )
    method = getattr(desk, name)
    refused(lambda: asyncio.run(method(**given(method))))
    (fact,) = noted(dm)
    assert (fact.actor, fact.action.endswith("_refused")) == ("mod", True)


@pytest.mark.promise("AUD-1")
def test_every_error_counts_but_those_of_form_of_the_store_and_of_who_is_gone() -> None:
    """A new kind of error counts until somebody decides that it does not."""
    kinds = [it for it in vars(errors).values() if inspect.isclass(it)]
    spared = {
        it.__name__
        for it in kinds
        if issubclass(it, DmcoreError) and not is_refusal(it.__new__(it))
    }
    of_store = {it.__name__ for it in kinds if issubclass(it, errors.StoreError)}
    assert spared - of_store == {
        *("InvalidCursor", "InvalidId", "InvalidLedger", "InvalidPageSize"),
        *("InvalidReport", "InvalidRestriction", "InvalidSetting", "AccountErased"),
    }
    assert of_store <= spared


@pytest.mark.promise("AUD-1")
def test_what_is_malformed_or_allowed_is_no_refusal() -> None:
    dm = memory.open_sync()
    desk = dm.moderation("mod")
    with pytest.raises(dmcore.errors.InvalidId):
        desk.report("no id")
    with pytest.raises(dmcore.errors.InvalidRestriction):
        desk.restrict("bob", "mute", reason="spam", until=datetime(1999, 1, 1, tzinfo=UTC))
    desk.about("bob")
    assert noted(dm) == []
    dm.operations("olga").erase("mod")
    with pytest.raises(dmcore.errors.AccountErased):
        desk.restrict("mod", "mute", reason="spam")
    assert noted(dm) == []


@pytest.mark.promise("AUD-1")
def test_the_desks_close_what_they_run_on() -> None:
    refusing, dm = opened()
    refusing.moderation("mod")._transactions.close()
    with pytest.raises(dmcore.errors.StoreUnavailable):
        dm.operations("otto").mode()


def test_what_notes_can_be_closed_in_both_colours() -> None:
    dm = memory.open_sync()
    awaited = dm.awaited(asyncio.to_thread).operations("olga")
    asyncio.run(awaited._transactions.close())
    with pytest.raises(errors.StoreUnavailable):
        dm.operations("olga").mode()
