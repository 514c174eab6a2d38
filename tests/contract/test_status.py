"""What an operator sees of a store: its mode, versions and counts."""

import pytest
from tests.support.stores import Harness

from dmcore import Mode, StoreStatus
from dmcore.adapters.sql._schema import SCHEMA_VERSION
from dmcore.testing.world import MakeWorld

SCHEMA_VERSIONS = {"memory": 0, "sqlite": SCHEMA_VERSION, "postgres": SCHEMA_VERSION}


KINDS = {"memory": "memory", "sqlite": "sqlite", "postgres": "postgresql"}


@pytest.mark.promise("OPS-3")
def test_a_new_store_is_off_and_empty(make_world: MakeWorld) -> None:
    world = make_world(mode=None)
    assert isinstance(world.harness, Harness)
    kind = world.harness.kind
    assert world.olga.status() == StoreStatus(
        mode=Mode.OFF,
        schema_version=SCHEMA_VERSIONS[kind],
        store=KINDS[kind],
        conversations=0,
        messages=0,
        users=0,
        blocks=0,
        journal_entries=0,
    )
