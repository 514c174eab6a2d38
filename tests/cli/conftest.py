"""Running a command as a person does, and seeing what that person sees."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from typer.testing import CliRunner

from dmcore.cli import app


@attrs.frozen(kw_only=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def facts(self) -> dict[str, Any]:
        """The one JSON object on standard output, for a command that succeeded in silence."""
        assert self.err == ""
        lines = self.out.splitlines()
        assert len(lines) == 1
        found = json.loads(lines[0])
        assert isinstance(found, dict)
        return found

    @property
    def code(self) -> str:
        """The code in the one line about a failure; nothing else was printed."""
        assert self.status == 2
        assert self.out == ""
        assert self.err.startswith("error: ")
        assert self.err.endswith("]\n")
        assert self.err.count("\n") == 1
        return self.err.rpartition("[")[2].removesuffix("]\n")


Run = Callable[..., Ran]


def stored(run: Run) -> dict[str, Any]:
    """What ``status`` tells of a store, but for the room that it takes and that others leave it."""
    facts = run("status", "--json").facts
    return {name: value for name, value in facts.items() if not name.endswith("_bytes")}


@pytest.fixture
def run(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs ``dmcore`` in an empty folder, on a screen of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
    for name in ("DMCORE_URL", "DMCORE_HOST_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str, **environment: str) -> Ran:
        done = CliRunner().invoke(app, arguments, env=environment, prog_name="dmcore")
        return Ran(status=done.exit_code, out=done.stdout, err=done.stderr)

    return run
