"""What one must not find out makes no difference where people seal either (CRYPT-2).

As in ``test_secrecy``; everybody has a phone, and a message tells which keys were taken for it. The
observers ask for keys, numbers to compare and devices as well.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import attrs
import pytest
from tests.proofs.conftest import Worlds
from tests.proofs.programs import Halves, Stages, run
from tests.proofs.stages import PEOPLE, Step
from tests.proofs.test_secrecy import (
    ANN_AND_BOB,
    LIMITED,
    ONWARDS_S,
    UNLIMITED,
    absorbed_or_unwritten,
    blocked_or_silent,
    moves,
    prove,
)
from tests.proofs.test_shadow_bans_secret import MODERATING, banned_or_not, hidden_or_undone

from dmcore import Policy, RateLimit
from dmcore.testing.conformance.devices import enrol

pytestmark = [
    pytest.mark.promise("CRYPT-2"),
    pytest.mark.parametrize("worlds", ["memory", "sqlite"], indirect=True),
]

SEALING: Final = ("claim", "claim", "seal", "tablet", "in the clear")
OFFERED: Final = attrs.evolve(
    LIMITED, sealing="offered", key_claims=RateLimit(5, timedelta(seconds=60))
)
BY_DEFAULT: Final = attrs.evolve(OFFERED, sealing="by_default")
ABSORBING: Final = attrs.evolve(UNLIMITED, blocked="absorb", sealing="offered", key_claims=None)
# What is the host's to ask, and what shows nothing of somebody who shows nothing of themselves.
NOT_ASKED: Final = ("can_see_profile bob", "audience ann-bob", "audience ann-cyd")


@pytest.fixture(autouse=True)
def numbers_that_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are asked for after every step."""
    monkeypatch.setattr("dmcore.domain.devices._ROUNDS", 1)


def equipped(worlds: Worlds, *, one_time: Sequence[int] = ()) -> Worlds:
    """The same, in which everybody has a phone; a quarter of the examples."""

    @contextmanager
    def opened(policy: Policy) -> Iterator[Stages]:
        with worlds.open(policy) as stages:
            for stage in stages:
                for name in PEOPLE:
                    enrol(stage.box(name), one_time=one_time)
            yield stages

    return attrs.evolve(worlds, open=opened, share=4 * worlds.share)


# To those who write -----------------------------------------------------------------------------


@pytest.mark.promise("BLOCK-2")
@pytest.mark.parametrize("policy", [OFFERED, BY_DEFAULT], ids=["offered", "by default"])
def test_whom_bob_blocks_takes_keys_and_seals_as_if_he_were_silent(
    worlds: Worlds, policy: Policy
) -> None:
    """The keys that are given are the same ones, and so is what they are told of Bob's devices."""
    prove(
        equipped(worlds, one_time=range(5)),
        policy,
        blocked_or_silent,
        (
            *ANN_AND_BOB,
            *moves("ann", SEALING, "bob"),
            *moves("bob", ("block", "unblock", "block", "start", "see", "tablet", "seal"), "ann"),
            *moves("cyd", ("claim",), "bob"),
        ),
        observers=["ann"],
        openings=[(("ann", "start", "bob"), ("bob", "block", "ann"), ("ann", "claim", "bob"))],
        but=NOT_ASKED,
    )


@pytest.mark.promise("MOD-4")
@pytest.mark.parametrize("policy", [OFFERED, BY_DEFAULT], ids=["offered", "by default"])
def test_who_is_banned_takes_keys_and_seals_as_if_they_were_not(
    worlds: Worlds, policy: Policy
) -> None:
    prove(
        equipped(worlds, one_time=range(5)),
        policy,
        banned_or_not,
        (
            *ANN_AND_BOB,
            *MODERATING,
            *moves("ann", SEALING, "bob"),
            *moves("bob", ("start", "start", "see", "tablet", "claim"), "ann"),
            *moves("cyd", ("claim",), "bob"),
        ),
        observers=["ann"],
        openings=[
            (("mod", "ban", "ann"), ("ann", "seal", "bob"), ("ann", "start", "bob")),
            (("ann", "start", "bob"), ("mod", "ban", "ann"), ("ann", "tablet", "bob")),
        ],
    )


# To everybody else ------------------------------------------------------------------------------


def but_for_devices(step: Step, _stages: Stages, halves: Halves) -> Halves:
    """Devices are seen whoever has them: others seal for them (ADR 60)."""
    return (step, step) if step.verb == "tablet" else halves


