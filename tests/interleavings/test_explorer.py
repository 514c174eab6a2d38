"""All orders are all orders, and drawn ones can be drawn again."""

import random
from collections.abc import Iterator
from math import comb

import pytest
from tests.interleavings.explorer import Choose, Script, explore, sample


def _walks(choose: Choose, *, steps: int) -> None:
    """Two who each take their steps and are never in each other's way."""
    left = {0: steps, 1: steps}
    while able := [who for who, count in left.items() if count]:
        left[choose(able)] -= 1


def _explored(steps: int, most_interruptions: int | None) -> list[Script]:
    def run(choose: Choose) -> None:
        _walks(choose, steps=steps)

    return list(explore(run, most_interruptions=most_interruptions))


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_every_order_is_run_and_none_twice(steps: int) -> None:
    found = [script.choices for script in _explored(steps, None)]
    assert len(set(found)) == len(found) == comb(2 * steps, steps)
    assert sum(script.is_serial for script in _explored(steps, None)) == 2


def test_with_one_interruption_each_is_left_standing_at_every_step() -> None:
    found = _explored(4, 1)
    assert len(found) == 2 + 2 * 3
    assert all(
        sum(decision.is_interruption for decision in script.decisions) <= 1 for script in found
    )


def test_drawn_orders_come_behind_the_two_serial_ones_and_are_the_seeds() -> None:
    def drawn(seed: int) -> Iterator[tuple[int, ...]]:
        for script in sample(
            lambda choose: _walks(choose, steps=6), count=5, lots=random.Random(seed)
        ):
            yield script.choices

    first = list(drawn(1))
    assert first[:2] == [(0,) * 6 + (1,) * 6, (1,) * 6 + (0,) * 6]
    assert len(first) == 7
    assert first == list(drawn(1)) != list(drawn(2))
