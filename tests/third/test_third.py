"""A stranger's adapter passes the conformance suite, which is all there is to do for it."""

import ast
import re
from pathlib import Path

import pytest

from dmcore.testing.conformance import *  # noqa: F403

HERE = Path(__file__).parent


@pytest.mark.promise("EMB-4")
@pytest.mark.parametrize("file", sorted(HERE.glob("*.py")), ids=lambda file: file.name)
def test_it_is_written_with_public_names_alone(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dmcore"):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            assert not [name for name in names if name.startswith("_")]
        elif isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr):
            # Its own, never those of something that dmcore gave it.
            assert ast.unparse(node.value) == "self"


@pytest.mark.promise("EMB-4")
def test_it_needs_no_package_besides_dmcore() -> None:
    imported = set()
    files = ("values.py", "rows.py", "ports.py", "reports.py", "erasures.py", "restrictions.py")
    for file in (*files, "outbox.py", "store.py"):
        for node in ast.walk(ast.parse((HERE / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
    assert "sqlite3" in imported
    assert not imported & {"sqlalchemy", "psycopg"}
