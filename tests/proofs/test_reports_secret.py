"""Whoever is reported cannot find out: not from anything that they, or others, can observe."""

from typing import Final

import attrs
import pytest
from tests.proofs.conftest import Worlds
from tests.proofs.programs import Halves, Stages
from tests.proofs.stages import Step
from tests.proofs.test_secrecy import ANN_AND_BOB, LIMITED, moves, prove

from dmcore import Policy

SHOWING: Final = attrs.evolve(LIMITED, evidence="reporter_selected", reports=None)


def reported_or_not(step: Step, _stages: Stages) -> Halves:
    """In the first world Bob and Cyd report; in the second they keep it to themselves."""
    return (step, None) if step.verb == "report" else (step, step)


@pytest.mark.promise("MOD-1")
@pytest.mark.parametrize("policy", [LIMITED, SHOWING], ids=["never", "reporter selected"])
def test_whom_bob_reports_cannot_tell_it_from_silence(worlds: Worlds, policy: Policy) -> None:
    of = (
        *ANN_AND_BOB,
        *moves("bob", ("report", "report", "start", "see", "delete", "block", "unblock"), "ann"),
        *moves("cyd", ("report",), "ann"),
    )
    prove(
        worlds,
        policy,
        reported_or_not,
        of,
        observers=["ann"],
        openings=[(("ann", "start", "bob"), ("bob", "report", "ann"), ("bob", "block", "ann"))],
    )
