"""One behaviour in two colours: what can be called, how, and what comes back (EMB-2)."""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, get_args, get_origin, get_type_hints

import pytest

import dmcore
from dmcore.adapters import memory, sql
from dmcore.ports import transactions as ports

PAIRS: dict[type, type] = {
    dmcore.DirectMessages: dmcore.AsyncDirectMessages,
    dmcore.Mailbox: dmcore.AsyncMailbox,
    dmcore.DeviceList: dmcore.AsyncDeviceList,
    dmcore.Operations: dmcore.AsyncOperations,
    dmcore.ModerationDesk: dmcore.AsyncModerationDesk,
    dmcore.Relaying: dmcore.AsyncRelaying,
}
OPENERS = {
    "memory": (memory.open_sync, memory.open_async),
    "sql": (sql.open_sync, sql.open_async),
}
# What only describes another call and asks nothing of the store has nothing to await.
AT_ONCE = {"mailbox", "operations", "moderation", "observed", "relaying", "now"}
# What turns one colour into the other has no twin.
BETWEEN = {"awaited"}
MANAGED = {"__enter__": "__aenter__", "__exit__": "__aexit__"}

pytestmark = pytest.mark.promise("EMB-2")


def public(facade: type) -> dict[str, Any]:
    """The methods and properties that a host may use."""
    return {
        name: member
        for name, member in vars(facade).items()
        if not name.startswith("_")
        and name not in BETWEEN
        and (inspect.isfunction(member) or isinstance(member, property))
    }


def _methods() -> Iterator[Any]:
    for blocking, awaiting in PAIRS.items():
        for name, method in public(blocking).items():
            twin = vars(awaiting).get(name)
            yield pytest.param(method, twin, id=f"{blocking.__name__}.{name}")


METHODS = list(_methods())


def plain(annotation: object) -> str:
    """What an annotation says, without its colour."""
    if get_origin(annotation) is Awaitable:
        (annotation,) = get_args(annotation)
    return re.sub(r"\bAsync(?=[A-Z])", "", str(annotation))


def called(method: Callable[..., object]) -> list[tuple[object, ...]]:
    hints = get_type_hints(method)
    return [
        (it.name, it.kind, it.default, plain(hints.get(it.name)))
        for it in inspect.signature(method).parameters.values()
    ]


@pytest.mark.parametrize(("blocking", "awaiting"), list(PAIRS.items()))
def test_both_have_the_same_names(blocking: type, awaiting: type) -> None:
    assert list(public(blocking)) == list(public(awaiting))
    assert public(blocking)
    assert awaiting.__name__ == f"Async{blocking.__name__}"


@pytest.mark.parametrize(("blocking", "awaiting"), list(PAIRS.items()))
def test_both_hold_the_same_fields(blocking: Any, awaiting: Any) -> None:
    def fields(facade: Any) -> list[tuple[object, ...]]:
        return [(it.name, it.init, it.kw_only, it.repr) for it in facade.__attrs_attrs__]

    assert fields(blocking) == fields(awaiting)


@pytest.mark.parametrize(("method", "twin"), METHODS)
def test_a_method_and_its_twin_are_called_alike(method: Any, twin: Any) -> None:
    if isinstance(method, property):
        assert isinstance(twin, property)
        method, twin = method.fget, twin.fget
    assert called(method) == called(twin)
    assert plain(get_type_hints(twin)["return"]) == plain(get_type_hints(method)["return"])


@pytest.mark.parametrize(("method", "twin"), METHODS)
def test_what_asks_the_store_is_awaited_and_nothing_else(method: Any, twin: Any) -> None:
    assert not inspect.iscoroutinefunction(method)
    is_at_once = isinstance(method, property) or method.__name__ in AT_ONCE
    assert inspect.iscoroutinefunction(twin) != is_at_once


@pytest.mark.parametrize(("method", "twin"), METHODS)
def test_a_twin_names_what_documents_it(method: Any, twin: Any) -> None:
    named: Any = method.fget if isinstance(method, property) else method
    assert (twin.__doc__ or "").startswith(f"As `{named.__qualname__}`")


@pytest.mark.parametrize(("blocking", "awaiting"), list(PAIRS.items()))
def test_a_facade_names_what_documents_it(blocking: type, awaiting: type) -> None:
    assert (awaiting.__doc__ or "").startswith(f"As `{blocking.__name__}`")


def test_both_handles_close_themselves() -> None:
    for blocking, awaiting in MANAGED.items():
        method = getattr(dmcore.DirectMessages, blocking)
        twin = getattr(dmcore.AsyncDirectMessages, awaiting)
        assert called(method) == called(twin)
        assert inspect.iscoroutinefunction(twin)


@pytest.mark.parametrize(("blocking", "awaiting"), OPENERS.values(), ids=OPENERS)
def test_both_are_opened_alike(blocking: Any, awaiting: Any) -> None:
    assert called(blocking) == called(awaiting)
    assert inspect.iscoroutinefunction(awaiting)
    hints = get_type_hints(blocking)["return"], get_type_hints(awaiting)["return"]
    assert hints == (dmcore.DirectMessages, dmcore.AsyncDirectMessages)


def test_both_runners_promise_the_same() -> None:
    for name in ("run", "close"):
        blocking, awaiting = (
            getattr(port, name) for port in (ports.Transactions, ports.AsyncTransactions)
        )
        assert called(blocking) == called(awaiting)
        assert inspect.iscoroutinefunction(awaiting)
