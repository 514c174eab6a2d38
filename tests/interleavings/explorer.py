"""Every order in which two sessions can be let go on, found by trying.

One run follows the choices it is given and then lets whoever acts act on. Where it could have
chosen otherwise a further run begins, until nothing is left to choose. Where that is too much,
orders are drawn.
"""

import random
from collections.abc import Callable, Iterator, Sequence

import attrs

Choose = Callable[[Sequence[int]], int]


@attrs.frozen
class Decision:
    """One moment of a run: who could go on, who did, and who had before."""

    able: tuple[int, ...]
    chosen: int
    before: int | None

    @property
    def is_interruption(self) -> bool:
        """Whether somebody was made to wait who could have gone on."""
        return self.before is not None and self.chosen != self.before and self.before in self.able


class Script:
    """The choices of one run: those that are given, then drawn ones, or else no interruption."""

    def __init__(self, given: Sequence[int], lots: random.Random | None = None) -> None:
        self._given = given
        self._lots = lots
        self.decisions: list[Decision] = []

    def choose(self, able: Sequence[int]) -> int:
        """Who goes on; it must be able to."""
        before = self.decisions[-1].chosen if self.decisions else None
        place = len(self.decisions)
        if place < len(self._given):
            chosen = self._given[place]
            assert chosen in able, "the same choices led elsewhere"
        elif self._lots is not None:
            chosen = self._lots.choice(able)
        else:
            chosen = before if before in able and before is not None else able[0]
        self.decisions.append(Decision(tuple(able), chosen, before))
        return chosen

    @property
    def is_serial(self) -> bool:
        """Whether one acted only after the other had done all."""
        return not any(decision.is_interruption for decision in self.decisions)

    @property
    def choices(self) -> tuple[int, ...]:
        return tuple(decision.chosen for decision in self.decisions)

    def others(self, most_interruptions: int | None) -> Iterator[tuple[int, ...]]:
        """Where the next runs branch off, each with ``most_interruptions`` at the most."""
        for place in range(len(self._given), len(self.decisions)):
            decision = self.decisions[place]
            done = sum(it.is_interruption for it in self.decisions[:place])
            for other in decision.able:
                if other == decision.chosen:
                    continue
                turn = attrs.evolve(decision, chosen=other)
                if most_interruptions is None or done + turn.is_interruption <= most_interruptions:
                    yield (*self.choices[:place], other)


def explore(run: Callable[[Choose], None], *, most_interruptions: int | None) -> Iterator[Script]:
    """Run in every order there is, with ``most_interruptions`` in each at the most."""
    open_: list[tuple[int, ...]] = [()]
    while open_:
        script = Script(open_.pop())
        run(script.choose)
        yield script
        open_ += script.others(most_interruptions)


def sample(run: Callable[[Choose], None], *, count: int, lots: random.Random) -> Iterator[Script]:
    """Run one after the other, each once as the first, and then in ``count`` orders by lot."""
    scripts = [Script((0,)), Script((1,)), *(Script((), lots) for _ in range(count))]
    for script in scripts:
        run(script.choose)
        yield script
