"""Who reads while others write sees each state whole, and every journal entry once, in order."""

import pytest
from tests.races import acts
from tests.races.conftest import MakeStage
from tests.races.crew import part

from dmcore import Policy

UNLIMITED = Policy(messages=None, starts=None)


@pytest.mark.promise("FEED-1", "FEED-2")
def test_a_reader_of_the_journal_sees_every_position_once_and_in_order(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(UNLIMITED)
    conversations = [
        str(stage.dm.mailbox(f"bob{it}").start("ann", "hello").conversation) for it in range(6)
    ]
    writers = [
        part(acts.sends, user="ann" if it % 3 == 0 else f"bob{it}", conversation=id_, count=15)
        for it, id_ in enumerate(conversations)
    ]
    total = 6 + 6 * 15
    reading = part(acts.follows_the_journal, user="ann", until=total)
    answers = stage.race(reading, reading, *writers)
    assert answers[0] == answers[1] == list(range(1, total + 1))


@pytest.mark.promise("READ-1", "READ-3")
def test_unread_counts_stay_exact_while_somebody_marks(make_stage: MakeStage) -> None:
    stage = make_stage(UNLIMITED)
    conversation = str(stage.dm.mailbox("bob").start("ann", "hello").conversation)
    writing = part(acts.sends, user="bob", conversation=conversation, count=8)
    marking = part(acts.marks_once_in_a_while, user="ann", conversation=conversation, count=8)
    stage.race(*[writing] * 5, *[marking] * 3)
    ann = stage.dm.mailbox("ann")
    page = ann.thread(conversation, limit=100)
    assert len(page.items) == 41
    assert page.read is not None
    waiting = [message for message in page.items if message.id > page.read]
    assert ann.unread() == len(waiting)
    assert ann.inbox().items[0].unread == len(waiting)


@pytest.mark.promise("READ-1")
def test_whoever_marks_the_newest_in_the_end_has_nothing_unread(make_stage: MakeStage) -> None:
    stage = make_stage(UNLIMITED)
    conversation = str(stage.dm.mailbox("bob").start("ann", "hello").conversation)
    writing = part(acts.sends, user="bob", conversation=conversation, count=15)
    marking = part(acts.marks_read, user="ann", conversation=conversation, until=91)
    answers = stage.race(marking, *[writing] * 6)
    assert min(answers[0]) == 0
    assert answers[0][-1] == stage.dm.mailbox("ann").unread() == 0


@pytest.mark.promise("PAGE-2", "MSG-2")
def test_readers_see_whole_pages_in_order_while_others_write(make_stage: MakeStage) -> None:
    stage = make_stage(UNLIMITED)
    conversations = [
        str(stage.dm.mailbox(f"bob{it}").start("ann", "hello").conversation) for it in range(4)
    ]
    writers = [
        part(acts.sends, user=f"bob{it}", conversation=id_, count=20)
        for it, id_ in enumerate(conversations)
    ]
    answers = stage.race(*[part(acts.reads_everything, user="ann", count=8)] * 4, *writers)
    assert answers[:4] == [[], [], [], []]
    assert stage.dm.mailbox("ann").unread() == 84
