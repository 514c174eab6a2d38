"""The one database on Citus that the environment names, emptied before each test."""

import os
from collections.abc import Iterator
from typing import Final

import pytest
from tests.support.stores import Colour, PostgresHarness

from dmcore.adapters import sql
from dmcore.testing.world import World

URL_VARIABLE: Final = "DMCORE_TEST_CITUS_URL"


@pytest.fixture(scope="session")
def citus_url() -> str:
    """The address of the coordinator, with the tables spread. Whatever lies in them is removed."""
    url = os.environ.get(URL_VARIABLE)
    if not url:
        pytest.fail(
            f"{URL_VARIABLE} is not set: it has to name a database on the coordinator of a Citus"
            " cluster, for these tests alone",
            pytrace=False,
        )
    sql.initialise(url, citus=True)
    return url


@pytest.fixture(params=["citus"])
def harness(citus_url: str) -> Iterator[PostgresHarness]:
    """An empty store on it."""
    made = PostgresHarness(citus_url)
    made.clear()
    yield made
    made.close()


@pytest.fixture
def awaited(citus_url: str) -> Iterator[World]:
    """The same, awaited."""
    made = PostgresHarness(citus_url, Colour.ASYNC)
    made.clear()
    yield World(made)
    made.close()
