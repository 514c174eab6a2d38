"""The same adapter behind its other runner passes what is about runners and ports."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.third.conftest import AwaitedDocumentHarness

from dmcore.testing.conformance import (
    TestClosing,
    TestPorts,
    TestReading,
    TestRollback,
    TestTransactions,
)
from dmcore.testing.harness import Harness

__all__ = ["TestClosing", "TestPorts", "TestReading", "TestRollback", "TestTransactions"]


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    """An empty file, behind the runner that is awaited."""
    made = AwaitedDocumentHarness(tmp_path / "third.db")
    yield made
    made.close()
