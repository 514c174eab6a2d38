"""A restriction holds from the moment at which it is made, in every process (MOD-4)."""

import pytest
from tests.races import acts
from tests.races.conftest import MakeStage
from tests.races.crew import SIZE, part

from dmcore import Action, Policy
from dmcore.testing.world import text_of

UNLIMITED = Policy(messages=None, starts=None)
REFUSED_AS = {"mute": "muted", "suspend": "suspended"}


@pytest.mark.promise("MOD-4")
@pytest.mark.parametrize("kind", ["mute", "suspend", "shadow_ban"])
def test_nothing_that_was_sent_after_a_restriction_is_ever_delivered(
    make_stage: MakeStage, kind: str
) -> None:
    stage = make_stage(UNLIMITED)
    ann, bob = stage.dm.mailbox("ann"), stage.dm.mailbox("bob")
    conversation = str(bob.start("ann", "hello").conversation)
    writing = part(acts.until_everybody_is_told, user="bob", conversation=conversation, count=5)
    answers = stage.race(part(acts.restricts, user="bob", kind=kind), *[writing] * (SIZE - 1))
    during = [it for answer in answers[1:] for it in answer[0]]
    after = [it for answer in answers[1:] for it in answer[1]]
    expected = REFUSED_AS.get(kind, "sent")
    assert {code for code, _ in after} == {expected}
    assert {code for code, _ in during} <= {"sent", expected}
    stage.dm.moderation("mod").lift("bob", kind)
    delivered = ann.thread(conversation, limit=100).items
    assert not [it for it in delivered if text_of(it).startswith("after")]
    assert ann.unread() == len(delivered)
    acknowledged = {id_ for code, id_ in (*during, *after) if code == "sent"}
    own = {str(it.id) for it in bob.thread(conversation, limit=100).items[1:]}
    assert own == acknowledged
    assert {str(it.id) for it in delivered[1:]} <= acknowledged
    assert stage.dm.operations("olga").verify() == ()


@pytest.mark.promise("MOD-4", "AUD-1")
def test_moderators_who_restrict_at_once_leave_one_history(make_stage: MakeStage) -> None:
    """Somebody who was never seen, and then again: every act has a number and a fact."""
    stage = make_stage(UNLIMITED)
    answers = stage.race(*[part(acts.moderates_people, user="ann", count=4)] * SIZE)
    made = [it for answer in answers for it in answer]
    history = stage.dm.moderation("mod").restrictions("ann", limit=100).items
    assert [it.number for it in history] == list(range(len(made), 0, -1))
    assert len([it for it in history if it.ended_at_us is None]) == 1
    operations = stage.dm.operations("olga")
    facts = [
        entry.fact
        for number in range(SIZE)
        for entry in operations.audit(f"mod{number}", limit=100).items
    ]
    assert [fact.action for fact in facts] == [Action.USER_MUTED] * len(made)
    assert operations.verify() == ()