def is_sealed_again(step: Step, stages: Stages) -> bool:
    """What she has sealed for herself alone she cannot seal by hand once more."""
    if (step.who, step.verb) != ("ann", "seal"):
        return False
    view = stages[0].box("ann").conversation_with(step.peer)
    return view is not None and view.is_sealed


def hidden_and_sealed(step: Step, stages: Stages) -> Halves:
    if is_sealed_again(step, stages):
        return step, None
    return but_for_devices(step, stages, hidden_or_undone(step, stages))


def absorbed_and_sealed(step: Step, stages: Stages) -> Halves:
    """What Ann seals or takes while Bob blocks her, she does in the first world only."""
    if is_sealed_again(step, stages):
        return step, None
    is_of_hers = (step.who, step.peer) == ("ann", "bob")
    if is_of_hers and step.verb in SEALING and stages[0].blocks("bob", "ann"):
        return but_for_devices(step, stages, (step, None))
    return absorbed_or_unwritten(step, stages)


@pytest.mark.promise("MOD-4")
def test_what_somebody_seals_while_they_are_banned_was_never_there(worlds: Worlds) -> None:
    """Nor was a conversation sealed, nor are keys told to have changed."""
    prove(
        equipped(worlds),
        ABSORBING,
        hidden_and_sealed,
        (
            *moves("ann", ("start", "start", "reply", "edit", "delete", "mark"), "bob"),
            *moves("ann", SEALING, "bob"),
            *moves("ann", ("start", "tablet"), "cyd"),
            *MODERATING,
            *moves("bob", ("start", "reply", "see", "delete", "claim", "seal", "tablet"), "ann"),
            *moves("cyd", ("start", "claim"), "ann"),
        ),
        observers=["bob", "cyd"],
        but=NOT_ASKED,
        waits_s=ONWARDS_S,
        openings=[
            (("ann", "in the clear", "bob"), ("mod", "ban", "ann"), ("ann", "seal", "bob")),
            (("mod", "ban", "ann"), ("ann", "start", "bob"), ("mod", "lift ban", "ann")),
        ],
    )


@pytest.mark.promise("BLOCK-1", "BLOCK-2")
def test_what_was_sealed_and_absorbed_never_was_to_the_blocker(worlds: Worlds) -> None:
    prove(
        equipped(worlds),
        ABSORBING,
        absorbed_and_sealed,
        (
            *moves("ann", ("start", "start", "reply", "edit", "delete", "mark"), "bob"),
            *moves("ann", SEALING, "bob"),
            *moves("bob", ("start", "reply", "mark", "see", "delete", "claim", "tablet"), "ann"),
            *moves("bob", ("block", "unblock", "unblock"), "ann"),
            *moves("cyd", ("start", "claim"), "bob"),
        ),
        observers=["bob"],
        waits_s=ONWARDS_S,
        openings=[
            (("ann", "in the clear", "bob"), ("bob", "block", "ann"), ("ann", "seal", "bob")),
            (("bob", "block", "ann"), ("ann", "start", "bob"), ("bob", "unblock", "ann")),
        ],
    )


# What is left ------------------------------------------------------------------------------------


def absorbed_or_somebody_who_says_nothing(step: Step, stages: Stages) -> Halves:
    """In the second world Dan takes keys, and Ann does nothing."""
    if step.who == "ann" and stages[0].blocks("bob", "ann"):
        return step, attrs.evolve(step, who="dan", verb="claim")
    return step, step


def test_that_keys_were_taken_is_noticed_and_not_by_whom_nor_what_for(worlds: Worlds) -> None:
    """Anybody who may write takes keys, and many a message is never sent."""
    program = [
        Step("ann", "start", "bob"),
        Step("bob", "block", "ann"),
        Step("ann", "start", "bob"),
        Step("cyd", "start", "bob"),
        Step("bob", "unblock", "ann"),
        Step("cyd", "claim", "bob"),
    ]
    with equipped(worlds, one_time=range(9)).open(ABSORBING) as stages:
        run(program, stages, absorbed_or_somebody_who_says_nothing, observers=["bob", "cyd"])
    with (
        equipped(worlds, one_time=range(9)).open(ABSORBING) as stages,
        pytest.raises(AssertionError, match="cyd"),
    ):
        run(program, stages, absorbed_and_sealed, observers=["bob", "cyd"], but=NOT_ASKED)
