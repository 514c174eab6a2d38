"""Programs that once told a secret tell it no more; and what is no secret is noticed."""

from typing import Final

import attrs
import pytest
from tests.proofs.conftest import Worlds
from tests.proofs.programs import Halves, Secret, Stages, run
from tests.proofs.stages import Step
from tests.proofs.test_secrecy import (
    UNLIMITED,
    Moves,
    absorbed_or_unwritten,
    blocked_or_silent,
    privately_or_not,
)
from tests.proofs.test_shadow_bans_secret import banned_or_not

from dmcore import Policy

ABSORBING: Final = attrs.evolve(UNLIMITED, blocked="absorb")
ASKING_TOO: Final = attrs.evolve(ABSORBING, requests="ask")
_UNBLOCKED: Final = (
    ("ann", "start", "bob"),
    ("bob", "block", "ann"),
    ("ann", "start", "bob"),
    ("bob", "unblock", "ann"),
)
_BEGUN_BLOCKED: Final = (
    ("bob", "block", "ann"),
    ("ann", "start", "bob"),
    ("bob", "unblock", "ann"),
)
KNOWN: Final[dict[str, tuple[Policy, Secret, str, Moves]]] = {
    "the root of a chain of answers that was absorbed": (
        ABSORBING,
        absorbed_or_unwritten,
        "bob",
        (*_UNBLOCKED, ("ann", "reply", "bob"), ("ann", "reply", "bob")),
    ),
    "a start behind one that was absorbed": (
        ASKING_TOO,
        absorbed_or_unwritten,
        "bob",
        (*_BEGUN_BLOCKED, ("ann", "start", "bob")),
    ),
    "a receipt from somebody who has not accepted": (
        ASKING_TOO,
        absorbed_or_unwritten,
        "bob",
        (*_BEGUN_BLOCKED, ("bob", "start", "ann"), ("ann", "mark", "bob")),
    ),
    "what marking takes while one is blocked": (
        ABSORBING,
        blocked_or_silent,
        "ann",
        (
            ("bob", "start", "ann"),
            ("ann", "start", "bob"),
            ("bob", "block", "ann"),
            ("ann", "mark", "bob"),
        ),
    ),
    "what marking takes when the partner hid their newest": (
        UNLIMITED,
        privately_or_not,
        "ann",
        (
            ("ann", "start", "bob"),
            ("bob", "start", "ann"),
            ("bob", "hide", "ann"),
            ("ann", "mark", "bob"),
        ),
    ),
    "a receipt for what never came, behind an answer of one's own": (
        UNLIMITED,
        banned_or_not,
        "ann",
        (
            ("mod", "ban", "ann"),
            ("ann", "start", "bob"),
            ("bob", "start", "ann"),
            ("ann", "start", "bob"),
            ("bob", "mark", "ann"),
        ),
    ),
}


# One is the host's to ask; the other looks like somebody who shows nothing of themselves.
NOT_ASKED = ["can_see_profile bob", "audience ann-bob"]


@pytest.mark.promise("BLOCK-2", "REQ-1", "MSG-5", "MOD-4")
@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_a_way_of_telling_that_was_found_tells_no_more(
    worlds: Worlds, known: tuple[Policy, Secret, str, Moves]
) -> None:
    policy, secret, observer, of = known
    with worlds.open(policy) as stages:
        program = [Step(*move) for move in of]
        run(program, stages, secret, observers=[observer], but=NOT_ASKED)


# The proof itself -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        Step("bob", "start", "ann"),
        Step("bob", "see", "ann"),
        Step("bob", "close", "ann"),
        Step("bob", "block", "ann"),
    ],
    ids=lambda step: step.verb,
)
def test_what_is_no_secret_is_noticed(worlds: Worlds, step: Step) -> None:
    """An answer, a receipt, a closed inbox, and a block where it may be told."""
    opening = [] if step.verb == "close" else [Step("ann", "start", "bob")]

    def only_in_the_first(done: Step, _stages: Stages) -> Halves:
        return done, None if done is step else done

    with worlds.open(UNLIMITED) as stages, pytest.raises(AssertionError, match="bob"):
        run([*opening, step], stages, only_in_the_first, observers=["ann"])


@pytest.mark.parametrize(
    "worlds", ["sqlite", "sqlite-async", "postgres", "postgres-async"], indirect=True
)
def test_a_statement_more_is_noticed(worlds: Worlds) -> None:
    with worlds.open(UNLIMITED) as (first, second):
        once = first.call(first.box("ann").unread)
        twice = second.call(lambda: (second.box("ann").unread(), second.box("ann").unread())[1])
        assert once.answer == twice.answer
        assert once != twice
