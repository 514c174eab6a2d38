"""The stores on which two writers can meet, and how thoroughly they are made to."""

import os
from collections.abc import Iterator
from typing import Final

import pytest
from tests.contract.conftest import make_sql_harness, postgres_database, sqlite_original
from tests.faults.conftest import pools_are_empty_afterwards
from tests.interleavings.ring import Ring, ring_on

from dmcore.adapters.sql import IsolationLevel

__all__ = ["pools_are_empty_afterwards", "postgres_database", "sqlite_original"]

IS_NIGHTLY: Final = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"

_STORES: Final[dict[str, IsolationLevel | None]] = {
    "sqlite": None,
    "postgres": None,
    **({"postgres-rr": "REPEATABLE READ", "postgres-s": "SERIALIZABLE"} if IS_NIGHTLY else {}),
}


# Every day a session stops where another could first get in its way: before it holds anything,
# before what it wrote is sent, and before COMMIT; once in a round one of the two is left standing
# there. On SQLite nobody gets in between BEGIN and COMMIT. At night it is everything.
_DAILY: Final = {
    "sqlite": {"begin", "commit"},
    "postgres": {
        *("contacts.hold", "contacts.hold_conversation", "mailboxes.hold"),
        *("installation.hold_mode", "flush", "commit"),
    },
}
MOST_INTERRUPTIONS: Final = None if IS_NIGHTLY else 1


@pytest.fixture(params=_STORES)
def ring(request: pytest.FixtureRequest) -> Iterator[Ring]:
    """A ring on a store on which two writers can meet."""
    kind = request.param.partition("-")[0]
    harness = make_sql_harness(kind, request)
    daily = _DAILY[kind]
    level = _STORES[request.param]
    with ring_on(harness, lambda point: IS_NIGHTLY or point in daily, level) as made:
        yield made
    harness.close()
