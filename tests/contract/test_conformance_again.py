"""The conformance suite once more, on PostgreSQL awaited; by night blocking too, and on SQLite.

The blocking store is the same code that the awaited one runs, as the races and the faults have it.
"""

from tests.conftest import IS_NIGHTLY
from tests.contract.test_conformance import impatient

from dmcore.testing.conformance import *  # noqa: F403

__all__ = ["impatient"]

HARNESSES = ("postgres-async", *(("postgres", "sqlite-async") if IS_NIGHTLY else ()))
