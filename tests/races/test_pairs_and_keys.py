"""One conversation for each pair and one message for each key, whoever comes at once."""

from itertools import combinations

import pytest
from tests.races import acts
from tests.races.conftest import ROUNDS, MakeStage
from tests.races.crew import SIZE, part

from dmcore import Policy

UNLIMITED = Policy(messages=None, starts=None)


@pytest.mark.promise("PAIR-1", "PAIR-2")
def test_sixty_pairs_from_both_directions_are_sixty_conversations(make_stage: MakeStage) -> None:
    stage = make_stage(Policy())
    pairs = [(f"ann{it}", f"bob{it}") for it in range(60)]
    back = [(other, one) for one, other in pairs]
    answers = stage.race(
        *(part(acts.conversations, pairs=direction) for direction in (pairs, back, pairs, back))
    )
    assert answers[0] == answers[1] == answers[2] == answers[3]
    assert len(set(answers[0])) == 60
    assert stage.dm.operations("olga").status().conversations == 60
    assert stage.dm.operations("olga").status().messages == 240
    for (one, other), conversation in zip(pairs, answers[0], strict=True):
        for user in (one, other):
            (line,) = stage.dm.mailbox(user).inbox().items
            assert (str(line.conversation), line.unread) == (conversation, 2)


@pytest.mark.promise("PAIR-2")
def test_a_circle_of_people_who_all_write_to_each_other_gets_stuck_nowhere(
    make_stage: MakeStage,
) -> None:
    """Every pair shares its people with others, in every order: where deadlocks would grow."""
    stage = make_stage(UNLIMITED)
    pairs = list(combinations([f"user{it}" for it in range(8)], 2))
    answers = stage.race(
        *(
            part(
                acts.conversations,
                pairs=[
                    pair if member % 2 else pair[::-1]
                    for pair in (pairs[member * 3 :] + pairs[: member * 3])
                ],
            )
            for member in range(SIZE)
        )
    )
    assert all(set(answer) == set(answers[0]) for answer in answers)
    assert stage.dm.operations("olga").status().conversations == len(pairs)
    assert stage.dm.operations("olga").status().messages == len(pairs) * SIZE


@pytest.mark.promise("MSG-3", "MSG-4")
@pytest.mark.parametrize("is_known", [False, True], ids=["start", "reply"])
def test_the_same_key_everywhere_is_one_message(make_stage: MakeStage, is_known: bool) -> None:
    stage = make_stage(Policy(starts=None))
    for number in range(ROUNDS):
        ann, bob = f"ann{number}", f"bob{number}"
        if is_known:
            stage.dm.mailbox(bob).start(ann, "hello")
        answers = stage.race(*[part(acts.same_key, user=ann, other=bob, key="key")] * SIZE)
        assert len(set(answers)) == 1
        (line,) = stage.dm.mailbox(bob).inbox().items
        assert line.preview is not None
        assert str(line.preview.id) == answers[0][0]
        assert line.unread == 1


@pytest.mark.promise("MSG-3")
def test_of_different_texts_under_one_key_one_is_stored(make_stage: MakeStage) -> None:
    stage = make_stage(UNLIMITED)
    for number in range(ROUNDS):
        ann, bob = f"ann{number}", f"bob{number}"
        answers = stage.race(*[part(acts.other_text, user=ann, other=bob, key="key")] * SIZE)
        codes = sorted(code for code, _ in answers)
        assert codes == ["key_conflict"] * (SIZE - 1) + ["sent"]
        assert stage.dm.mailbox(bob).unread() == 1


@pytest.mark.promise("MSG-2")
def test_ids_grow_in_the_order_in_which_messages_are_stored(make_stage: MakeStage) -> None:
    """By the journal, which is in the order of commits."""
    stage = make_stage(UNLIMITED)
    conversation = str(stage.dm.mailbox("ann").start("bob", "hello").conversation)
    stage.race(
        *(
            part(acts.sends, user=user, conversation=conversation, count=8)
            for user in ("ann", "bob") * (SIZE // 2)
        )
    )
    facts = [entry.fact for entry in stage.dm.operations("olga").audit("ann", limit=100).items]
    ids = [fact.message for fact in facts if fact.message is not None]
    assert len(ids) == 1 + 8 * SIZE
    assert ids == sorted(set(ids))
