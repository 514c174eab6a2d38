"""Reports are made once under a key and exactly as often as allowed; one moderator gets each."""

from collections import Counter
from datetime import timedelta

import pytest
from tests.races import acts
from tests.races.conftest import ROUNDS, MakeStage
from tests.races.crew import SIZE, part

from dmcore import Action, Policy, RateLimit

MOST = 5
LIMITED = Policy(reports=RateLimit(MOST, timedelta(hours=1)))


@pytest.mark.promise("MOD-1")
def test_a_report_that_everybody_makes_under_one_key_is_made_once(make_stage: MakeStage) -> None:
    stage = make_stage(Policy())
    answers = stage.race(*[part(acts.reports, other="bob", key="once", count=2)] * SIZE)
    (made,) = {it for answer in answers for it in answer}
    (line,) = stage.dm.moderation("mod").reports().items
    assert str(line.id) == made
    assert len(stage.dm.mailbox("ann").changes().items) == 1


@pytest.mark.promise("MOD-1", "LIMIT-1")
def test_no_more_reports_are_made_than_are_allowed_and_no_less(make_stage: MakeStage) -> None:
    stage = make_stage(LIMITED)
    answers = stage.race(*[part(acts.reports, other="bob", key=None, count=2)] * SIZE)
    outcomes = [it for answer in answers for it in answer]
    assert outcomes.count("limit_reached") == 2 * SIZE - MOST
    lines = stage.dm.moderation("mod").reports().items
    assert {str(line.id) for line in lines} == set(outcomes) - {"limit_reached"}
    assert len(lines) == MOST


@pytest.mark.promise("MOD-3", "AUD-1")
def test_of_moderators_who_move_one_report_at_once_one_does(make_stage: MakeStage) -> None:
    stage = make_stage(Policy(reports=None))
    operations = stage.dm.operations("olga")
    for _ in range(ROUNDS):
        made = stage.dm.mailbox("ann").report("bob", reason="spam")
        for move, expected in (("take", "taken"), ("release", "pending")):
            errors = stage.race(*[part(acts.moderates, report=str(made.id), move=move)] * SIZE)
            assert sorted(map(str, errors)) == ["None", *["illegal_move"] * (SIZE - 1)]
            line = stage.dm.moderation("mod").report(made.id)
            assert line.state == expected
            if move == "take":
                assert line.taken_by == f"mod{errors.index(None)}"
        facts = [
            entry.fact
            for number in range(SIZE)
            for entry in operations.audit(f"mod{number}", limit=100).items
        ]
        moves = Counter(fact.action for fact in facts if fact.report == made.id)
        assert moves == {
            Action.REPORT_TAKEN: 1,
            Action.REPORT_RELEASED: 1,
            Action.REPORT_REFUSED: 2 * (SIZE - 1),
        }
