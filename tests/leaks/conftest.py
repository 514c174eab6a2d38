"""Listening at DEBUG, and a pool that must be empty afterwards."""

import logging
from collections.abc import Iterator

import pytest
from tests.faults.conftest import pools_are_empty_afterwards
from tests.leaks.canary import Ear

__all__ = ["ear", "pools_are_empty_afterwards"]


@pytest.fixture
def ear(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Iterator[Ear]:
    """Hears everything; in the end it must have heard nothing."""
    caplog.set_level(logging.DEBUG)
    listening = Ear(caplog, capsys)
    yield listening
    listening.heard_nothing()
    listening.close()
