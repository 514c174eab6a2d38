"""Whatever two sessions do at once, it is as if one had acted after the other."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from tests.conftest import IS_NIGHTLY
from tests.interleavings.acts import ACTS, MENDING
from tests.interleavings.conftest import PLACES, Arena
from tests.interleavings.explorer import Choose
from tests.interleavings.ring import Bout

# Where the two have the same of each other it makes no difference which of them does what.
_EVEN: Final = {"strangers", "friends"}
# Where one user alone can be in the own way: limits, keys, the same message twice.
_TEXTS: Final = {it for it in ACTS if it.partition(" ")[0] in ("start", "send", "edit", "delete")}
# By day under other rules: what these rules decide, and what decides about it.
_RULED: Final = {"start", "send", "edit", "block", "unblock", "set_preferences"}

# Enough to see that who waits for a lock reads again what it has waited for.
_HELD: Final = {"block", "send"}


def _cases() -> Iterator[tuple[str, str]]:
    for place in PLACES:
        for name in ACTS:
            by_day = (
                _HELD if PLACES[place].is_held else ACTS if place.endswith("absorb") else _RULED
            )
            if IS_NIGHTLY or name in by_day:
                yield place, name


def _bouts(place: str, name: str) -> Iterator[tuple[str, Bout]]:
    """The first act against every act: by the two users of a conversation, and by one alone."""
    first = ACTS[name]
    for other, second in ACTS.items():
        if (place, other) not in _CASES:
            continue
        settings = {first.setting, second.setting} - {"strangers"} or {"strangers"}
        if not IS_NIGHTLY and settings - _EVEN:
            settings -= _EVEN
        if "start" in (name, other) and not {"prune", "prune_journals"} & {name, other}:
            settings.add("strangers")
        for setting in sorted(settings):
            acts = (first, second)
            title = f"{name} and {other}, {setting}"
            if name <= other or IS_NIGHTLY or setting not in _EVEN:
                yield f"{title}, by two", Bout(setting, ("ann", "bob"), acts)
            if name <= other and (IS_NIGHTLY or {name, other} <= _TEXTS):
                yield f"{title}, by one", Bout(setting, ("ann", "ann"), acts)


_CASES: Final = list(_cases())


def _fought(arena: Arena, bout: Bout, title: str) -> int:
    """Run a bout in every order; each comes out as one in which they act one after the other."""
    results: list[object] = []

    def fight(choose: Choose) -> None:
        results.append(arena.ring.fight(bout, choose))

    scripts = list(arena.orders(fight))
    serial = [it for it, script in zip(results, scripts, strict=True) if script.is_serial]
    assert len(serial) >= 2, title
    for script, result in zip(scripts, results, strict=True):
        assert result in serial, (title, script.choices)
    return len(scripts)


@pytest.mark.promise("MSG-4", "PAIR-2", "LIMIT-1", "FEED-2", "BLOCK-1")
@pytest.mark.parametrize(("arena", "name"), _CASES, indirect=["arena"])
def test_two_acts_at_once_come_to_the_same_as_one_after_the_other(
    arena: Arena, name: str, record_property: Callable[[str, object], None]
) -> None:
    pairs = orders = 0
    place = PLACES[arena.place]
    for title, bout in _bouts(arena.place, name):
        pairs, orders = pairs + 1, orders + _fought(arena, bout, title)
    assert arena.ring.is_sound()
    how = "drawn" if place.is_drawn else "all" if IS_NIGHTLY else "with one interruption"
    record_property(f"orders on {arena.place}, {how}", orders)
    record_property(f"pairs of acts on {arena.place}, {how}", pairs)


@pytest.mark.promise("OPS-5")
@pytest.mark.parametrize("arena", ["sqlite-absorb", "postgres-absorb"], indirect=True)
@pytest.mark.parametrize("name", ["send", "delete"])
def test_who_waits_for_a_repair_goes_by_what_it_made_anew(arena: Arena, name: str) -> None:
    """No journal tells of it, so by the positions there nobody would notice."""
    for me in ("ann", "bob"):
        bout = Bout("miscounted", (me, "ann"), (ACTS[name], MENDING))
        _fought(arena, bout, f"{name} by {me}, and a repair")
