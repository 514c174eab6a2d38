"""An id or a cursor counts inside its own conversation and list only."""

import pytest
from tests.support.stores import SqlHarness, asked_through

from dmcore.errors import AccessDenied
from dmcore.testing.conformance.own_conversation import foreign_messages
from dmcore.testing.world import ABSORBING, World


@pytest.mark.promise("CONV-2", "CONV-1")
def test_foreign_messages_cannot_be_told_apart_by_the_work_they_make(
    sql_harness: SqlHarness,
) -> None:
    world = World(sql_harness, policy=ABSORBING)
    conversation, messages = foreign_messages(world)
    traces = []
    for message in messages.values():
        with asked_through(world.dm) as asked, pytest.raises(AccessDenied):
            world.ann.mark_read(conversation, through=message)
        traces.append(asked)
    assert all(trace == traces[0] for trace in traces)
