"""A product in a process of its own, started as its page says."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final, Self

ROOT: Final = Path(__file__).parents[2]
PATIENCE_S: Final = 60


class Served:
    """``python -m examples.<name>`` on a free port; ``address`` is what it says."""

    def __init__(self, name: str, folder: Path, *more: str) -> None:
        self.folder = folder
        command = [sys.executable, "-m", f"examples.{name}", "--port", "0", "--folder", str(folder)]
        self._process = subprocess.Popen(
            [*command, *more], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        if found is None:
            raise RuntimeError(f"it did not start: {said}{self.end()[1]}")
        self.address = found[0]

    def end(self) -> tuple[int, str]:
        """Interrupt it as Ctrl+C does; how it ended, and what it complained of."""
        self._process.send_signal(signal.SIGINT)
        _, complaints = self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode, complaints

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process.returncode is None:
            self.end()
