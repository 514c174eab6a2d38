"""The seeded mistakes fit the present source, and the tests that must notice them are there."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tools import canaries, promises
from tools.canaries import Canary, Fault

ROOT = Path(__file__).parents[2]
PROMISES = {it.id for it in promises.read_promises(ROOT)}
SUITE = "dmcore.testing.conformance"
CANARIES = canaries.read_canaries(ROOT)
NAMED = pytest.mark.parametrize("canary", CANARIES, ids=[it.name for it in CANARIES])

LISTED = """
[[canary]]
name = "{name}"
promise = "MSG-1"
file = "some.py"
old = "one"
new = "two"
tests = ["tests/test_some.py"]
"""


def test_there_are_at_least_forty_under_names_of_their_own() -> None:
    assert len(CANARIES) >= 40
    assert len({(it.file, it.old, it.new) for it in CANARIES}) == len(CANARIES)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", it.name) for it in CANARIES)


@NAMED
def test_it_changes_one_place_of_the_product(canary: Canary) -> None:
    assert canary.file.startswith("src/dmcore/")
    assert canary.is_applicable(ROOT)
    before = (ROOT / canary.file).read_text(encoding="utf-8")
    after = before.replace(canary.old, canary.new)
    # A mistake that cannot even be read would be noticed by any test at all.
    assert ast.dump(ast.parse(after)) != ast.dump(ast.parse(before))


@NAMED
def test_it_breaks_a_promise_and_names_tests_that_are_there(canary: Canary) -> None:
    assert canary.promise in PROMISES
    assert canary.tests
    for test in canary.tests:
        file, _, name = test.partition("::")
        assert file.startswith("tests/")
        assert _tests_in(file)
        assert not name or name in _tests_in(file)


@cache
def _tests_in(file: str) -> frozenset[str]:
    """Functions, classes and their methods; those of the suite where it is imported whole."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = set(_named_in(text))
    if f"from {SUITE} import *" in text:
        for module in (ROOT / "src" / SUITE.replace(".", "/")).glob("*.py"):
            found.update(_named_in(module.read_text(encoding="utf-8")))
    return frozenset(found)


def _named_in(text: str) -> Iterator[str]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield node.name
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name.startswith("test_"):
                    yield f"{node.name}::{part.name}"


def _listed(folder: Path, *names: str) -> Path:
    (folder / canaries.LIST).parent.mkdir(parents=True)
    text = "".join(LISTED.format(name=name) for name in names)
    (folder / canaries.LIST).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "is_applicable"), [("one", True), ("one one", False), ("", False)]
)
def test_a_text_that_is_not_there_once_is_no_place(
    tmp_path: Path, text: str, is_applicable: bool
) -> None:
    (canary,) = canaries.read_canaries(_listed(tmp_path, "first"))
    assert not canary.is_applicable(tmp_path)
    (tmp_path / "some.py").write_text(text, encoding="utf-8")
    assert canary.is_applicable(tmp_path) is is_applicable


def test_no_two_have_one_name(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="named twice: first"):
        canaries.read_canaries(_listed(tmp_path, "first", "first"))


def test_one_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    listed = canaries.read_canaries(_listed(tmp_path, "first", "second"))
    assert canaries.named(listed, []) == listed
    assert canaries.named(listed, ["second"]) == listed[1:]
    with pytest.raises(Fault, match="no such canary: third"):
        canaries.named(listed, ["first", "third"])


def test_a_cage_refuses_a_copy_that_is_not_what_is_imported(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="is not what is imported"):
        canaries.Cage(tmp_path).check_import()
