"""Which tests of the conformance suite a folder that runs it once more leaves out."""

from collections.abc import Callable

import pytest


def subject_of(item: pytest.Item) -> str:
    """The class of the suite that a test is of; empty for a test of the folder's own."""
    return item.nodeid.partition("test_conformance.py::")[2].partition("::")[0]


def leave_out(
    config: pytest.Config,
    items: list[pytest.Item],
    folder: str,
    applies: Callable[[pytest.Item], bool],
) -> None:
    """Take out of ``items`` those of a folder that do not apply, and say so."""
    left_out = [it for it in items if it.path.parent.name == folder and not applies(it)]
    for item in left_out:
        items.remove(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
