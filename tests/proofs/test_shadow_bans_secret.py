"""Who is shadow-banned cannot find out, and nobody else can notice them (MOD-4)."""

from typing import Final, Literal

import attrs
import pytest
from tests.proofs.conftest import Worlds
from tests.proofs.programs import Halves, Stages
from tests.proofs.stages import Step
from tests.proofs.test_secrecy import (
    ANN_AND_BOB,
    ASKING,
    LIMITED,
    ONWARDS_S,
    OWN_VIEW,
    UNLIMITED,
    answering,
    moves,
    prove,
)

from dmcore import Policy

REFUSING: Final = attrs.evolve(LIMITED, blocked="refuse")
MODERATING: Final = moves("mod", ("ban", "ban", "lift ban"), "ann")


def banned_or_not(step: Step, _stages: Stages) -> Halves:
    """In the first world a moderator decides; in the second nobody does."""
    return (step, None) if step.who == "mod" else (step, step)


@pytest.mark.promise("MOD-4")
@pytest.mark.parametrize(
    "policy", [LIMITED, ASKING, REFUSING], ids=["open", "ask", "open, refusing"]
)
def test_who_is_banned_cannot_tell_it_from_not_being(worlds: Worlds, policy: Policy) -> None:
    """Whatever they ask, and others do who see nothing of them: limits and statements included."""
    of = (
        *ANN_AND_BOB,
        *MODERATING,
        *moves("ann", ("accept", "decline", "receipts off", "receipts on"), "bob"),
        *moves("bob", ("start", "start", "see", "mark", "edit", "delete", "accept"), "ann"),
        *moves("bob", ("block", "unblock", "receipts off", "receipts on"), "ann"),
    )
    prove(
        worlds,
        policy,
        banned_or_not,
        of,
        observers=["ann"],
        openings=[
            (("mod", "ban", "ann"), ("ann", "start", "bob"), ("bob", "start", "ann")),
            (("ann", "start", "bob"), ("bob", "start", "ann"), ("mod", "ban", "ann")),
            (("bob", "start", "ann"), ("mod", "ban", "ann"), ("ann", "accept", "bob")),
        ],
    )


def hidden_or_undone(step: Step, stages: Stages) -> Halves:
    """What Ann does while she is banned she does in the first world only.

    But what only takes away: a message that others have, and that they reach her (ADR 34).
    """
    if step.who == "mod":
        return step, None
    if step.who != "ann":
        return step, step
    is_banned = bool(stages[0].dm.moderation("eye").about("ann").restrictions)
    if is_banned and step.verb not in {"delete", "block", "unblock"}:
        return step, None
    if step.verb == "accept":
        # What she has accepted for herself alone she cannot accept once more.
        view = stages[0].box("ann").conversation_with(step.peer)
        return step, None if view is None or view.request is None else step
    return answering(step, stages) if step.verb == "reply" else (step, step)


@pytest.mark.promise("MOD-4")
@pytest.mark.parametrize("requests", ["open", "ask"])
def test_to_everybody_else_it_is_as_if_nothing_had_been_done(
    worlds: Worlds, requests: Literal["open", "ask"]
) -> None:
    """Messages, edits, answers, reading, accepting: during the ban, and what is left after it."""
    of = (
        *moves("ann", ("start", "start", "reply", "edit", "delete", "mark", "accept"), "bob"),
        *moves("ann", OWN_VIEW, "bob"),
        *moves("ann", ("start",), "cyd"),
        *MODERATING,
        *moves("bob", ("start", "reply", "see", "mark", "delete", "hide", "accept"), "ann"),
        *moves("cyd", ("start", "see"), "ann"),
    )
    prove(
        worlds,
        attrs.evolve(UNLIMITED, requests=requests),
        hidden_or_undone,
        of,
        observers=["bob", "cyd"],
        # She looks like somebody who shows neither that they write nor that they are there.
        but=["audience ann-bob", "audience ann-cyd"],
        # Ids grow also where the clock goes back, and so behind what was hidden (ADR 15).
        waits_s=ONWARDS_S,
        openings=[
            (("ann", "start", "bob"), ("mod", "ban", "ann"), ("ann", "start", "bob")),
            (("mod", "ban", "ann"), ("ann", "start", "bob"), ("mod", "lift ban", "ann")),
            (("bob", "start", "ann"), ("mod", "ban", "ann"), ("ann", "accept", "bob")),
        ],
    )
