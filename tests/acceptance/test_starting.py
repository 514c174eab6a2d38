"""Each product starts with one command, says where it is, and ends quietly."""

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = sorted(main.parent.name for main in ROOT.glob("examples/*/__main__.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_product_starts_with_one_command_and_ends_quietly(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", f"examples.{name}", "--port", "0", "--folder", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        said = running.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert address, said + running.stderr.read()
        with urllib.request.urlopen(address[0], timeout=20) as answer:
            assert answer.status == 200
            assert "<!doctype html>" in answer.read().decode().lower()
        running.send_signal(signal.SIGINT)
        assert running.stderr.read() == ""
        assert running.wait(timeout=20) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_product_says_what_it_is_and_which_lines_matter(name: str) -> None:
    page = (ROOT / "examples" / name / "README.md").read_text(encoding="utf-8")
    assert f"make example-{name}" in page
    assert len(page.splitlines()) < 80
