"""The conformance suite once more, on PostgreSQL in both colours, and by night on SQLite awaited.

That one is the blocking store in a thread: what differs is what ``test_cancelling`` and the other
files of this folder ask of it, by day as well.
"""

from tests.conftest import IS_NIGHTLY
from tests.contract.test_conformance import impatient

from dmcore.testing.conformance import *  # noqa: F403

__all__ = ["impatient"]

HARNESSES = ("postgres", "postgres-async", *(("sqlite-async",) if IS_NIGHTLY else ()))
