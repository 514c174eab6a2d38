"""prune: removing what is kept no longer, from the command line (GDPR-2)."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.cli.conftest import Run

from dmcore import Action, Policy
from dmcore.adapters import sql
from dmcore.adapters.clock import ManualClock
from dmcore.domain.instants import to_us
from dmcore.testing.world import texts

pytestmark = pytest.mark.promise("GDPR-2")

URL = "sqlite:///dmcore.db"
SHOWING = Policy(messages=None, starts=None, evidence="reporter_selected")


@pytest.fixture
def store(run: Run) -> Run:
    """A database of a hundred days ago, with three messages and a report, and one of today."""
    run("init")
    run("mode", "on")
    clock = ManualClock(to_us(datetime.now(UTC) - timedelta(days=100)))
    with sql.open_sync(URL, policy=SHOWING, clock=clock) as dm:
        ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
        first = ann.start("bob", "the door code is zebra")
        for number in range(2):
            bob.send(first.conversation, str(number))
        bob.report(conversation=first.conversation, messages=[first.id], reason="spam")
        clock.advance(seconds=100 * 86_400)
        ann.send(first.conversation, "what is kept")
    return run


def test_what_is_named_goes_and_the_rest_stays(store: Run) -> None:
    done = store("prune", "--messages", "90", "--json")
    assert done.status == 0
    assert done.facts == {"messages": 3, "evidence": 0, "journals": 0, "is_complete": True}
    assert store("status", "--json").facts["messages"] == 1
    assert store("prune", "--evidence", "99", "--journal", "101", "--json").facts == {
        "messages": 0,
        "evidence": 1,
        "journals": 0,
        "is_complete": True,
    }
    done = store("prune", "--messages", "90", "--journal", "99", "--operator", "olga")
    assert done.out == "Removed: messages 0, evidence of reports 0, parts of journals 2.\n"
    assert store("verify").status == 0
    with sql.open_sync(URL) as dm:
        bob = dm.mailbox("bob")
        assert texts(bob.thread(bob.inbox().items[0].conversation)) == ["what is kept"]
        acts = [entry.fact.action for entry in dm.operations("olga").audit("olga").items]
    assert acts == [Action.JOURNALS_PRUNED]


def test_it_is_stopped_after_some_and_goes_on(store: Run) -> None:
    done = store("prune", "--messages", "90", "--most", "2")
    assert done.out == (
        "Removed: messages 2, evidence of reports 0, parts of journals 0.\n"
        "There is more: run it again.\n"
    )
    assert store("prune", "--messages", "90", "--most", "2", "--json").facts == {
        "messages": 1,
        "evidence": 0,
        "journals": 0,
        "is_complete": True,
    }


def test_nothing_is_removed_that_nobody_named(store: Run) -> None:
    done = store("prune")
    assert done.status == 2
    assert "needs --messages, --journal or --evidence" in done.err
    assert store("status", "--json").facts["messages"] == 4
