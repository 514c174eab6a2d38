"""The limits are exact, neither over nor under, from any number of processes."""

from collections import Counter

import pytest
from tests.races import acts
from tests.races.conftest import ROUNDS, MakeStage
from tests.races.crew import SIZE, part

from dmcore import Policy

STARTS_OFF = Policy(starts=None)


@pytest.mark.promise("LIMIT-1")
def test_eight_times_ten_sends_of_one_user_are_exactly_twenty(make_stage: MakeStage) -> None:
    stage = make_stage(STARTS_OFF)
    for number in range(ROUNDS):
        bob = stage.dm.mailbox(f"bob{number}")
        conversation = str(bob.start(f"ann{number}", "hello").conversation)
        writing = part(acts.sends, user=f"ann{number}", conversation=conversation, count=10)
        outcomes = [it for answer in stage.race(*[writing] * SIZE) for it in answer]
        assert Counter(code for code, _ in outcomes) == {"sent": 20, "limit_reached": 60}
        assert {named for code, named in outcomes if code != "sent"} == {"messages"}
        stored = stage.dm.mailbox(f"ann{number}").thread(conversation, limit=100).items
        acknowledged = {id_ for code, id_ in outcomes if code == "sent"}
        assert {str(it.id) for it in stored if it.sender != bob.user.id} == acknowledged
        assert bob.unread() == 20


@pytest.mark.promise("LIMIT-1", "PAIR-2")
def test_the_limit_is_exact_for_someone_who_was_never_seen_before(make_stage: MakeStage) -> None:
    """Nobody has a row to lock yet, not even the recipient."""
    stage = make_stage(STARTS_OFF)
    for number in range(ROUNDS):
        writing = part(acts.starts, user=f"ann{number}", others=[f"bob{number}"] * 10)
        outcomes = [it for answer in stage.race(*[writing] * SIZE) for it in answer]
        assert Counter(code for code, _ in outcomes) == {"sent": 20, "limit_reached": 60}
        (line,) = stage.dm.mailbox(f"bob{number}").inbox().items
        assert line.unread == 20


@pytest.mark.promise("LIMIT-1")
def test_of_eight_processes_that_start_conversations_exactly_five_succeed(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(Policy())
    for number in range(ROUNDS):
        outcomes = stage.race(
            *(
                part(
                    acts.starts,
                    user=f"ann{number}",
                    others=[f"friend{number}.{member}.{it}" for it in range(3)],
                )
                for member in range(SIZE)
            )
        )
        flat = [it for answer in outcomes for it in answer]
        assert Counter(code for code, _ in flat) == {"sent": 5, "limit_reached": 19}
        assert {named for code, named in flat if code != "sent"} == {"starts"}
        assert len(stage.dm.mailbox(f"ann{number}").inbox().items) == 5


@pytest.mark.promise("LIMIT-1")
def test_replies_of_the_other_side_cost_the_sender_nothing(make_stage: MakeStage) -> None:
    """Both write at once into one conversation: each has a limit of their own."""
    stage = make_stage(STARTS_OFF)
    conversation = str(stage.dm.mailbox("eve").start("ann", "hello").conversation)
    writers = [
        part(acts.sends, user=user, conversation=conversation, count=6)
        for user in ("ann", "eve") * (SIZE // 2)
    ]
    answers = stage.race(*writers)
    for first, accepted in ((0, 20), (1, 19)):
        codes = Counter(code for answer in answers[first::2] for code, _ in answer)
        assert codes == {"sent": accepted, "limit_reached": 24 - accepted}
