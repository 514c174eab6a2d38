"""Whatever goes wrong, every connection is given back."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import QueuePool


@pytest.fixture(autouse=True)
def pools_are_empty_afterwards() -> Iterator[None]:
    """No engine that a test used has a connection in use when the test is over."""
    pools: set[QueuePool] = set()

    def note(connection: Connection) -> None:
        if isinstance(connection.engine.pool, QueuePool):
            pools.add(connection.engine.pool)

    event.listen(Engine, "engine_connect", note)
    yield
    event.remove(Engine, "engine_connect", note)
    assert [pool.checkedout() for pool in pools] == [0] * len(pools)
