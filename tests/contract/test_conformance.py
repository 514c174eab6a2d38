"""The conformance suite on the stores that need no server; another file has the others."""

import pytest

from dmcore.testing.conformance import *  # noqa: F403

HARNESSES = ("memory", "memory-async", "sqlite")
WRONG_EACH_TIME = "test_what_must_be_unique_is_the_stores_own_concern"


@pytest.fixture(autouse=True)
def impatient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A use case that is wrong each time it runs is not run for long."""
    if request.function.__name__ == WRONG_EACH_TIME:
        monkeypatch.setattr("dmcore.adapters.sql._transactions._PATIENCE_S", 0.05)
