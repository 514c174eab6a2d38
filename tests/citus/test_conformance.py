"""The conformance suite on Citus, as it is for every store (SCALE-2)."""

from tests.contract.test_conformance import impatient

from dmcore.testing.conformance import *  # noqa: F403

__all__ = ["impatient"]
