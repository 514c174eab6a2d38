"""What the command line could not write is given up, not tried again."""

import sys
from pathlib import Path

import pytest

from dmcore import cli


def test_output_that_a_full_disk_did_not_take_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Path("/dev/full").open("w") as full:
        full.write("x")
        monkeypatch.setattr(sys, "stdout", full)
        cli._let_go_of_output()
        full.flush()
