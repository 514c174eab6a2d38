"""The conformance suite once more, on a store whose texts are sealed (CRYPT-1).

By day what is about texts, by night all of it: ``conftest`` chooses.
"""

import pytest
from tests.contract.test_conformance import WRONG_EACH_TIME

from dmcore.testing.conformance import *  # noqa: F403

pytestmark = pytest.mark.promise("CRYPT-1")


@pytest.fixture(autouse=True)
def impatient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the stores whose texts are not sealed."""
    if request.function.__name__ == WRONG_EACH_TIME:
        monkeypatch.setattr("dmcore.adapters.sql._transactions._PATIENCE_S", 0.05)
