"""No writing use case is left out, and the sessions really meet."""

import inspect
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest
from tests.interleavings.acts import ACTS, RACED, REPRESENTED
from tests.interleavings.conftest import Arena
from tests.interleavings.explorer import Choose, explore
from tests.interleavings.ring import Bout

from dmcore import Mailbox, Operations, Preferences
from dmcore.adapters import memory
from dmcore.ports.transactions import Call, Needs

_ID: Final = UUID("01890000-0000-7000-8000-000000000000")
_GIVEN: Final[dict[str, object]] = {
    "other": "bob",
    "others": ("bob",),
    "user": "bob",
    "body": "hello",
    "conversation": _ID,
    "message": _ID,
    "through": _ID,
    "preferences": Preferences(receipts=False),
    "mode": "on",
    "before": datetime(2030, 1, 1, tzinfo=UTC),
    "reason": "spam",
    "lines": ("{}",),
    "consumer": "hook",
    "work": "rotate",
}
# Hands out a desk of its own, whose calls no host makes: ``tests.relay`` lets processes race there.
_ASKS_NOTHING: Final = {"relaying"}
# What a method cannot do without, though each of it can be left out.
_BESIDES: Final[dict[str, dict[str, object]]] = {"report": {"other": "bob"}}


class _Asked(Exception):
    """Carries what was about to be run."""


class _Listening:
    def run(self, call: Call[Any], /) -> Any:
        raise _Asked(call.needs)

    def close(self) -> None:
        pass


def _writing_methods(facade: Mailbox | Operations) -> set[str]:
    """The methods of a facade whose first transaction writes."""
    found = set()
    for name, method in inspect.getmembers(facade, inspect.ismethod):
        if name.startswith("_") or name in _ASKS_NOTHING:
            continue
        needed = {
            it.name: _GIVEN[it.name]
            for it in inspect.signature(method).parameters.values()
            if it.default is it.empty
        }
        needed |= _BESIDES.get(name, {})
        with pytest.raises(_Asked) as asked:
            method(**needed)
        if asked.value.args == (Needs.WRITE,):
            found.add(name)
    return found


@pytest.mark.promise("MSG-4")
def test_every_method_that_writes_is_an_act_or_represented_by_one() -> None:
    with memory.open_sync() as dm:
        mailbox, olga = dm.mailbox("ann"), dm.operations("olga")
        writing = _writing_methods(
            Mailbox(calls=mailbox._calls, transactions=_Listening(), directory=None)
        ) | _writing_methods(Operations(olga._calls, _Listening()))
    assert {"start", "send", "edit", "set_mode"} <= writing
    # Its first transaction only reads which journals are to be shortened.
    acted = {it.partition(" ")[0] for it in ACTS} | set(REPRESENTED)
    assert writing | {"prune_journals"} == acted | RACED
    assert not acted & RACED
    assert set(REPRESENTED.values()) <= set(ACTS)


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("arena", ["sqlite-absorb", "postgres-held-absorb"], indirect=True)
def test_the_two_really_stand_in_each_others_way(arena: Arena) -> None:
    """Each is left standing with the lock while the other waits for it, and before it had it."""
    bout = Bout("friends", ("ann", "bob"), (ACTS["send"], ACTS["send"]))
    waited = []

    def fight(choose: Choose) -> None:
        before = arena.ring.waited
        arena.ring.fight(bout, choose)
        waited.append(arena.ring.waited > before)

    scripts = list(explore(fight, most_interruptions=1))
    assert len({script.choices for script in scripts}) == len(scripts) >= 4
    for first in (0, 1):
        assert any(
            it for it, script in zip(waited, scripts, strict=True) if script.choices[0] == first
        )
    interrupted = [any(it.is_interruption for it in script.decisions) for script in scripts]
    assert interrupted.count(False) == 2
    assert not any(it and not was for it, was in zip(waited, interrupted, strict=True))


@pytest.mark.promise("MSG-4")
@pytest.mark.parametrize("arena", ["postgres-absorb"], indirect=True)
def test_who_holds_nothing_is_really_overtaken(arena: Arena) -> None:
    """Each is left standing with what it read while the other does all, and nobody waits."""
    bout = Bout("friends", ("ann", "bob"), (ACTS["send"], ACTS["send"]))

    def fight(choose: Choose) -> None:
        arena.ring.fight(bout, choose)

    scripts = list(explore(fight, most_interruptions=1))
    assert arena.ring.waited == 0
    overtaken = [it for it in scripts if not it.is_serial]
    assert {it.choices[0] for it in overtaken} == {0, 1}
    # Whoever was overtaken reads and writes once more, now under locks.
    shortest = min(len(it.choices) for it in scripts if it.is_serial)
    assert all(len(it.choices) > shortest for it in overtaken)
