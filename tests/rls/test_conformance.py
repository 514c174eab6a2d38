"""The conformance suite, asked as a site that row-level security holds to its identity.

By day what crosses most of the policies, by night all of it: ``conftest`` chooses.
"""

from dmcore.testing.conformance import *  # noqa: F403
