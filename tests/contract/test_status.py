"""What an operator sees of a store: its mode, versions and counts."""

import pytest
from tests.contract.conftest import MakeWorld

from dmcore import Mode, Policy, StoreStatus

SCHEMA_VERSIONS = {"memory": 0, "sqlite": 1, "postgres": 1}
KINDS = {"memory": "memory", "sqlite": "sqlite", "postgres": "postgresql"}


@pytest.mark.promise("OPS-3")
def test_a_new_store_is_off_and_empty(make_world: MakeWorld) -> None:
    world = make_world(mode=None)
    name = world.harness.name
    assert world.olga.status() == StoreStatus(
        mode=Mode.OFF,
        schema_version=SCHEMA_VERSIONS[name],
        store=KINDS[name],
        conversations=0,
        messages=0,
        users=0,
        blocks=0,
        journal_entries=0,
    )


@pytest.mark.promise("OPS-3")
def test_everything_is_counted_once(make_world: MakeWorld) -> None:
    world = make_world(Policy(blocked="absorb"))
    sent = world.ann.start("bob", "1")
    world.bob.send(sent.conversation, "2")
    world.ann.mark_read(sent.conversation, through=sent.id)
    world.ann.block("dan")
    world.dan.start("ann", "absorbed")
    world.cyd.block("zoe")
    world.dm.mailbox("ann", tenant="north").start("bob", "3")
    with world.unchanged():
        status = world.olga.status()
    # Of the switch 1, of each message 2 or (absorbed) 1, of the rest 1.
    assert status.journal_entries == 1 + 2 + 2 + 1 + 1 + 1 + 1 + 2
    assert (status.conversations, status.messages, status.blocks) == (3, 4, 2)
    # Olga, Ann, Bob, Dan and Cyd, and two in the north; Zoe was never here.
    assert status.users == 7
    assert status.mode is Mode.ON
