"""The conformance suite once more, on PostgreSQL and on the SQL stores awaited."""

from tests.contract.test_conformance import impatient

from dmcore.testing.conformance import *  # noqa: F403

__all__ = ["impatient"]

HARNESSES = ("postgres", "sqlite-async", "postgres-async")
