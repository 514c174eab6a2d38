"""The stores on which two writers can meet, and how thoroughly they are made to."""

import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import attrs
import pytest
from tests.conftest import IS_NIGHTLY, seed
from tests.contract.conftest import make_sql_harness, postgres_database, sqlite_original
from tests.faults.conftest import pools_are_empty_afterwards
from tests.interleavings.explorer import Choose, Script, explore, sample
from tests.interleavings.ring import RULES, Ring, ring_on
from tests.support.spreading import take_for_spread

from dmcore.adapters.sql import IsolationLevel
from dmcore.adapters.sql._row_security import Security

__all__ = ["pools_are_empty_afterwards", "postgres_database", "sqlite_original"]

Orders = Callable[[Callable[[Choose], None]], Iterator[Script]]

# For each two acts, where orders are drawn.
_DRAWN: Final = 4


@attrs.frozen
class Place:
    """A store, and the rules that hold on it. Orders are drawn where all are run on another one.

    Where ``is_held``, everything is held that is read, as under row-level security (ADR 53). Where
    the store takes itself for one that ``is_spread``, so it is, with a statement for each (ADR 71).
    """

    kind: str
    rules: str
    level: IsolationLevel | None = None
    is_drawn: bool = False
    is_held: bool = False
    is_spread: bool = False


def _places() -> Iterator[tuple[str, Place]]:
    for rules in RULES:
        for kind in ("sqlite", "postgres"):
            yield f"{kind}-{rules}", Place(kind, rules)
        held = Place("postgres", rules, is_drawn=IS_NIGHTLY, is_held=True)
        yield f"postgres-held-{rules}", held
        yield f"postgres-spread-{rules}", attrs.evolve(held, is_spread=True)
        if IS_NIGHTLY:
            levels: dict[str, IsolationLevel] = {"rr": "REPEATABLE READ", "s": "SERIALIZABLE"}
            for name, level in levels.items():
                yield f"postgres-{name}-{rules}", Place("postgres", rules, level, is_drawn=True)


PLACES: Final[Mapping[str, Place]] = dict(_places())


@attrs.frozen
class Arena:
    """Where two meet, and the orders in which they do."""

    place: str
    ring: Ring
    orders: Orders


@pytest.fixture
def arena(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Arena]:
    """At night every order there is; by day one of the two is left standing once in each."""
    place = PLACES[request.param]
    if place.is_spread:
        take_for_spread(monkeypatch)
    elif place.is_held:
        monkeypatch.setattr(Security, "lets_guard", lambda _self, _dialect: False)
    orders: Orders = partial(explore, most_interruptions=None if IS_NIGHTLY else 1)
    if place.is_drawn:
        lots = random.Random(f"{seed()} {request.node.name}")
        orders = partial(sample, count=_DRAWN, lots=lots)
    harness = make_sql_harness(place.kind, request)
    with ring_on(harness, RULES[place.rules], place.level) as ring:
        yield Arena(request.param, ring, orders)
    harness.close()
