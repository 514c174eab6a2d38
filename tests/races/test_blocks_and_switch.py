"""A block and the switch hold from the moment at which they are set, in every process."""

import pytest
from tests.races import acts
from tests.races.conftest import MakeStage
from tests.races.crew import SIZE, part

from dmcore import Message, Policy
from dmcore.testing.world import text_of

REFUSING = Policy(messages=None, starts=None)
ABSORBING = Policy(messages=None, starts=None, blocked="absorb")


@pytest.mark.promise("BLOCK-1", "BLOCK-2")
@pytest.mark.parametrize("policy", [REFUSING, ABSORBING], ids=["refuse", "absorb"])
def test_nothing_that_was_sent_after_a_block_is_ever_delivered(
    make_stage: MakeStage, policy: Policy
) -> None:
    stage = make_stage(policy)
    ann, bob = stage.dm.mailbox("ann"), stage.dm.mailbox("bob")
    conversation = str(bob.start("ann", "hello").conversation)
    writing = part(acts.until_everybody_is_told, user="bob", conversation=conversation, count=5)
    answers = stage.race(part(acts.blocks, user="ann", other="bob"), *[writing] * (SIZE - 1))
    during = [it for answer in answers[1:] for it in answer[0]]
    after = [it for answer in answers[1:] for it in answer[1]]
    expected = "recipient_unavailable" if policy.blocked == "refuse" else "sent"
    assert {code for code, _ in after} == {expected}
    assert {code for code, _ in during} <= {"sent", expected}

    def texts(items: tuple[Message, ...]) -> list[str]:
        return [text_of(message) for message in items]

    assert texts(ann.thread(conversation, limit=100).items) == []
    assert ann.unread() == 0
    ann.unblock("bob")
    delivered = ann.thread(conversation, limit=100).items
    assert not [text for text in texts(delivered) if text.startswith("after")]
    assert ann.unread() == len(delivered)
    if policy.blocked == "refuse":
        acknowledged = {id_ for code, id_ in during if code == "sent"}
        assert {str(message.id) for message in delivered[1:]} == acknowledged
    assert stage.dm.operations("olga").verify() == ()


@pytest.mark.promise("OPS-1")
def test_nothing_is_sent_after_the_switch_was_turned_off(make_stage: MakeStage) -> None:
    stage = make_stage(REFUSING)
    conversation = str(stage.dm.mailbox("bob").start("ann", "hello").conversation)
    writing = part(acts.until_everybody_is_told, user="bob", conversation=conversation, count=5)
    answers = stage.race(part(acts.turns_off, operator="otto"), *[writing] * (SIZE - 1))
    during = [it for answer in answers[1:] for it in answer[0]]
    after = [it for answer in answers[1:] for it in answer[1]]
    assert {code for code, _ in after} == {"messaging_unavailable"}
    assert {code for code, _ in during} <= {"sent", "messaging_unavailable"}
    stage.dm.operations("olga").set_mode("on")
    stored = stage.dm.mailbox("ann").thread(conversation, limit=100).items[1:]
    assert {str(it.id) for it in stored} == {id_ for code, id_ in during if code == "sent"}


@pytest.mark.promise("OPS-1", "AUD-1")
def test_operators_who_turn_the_switch_at_once_leave_one_history(make_stage: MakeStage) -> None:
    """Every change is in exactly one journal, and the last one is where the switch stands."""
    stage = make_stage(REFUSING)
    stage.race(*[part(acts.turns_the_switch, count=6)] * SIZE)
    operations = stage.dm.operations("olga")
    facts = [
        entry.fact
        for operator in ("olga", "olga0", "olga1", "olga2")
        for entry in operations.audit(operator, limit=100).items
    ]
    assert len(facts) >= 2
    latest = max(facts, key=lambda fact: fact.at_us)
    newest = [fact.mode for fact in facts if fact.at_us == latest.at_us]
    assert operations.mode() in newest


@pytest.mark.promise("BLOCK-1", "MSG-3")
def test_whatever_happens_at_once_everything_still_adds_up(make_stage: MakeStage) -> None:
    """Writing with keys, reading, changing, sorting and blocking among five people."""
    for policy in (REFUSING, ABSORBING):
        stage = make_stage(policy)
        people = ["ann", "bob", "cyd", "dan", "eve"]
        answers = stage.race(*[part(acts.does_anything, people=people, count=24)] * SIZE)
        # Whoever blocks can no longer mark what they have just seen, and what was seen may be
        # another's: that is the access_denied.
        expected = {
            "access_denied",
            "key_conflict",
            "recipient_unavailable",
            "too_late_to_edit",
            "you_blocked_them",
        }
        assert {code for answer in answers for code in answer} <= expected
