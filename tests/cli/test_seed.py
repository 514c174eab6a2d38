"""Fixtures at the command line: the same on every store."""

from typing import Any

import pytest
from tests.cli.conftest import Run, stored

from dmcore.adapters import sql
from dmcore.testing.world import text_of


def observed(url: str) -> list[Any]:
    """What everybody sees, without the ids that a store derives from its own secret."""
    seen: list[Any] = []
    with sql.open_sync(url) as dm:
        operations = dm.operations("operator")
        operations.set_mode("on")
        for number in range(1, 8):
            user = f"user-{number:03}"
            mailbox = dm.mailbox(user)
            inbox = mailbox.inbox(limit=100).items
            threads = [mailbox.thread(entry.conversation, limit=100) for entry in inbox]
            facts = [entry.fact for entry in operations.audit(user, limit=100).items]
            seen += [
                user,
                mailbox.unread(),
                [(entry.other, entry.unread, entry.newest, entry.read) for entry in inbox],
                [[(m.id, m.sender, text_of(m), m.sent_at) for m in it.items] for it in threads],
                [(block.blocked, block.since) for block in mailbox.blocked().items],
                [(fact.action, fact.actor, fact.other, fact.message, fact.at) for fact in facts],
            ]
    return seen


SIZES = ("--users", "7", "--conversations", "9", "--messages", "80", "--blocks", "3")


def test_the_same_seed_gives_the_same_on_every_store(run: Run, postgres_url: str) -> None:
    urls = ("sqlite:///one.db", "sqlite:///two.db", postgres_url)
    for url in urls:
        assert run("seed", "--seed", "5", *SIZES, "--url", url).status == 0
    one, two, postgres = map(observed, urls)
    assert one == two == postgres
    run("seed", "--seed", "6", *SIZES, "--url", "sqlite:///three.db")
    assert observed("sqlite:///three.db") != one


def test_it_tells_how_much_there_is(run: Run) -> None:
    facts = run("seed", *SIZES, "--json").facts
    assert facts == {
        "seed": 1,
        "users": facts["users"],
        "conversations": 9,
        "messages": 80,
        "blocks": 3,
        "location": "dmcore.db",
        "mode": "off",
    }
    status = run("status", "--json").facts
    assert (status["messages"], status["users"]) == (80, facts["users"] + 1)
    assert run("verify").status == 0
    shown = " ".join(run("seed", *SIZES, "--url", "memory:").out.split())
    assert "conversations 9 messages 80 blocks 3 In memory; messaging is off there." in shown


@pytest.mark.promise("OPS-1")
def test_messaging_stays_as_it_was(run: Run) -> None:
    run("init")
    run("mode", "on")
    assert run("seed", "--json").facts["mode"] == "on"


def test_a_store_with_messages_is_left_alone(run: Run) -> None:
    run("seed")
    before = stored(run)
    assert run("seed").code == "store_not_empty"
    assert stored(run) == before


def test_a_size_that_cannot_be_makes_nothing(run: Run) -> None:
    done = run("seed", "--users", "3", "--conversations", "4")
    assert done.code == "invalid_setting"
    assert "conversations: must be in 1..3: each pair has one" in done.err
    assert run("status").code == "not_initialised"
