"""Each product starts with one command, says where it is, and ends quietly."""

import socket
from pathlib import Path

import pytest
from tests.acceptance.serving import ROOT, Served
from tests.acceptance.windows import HttpWindow

from examples.ports import port_of

NAMES = sorted(main.parent.name for main in ROOT.glob("examples/*/__main__.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_product_starts_with_one_command_and_ends_quietly(name: str, tmp_path: Path) -> None:
    with Served(name, tmp_path) as served:
        # Some lead a stranger to their sign-in at once.
        page = HttpWindow(served.address).get("/")
        assert page.status == 200
        assert page.answer.text.lstrip().lower().startswith("<!doctype html>")
        assert served.end() == (0, "")


def test_where_the_usual_port_is_taken_a_product_takes_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        usual = taken.getsockname()[1]
        assert port_of(None, usual) == 0
        assert port_of(usual, usual) == usual  # who asks for it is told that it is taken
    assert port_of(None, usual) == usual


@pytest.mark.parametrize("name", NAMES)
def test_a_product_says_what_it_is_and_which_lines_matter(name: str) -> None:
    page = (ROOT / "examples" / name / "README.md").read_text(encoding="utf-8")
    assert f"make example-{name}" in page
    assert len(page.splitlines()) < 80
