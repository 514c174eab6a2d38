"""The promises page: it joins the list with the tests, and it notices every hole."""

from pathlib import Path

import pytest
from tools import promises
from tools.promises import Promise

ROOT = Path(__file__).resolve().parents[2]
MARK = 'pytest.mark.promise("A-2")'

LIST = """
[[promise]]
id = "A-1"
section = "First things"
state = "kept"
text = "One thing holds."

[[promise]]
id = "A-2"
section = "First things"
state = "planned"
text = '''
Another thing
will hold.
'''

[[promise]]
id = "B-1"
section = "Second things"
state = "kept"
text = "A third thing holds."
"""

TESTS = """
import pytest

@pytest.mark.promise("A-1", "B-1")
def test_both() -> None: ...
"""


class Tree:
    """A small project: a list of promises and some tests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("docs/promises.toml", LIST)
        self.write("tests/unit/test_things.py", TESTS)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run(self, what: str) -> int:
        return promises.main([what, "--root", str(self.root)])

    @property
    def page(self) -> str:
        return (self.root / "docs/promises.md").read_text(encoding="utf-8")

    def tests_of(self, id: str) -> list[str]:  # noqa: A002 - the word of the page
        found = promises.read_proofs(self.root)
        return [proof.test for proof in found if proof.promise == id]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_written_page_passes_the_check(tree: Tree) -> None:
    assert tree.run("--write") == 0
    assert tree.run("--check") == 0


def test_the_page_names_id_state_sentence_and_tests(tree: Tree) -> None:
    tree.run("--write")
    assert tree.page.endswith(
        """\
2 of 3 are kept.

## First things

### A-1 · kept

One thing holds.

- [tests/unit/test_things.py](../tests/unit/test_things.py)
  - `test_both`

### A-2 · planned

Another thing will hold.

## Second things

### B-1 · kept

A third thing holds.

- [tests/unit/test_things.py](../tests/unit/test_things.py)
  - `test_both`
"""
    )


def test_a_missing_page_is_stale(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    assert tree.run("--check") == 1
    assert "docs/promises.md is stale" in capsys.readouterr().err


def test_a_page_that_misses_a_new_test_is_stale(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.run("--write")
    before = tree.page
    tree.write("tests/unit/test_more.py", TESTS)
    assert tree.run("--check") == 1
    assert "stale" in capsys.readouterr().err
    assert tree.page == before


def test_an_unknown_id_fails_the_check(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.write("tests/unit/test_more.py", TESTS.replace("B-1", "B-9"))
    tree.run("--write")
    assert tree.run("--check") == 1
    assert "tests/unit/test_more.py: test_both names B-9" in capsys.readouterr().err


def test_a_kept_promise_without_a_test_fails_the_check(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.write("tests/unit/test_things.py", TESTS.replace(', "B-1"', ""))
    tree.run("--write")
    assert tree.run("--check") == 1
    assert "B-1 is said to be kept, but no test proves it" in capsys.readouterr().err


def test_a_planned_promise_needs_no_test(tree: Tree) -> None:
    tree.run("--write")
    assert tree.tests_of("A-2") == []
    assert tree.run("--check") == 0


@pytest.mark.parametrize(
    ("source", "tests"),
    [
        (f"pytestmark = {MARK}\ndef test_a(): ...\ndef not_a_test(): ...", ["test_a"]),
        (f"pytestmark = [pytest.mark.slow, {MARK}]\nasync def test_a(): ...", ["test_a"]),
        (f"pytestmark: object = {MARK}\ndef test_a(): ...", ["test_a"]),
        (f"@{MARK}\nclass TestA:\n  def test_b(self): ...", ["TestA.test_b"]),
        (f"class TestA:\n  pytestmark = {MARK}\n  def test_b(self): ...", ["TestA.test_b"]),
        (
            f"class TestA:\n  @{MARK}\n  def test_b(self): ...\n  def test_c(self): ...",
            ["TestA.test_b"],
        ),
        (f"class A:\n  class TestB:\n    @{MARK}\n    def test_c(self): ...", ["A.TestB.test_c"]),
        (f"@{MARK}\nclass TestA(Contract): ...", ["TestA"]),
        (f"class TestA(Contract):\n  pytestmark = {MARK}", ["TestA"]),
        (f"TestA = Machine.TestCase\nTestA.pytestmark = [{MARK}]", ["TestA"]),
        (
            f"@pytest.mark.parametrize('x', [pytest.param(1, marks={MARK})])\ndef test_a(x): ...",
            ["test_a"],
        ),
        (f"@{MARK}\ndef helps(): ...", None),
        (f"cases = [{MARK}]\ndef test_a(): ...", None),
        ("@pytest.mark.promise(THE_ID)\ndef test_a(): ...", None),
    ],
)
def test_a_marker_counts_where_it_reaches_a_test_and_is_refused_elsewhere(
    tree: Tree, source: str, tests: list[str] | None
) -> None:
    tree.write("tests/unit/test_more.py", source)
    if tests is None:
        with pytest.raises(promises.Fault, match=r"tests/unit/test_more\.py:1"):
            tree.tests_of("A-2")
        assert tree.run("--check") == 1
    else:
        assert tree.tests_of("A-2") == tests


def test_the_conformance_kit_proves_promises_too(tree: Tree) -> None:
    tree.write("src/dmcore/testing/sending.py", TESTS.replace("B-1", "A-2"))
    assert tree.tests_of("A-2") == ["test_both"]
    tree.run("--write")
    assert "(../src/dmcore/testing/sending.py)\n  - `test_both`" in tree.page


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('state = "planned"', 'state = "maybe"'), "A-2: state 'maybe' is none of"),
        (('id = "A-2"', 'id = "A-1"'), "A-1 is listed twice"),
        (('section = "Second things"', ""), "B-1: "),
        (('id = "B-1"', 'name = "B-1"'), "an entry without id: "),
        (("[[promise]]", "[[promise"), "docs/promises.toml: "),
    ],
)
def test_a_broken_list_is_told_in_one_line(
    tree: Tree, capsys: pytest.CaptureFixture[str], change: tuple[str, str], complaint: str
) -> None:
    tree.write("docs/promises.toml", LIST.replace(*change))
    assert tree.run("--check") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert complaint in line


def test_every_promise_of_this_project_has_one_section_in_order() -> None:
    listed = promises.read_promises(ROOT)
    sections = [promise.section for promise in listed]
    assert sections == sorted(sections, key=sections.index)
    assert all(is_numbered(promise) for promise in listed)


def is_numbered(promise: Promise) -> bool:
    family, _, number = promise.id.rpartition("-")
    return family.isupper() and number.isdigit()
