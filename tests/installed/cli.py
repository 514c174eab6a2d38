"""The command line on SQLite; what it lacks for the rest."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path


def dmcore(*words: str, status: int = 0) -> str:
    command = [str(Path(sys.executable).with_name("dmcore")), *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == status, ran
    return ran.stdout + ran.stderr


assert dmcore("--version").strip() == f"dmcore {version('dmcore')}"
dmcore("init")
dmcore("mode", "on")
assert "Sound" in dmcore("verify")
assert "Ann" in dmcore("demo", "--script", "--file", "play.db")
assert 'dmcore[demo]"' in dmcore("demo", status=2)
assert 'dmcore[postgres]"' in dmcore("status", "--url", "postgresql://localhost/x", status=2)
keys = ("--keyring", "sqlite:///keys.db", "--key-file", "key")
assert 'dmcore[crypto]"' in dmcore(*keys, "keys", "init", status=2)
