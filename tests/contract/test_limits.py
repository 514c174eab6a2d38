"""The two limits, exact to the microsecond, and free of charge when they refuse."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.stores import PostgresHarness

from dmcore.adapters.sql import IsolationLevel
from dmcore.errors import LimitReached
from dmcore.testing.conformance.limits import DEFAULT
from dmcore.testing.world import World


@pytest.mark.promise("LIMIT-1")
@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_the_limits_are_exact_at_every_isolation_level(
    postgres_harness: PostgresHarness, level: IsolationLevel
) -> None:
    world = World(postgres_harness)
    dm = postgres_harness.open(
        policy=DEFAULT, clock=world.clock, entropy=world.entropy, isolation_level=level
    )

    def attempt(number: int) -> str:
        try:
            dm.mailbox("ann").start(f"user {number % 8}", str(number))
        except LimitReached as error:
            return error.limit
        return "accepted"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(attempt, range(32)))
    assert outcomes.count("accepted") == 20
    assert world.olga.status().conversations == 5
    assert world.is_sound()
