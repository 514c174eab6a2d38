"""The pytest plugin of the conformance suite (extra ``testing``).

Load it with ``-p dmcore.testing.plugin`` or as one of ``pytest_plugins``, import the classes of
``dmcore.testing.conformance`` into a test file, and write the fixture ``harness``, which makes and
closes a ``dmcore.testing.harness.Harness`` for each test. It is loaded by name only: having dmcore
installed changes nothing in anybody's tests.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from dmcore._extras import extra

with extra("testing"):
    import pytest

    # The suite draws its histories with it. Importing it here would be too early for pytest.
    if find_spec("hypothesis") is None:
        raise ModuleNotFoundError("no hypothesis", name="hypothesis")

if TYPE_CHECKING:
    from dmcore.testing.harness import Harness
    from dmcore.testing.world import MakeWorld, World

# Before any of them is imported: a failure then shows the values that were compared.
pytest.register_assert_rewrite("dmcore.testing.conformance", "dmcore.testing.world")


def pytest_configure(config: pytest.Config) -> None:
    """Make the suite's one marker known."""
    config.addinivalue_line(
        "markers", "promise(*ids): the promises of dmcore's specification that a test proves"
    )


@pytest.fixture
def make_world(harness: "Harness") -> "MakeWorld":
    """Worlds under a policy or in a mode of the test's choice."""
    from dmcore.testing.world import MakeWorld

    return MakeWorld(harness)


@pytest.fixture
def world(harness: "Harness") -> "World":
    """A world whose switch is on and whose limits are off."""
    from dmcore.testing.world import World

    return World(harness)
