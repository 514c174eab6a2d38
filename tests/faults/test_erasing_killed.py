"""A process that erases somebody is killed between its steps: whoever calls next goes on."""

import signal
from uuid import UUID

import pytest
from tests.faults.dying import erases_and_dies
from tests.races.processes import PROCESSES

from dmcore import DirectMessages, Policy
from dmcore.adapters import sql
from dmcore.errors import AccountErased, RecipientUnavailable
from dmcore.testing.conformance.sights import shown

UNLIMITED = Policy(messages=None, starts=None, evidence="reporter_selected")


def lived(dm: DirectMessages) -> str:
    """Something in every kind of row; returns the conversation with somebody who stays."""
    ann, bob = dm.mailbox("ann"), dm.mailbox("bob")
    first = ann.start("bob", "secret 1", key="1")
    bob.send(first.conversation, "bob's own", reply_to=first.id)
    ann.send(first.conversation, "secret 2")
    ann.start("cyd", "secret 3")
    ann.block("dan")
    bob.report(conversation=first.conversation, messages=[first.id], reason="spam")
    dm.moderation("mod").restrict("ann", "mute", reason="spam")
    return str(first.conversation)


@pytest.mark.promise("GDPR-1", "OPS-5")
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_an_erasure_that_is_killed_again_and_again_comes_to_its_end(
    store: str, request: pytest.FixtureRequest
) -> None:
    url: str = request.getfixturevalue(f"{store}_url")
    sql.initialise(url)
    with sql.open_sync(url, policy=UNLIMITED) as dm:
        olga = dm.operations("olga")
        olga.set_mode("on")
        conversation = lived(dm)
        for commits in (1, 2, 3, 5):
            process = PROCESSES.Process(target=erases_and_dies, args=(url, "ann", commits))
            process.start()
            process.join()
            assert process.exitcode == -signal.SIGKILL
            assert olga.verify() == ()
            with pytest.raises(AccountErased):
                dm.mailbox("ann").inbox()
            with pytest.raises(RecipientUnavailable):
                dm.mailbox("bob").send(conversation, "still there?")
        assert olga.erase("ann").has_changed
        assert not olga.erase("ann").has_changed
        assert olga.verify() == ()
        assert shown(dm.mailbox("bob"), UUID(conversation)) == [None, "bob's own", None]
