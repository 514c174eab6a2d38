"""Programs that run in two worlds at once, which differ in one secret.

A program is a list of steps. A secret says which half of a step happens in which of the worlds.
After each step everything that the observer can get by any call is asked in both and must be equal:
results, ids, order, cursors, refusals, and the statements each call took. Both worlds have the same
clock, and each step draws its own random bits, so ids are equal wherever nothing else differs.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from tests.proofs.stages import NOWHERE, Stage, Step, Target

MOST_PROBES: Final = 6

Halves = tuple[Step | None, Step | None]


Stages = tuple[Stage, Stage]


class Secret(Protocol):
    """Which half of a step happens in which world."""

    def __call__(self, step: Step, stages: Stages, /) -> Halves: ...


def run(
    program: Sequence[Step],
    stages: Stages,
    secret: Secret,
    *,
    observers: Sequence[str],
    but: Sequence[str] = (),
    stride: int = 1,
) -> None:
    """Run a program in both worlds. ``but`` names questions that are not the observer's to ask,
    ``stride`` after how many steps all the others are asked; they are in the end at any rate.

    Somebody else's act that is refused in the first world, or changes nothing because it was done
    there before, is left out in the second. Where it is refused in the second only, the two do no
    longer the same, and the comparison ends.
    """
    for number, step in enumerate(program, 1):
        for stage in stages:
            stage.begin(step, number)
        acting = [
            (stage, half)
            for stage, half in zip(stages, secret(step, stages), strict=True)
            if half is not None
        ]
        if acting:
            # Where the second world does another thing, the first one chooses what it is about.
            choosing = [stage for stage, half in acting if half.verb == acting[0][1].verb]
            target = target_of(acting[0][1], choosing)
            outcomes = []
            if step.who not in observers and acting[0][0].has_read(step, target):
                del acting[1:]
            for stage, half in acting:
                outcomes.append(stage.act(half, target, f"{step.who} {number}"))
                if outcomes[-1].is_refusal and step.who not in observers:
                    break
            if step.who in observers:
                first, second = outcomes
                assert first == second, program[:number]
            elif len(outcomes) > 1 and outcomes[-1].is_refusal:
                return
        if number % stride == 0 or number == len(program):
            _compare(stages, observers, but, done=program[:number])


def _compare(
    stages: Stages,
    observers: Sequence[str],
    but: Sequence[str],
    *,
    done: Sequence[Step],
) -> None:
    probes = sorted(stages[0].ever | stages[1].ever)[-MOST_PROBES:]
    for observer in observers:
        first, second = (stage.observed(observer, probes) for stage in stages)
        for question in first.keys() - set(but):
            assert first[question] == second[question], (observer, question, *done)


def target_of(step: Step, stages: Sequence[Stage]) -> Target:
    """The same choice wherever the step is done: among what is there in every one of them."""
    found = [stage.messages(step.who, step.peer) for stage in stages]
    common = set.intersection(*({message.id for message in each} for each in found))
    eligible = [message for message in found[0] if message.id in common]
    if step.verb in {"edit", "delete"}:
        eligible = [message for message in eligible if message.sender == step.who]
    if step.verb == "see":
        eligible = [message for message in eligible if message.sender == step.peer]
    pair = tuple(sorted((step.who, step.peer)))
    conversation = stages[0].conversations.get((pair[0], pair[1]), NOWHERE)
    # The newest first, for that is what people act on.
    chosen = eligible[-1 - step.pick % len(eligible)].id if eligible else NOWHERE
    return Target(conversation, chosen)
