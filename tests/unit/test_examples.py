"""The examples are what a stranger could write: they use what dmcore shows, and nothing else."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools import api

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("examples/**/*.py"))
# What of the domain a host needs has a name in `dmcore` itself.
SHOWN = {name for name in api.MODULES if not name.startswith("dmcore.domain")}


def used(file: Path) -> Iterator[str]:
    """What a file imports of dmcore, each name in full."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("dmcore"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dmcore"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_shown(name: str) -> bool:
    module, _, last = name.rpartition(".")
    if name in SHOWN:
        return True
    return module in SHOWN and last in api.public_names(importlib.import_module(module))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_an_example_uses_only_what_dmcore_shows(file: Path) -> None:
    assert [name for name in used(file) if not is_shown(name)] == []


def test_what_dmcore_does_not_show_is_noticed() -> None:
    assert is_shown("dmcore.adapters.web.flask.Messages")
    assert is_shown("dmcore.adapters.sql")
    assert is_shown("dmcore.errors")
    assert not is_shown("dmcore.domain.policy.Policy")
    assert not is_shown("dmcore.adapters.web._site.Site")
    assert not is_shown("dmcore.mailbox")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_an_example_says_what_each_of_its_files_is(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
