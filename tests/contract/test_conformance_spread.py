"""The conformance suite with what is asked on Citus, asked of one PostgreSQL (SCALE-2, ADR 71)."""

import pytest
from tests.conftest import IS_NIGHTLY
from tests.contract.test_conformance import impatient
from tests.support.spreading import take_for_spread

from dmcore.testing.conformance import *  # noqa: F403

__all__ = ["impatient"]

HARNESSES = ("postgres", *(("postgres-async",) if IS_NIGHTLY else ()))


@pytest.fixture(autouse=True)
def spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every store is taken for one that is spread."""
    take_for_spread(monkeypatch)
