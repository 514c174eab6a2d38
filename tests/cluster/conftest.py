"""One cluster for all tests: it takes half a minute to come up."""

import secrets
from collections.abc import Iterator

import pytest
from psycopg import sql
from tests.cluster.cluster import Cluster


@pytest.fixture(scope="session")
def cluster_of_three() -> Iterator[Cluster]:
    with Cluster() as started:
        yield started


@pytest.fixture
def cluster(cluster_of_three: Cluster) -> Cluster:
    """The cluster with all that the tests before have ended running again."""
    cluster_of_three.mend()
    cluster_of_three.wait_until_whole()
    return cluster_of_three


@pytest.fixture
def url(cluster: Cluster) -> str:
    """The address of an empty database of the test's own, on whoever leads."""
    name = f"dm_{secrets.token_hex(6)}"
    with cluster.leading() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return cluster.url(name)
