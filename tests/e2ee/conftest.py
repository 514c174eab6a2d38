"""Ann and Bob, who seal."""

import pytest
from tests.e2ee import people
from tests.e2ee.people import Person

from dmcore.testing.world import World


@pytest.fixture
def world() -> World:
    return people.world()


@pytest.fixture
def ann(world: World) -> Person:
    return Person.of(world, "ann")


@pytest.fixture
def bob(world: World) -> Person:
    return Person.of(world, "bob")
