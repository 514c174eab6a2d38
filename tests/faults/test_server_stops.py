"""The server ends at once, right behind an acknowledgement: what it acknowledged is there."""

from collections.abc import Iterator
from typing import Final

import pytest
from tests.conftest import IS_NIGHTLY

from dmcore import Policy
from dmcore.adapters import sql
from dmcore.testing.postgres import Durability, PostgresServer
from dmcore.testing.world import text_of, thread_of

_ROUNDS: Final = 25 if IS_NIGHTLY else 2


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """One that keeps what it commits, and that nobody else uses."""
    monkeypatch.delenv("DMCORE_TEST_DATABASE_URL", raising=False)
    with PostgresServer(durability=Durability.DURABLE) as made:
        yield made


@pytest.mark.promise("MSG-4", "MSG-3")
def test_what_was_acknowledged_survives_a_server_that_ends_at_once(server: PostgresServer) -> None:
    """The same handle goes on, and whoever did not hear the acknowledgement gets it again."""
    url = server.create_database()
    sql.initialise(url)
    with sql.open_sync(url, policy=Policy(messages=None, starts=None)) as dm:
        dm.operations("olga").set_mode("on")
        ann = dm.mailbox("ann")
        conversation = ann.start("bob", "round 0").conversation
        for number in range(1, _ROUNDS + 1):
            said = f"round {number}"
            sent = ann.send(conversation, said, key=said)
            server.crash()
            assert ann.send(conversation, said, key=said) == sent
            expected = [f"round {it}" for it in range(number + 1)]
            assert [text_of(it) for it in thread_of(dm.mailbox("bob"), conversation)] == expected
        assert dm.operations("olga").verify() == ()
