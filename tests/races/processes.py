"""Processes for tests: quick to start, and strangers to the one that runs the tests."""

import multiprocessing
from multiprocessing.context import ForkServerContext
from typing import Final

# Each is forked from a server that has loaded what they all need and nothing else: no thread, no
# open store, no connection of the tests is inherited.
PROCESSES: Final[ForkServerContext] = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["dmcore.adapters.sql", "sqlalchemy.dialects.postgresql.psycopg", "tests.races.acts"]
)
