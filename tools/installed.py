"""Installs the wheel with each extra alone, into an empty environment, and uses what it promises.

The programs are in tests/installed, one for each extra; they run in an empty folder and see nothing
of the sources. Packages have the versions of requirements/dev.txt, or with `--lowest` the lowest
that pyproject.toml allows for what dmcore names itself. The last environment, which has everything,
is also asked by a type checker what it knows of dmcore.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from contextlib import ExitStack
from pathlib import Path

from dmcore.testing.postgres import PostgresServer

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "tests/installed"
TYPES = ROOT / "tests/types/public_types.py"
UV = Path(sys.executable).with_name("uv")
BARE = "bare"


def extras(root: Path) -> list[str]:
    """Every extra, and first of all none."""
    with (root / "pyproject.toml").open("rb") as file:
        return [BARE, *tomllib.load(file)["project"]["optional-dependencies"]]


def program_of(extra: str) -> Path:
    """What it is asked; where a package has the name of the extra, with an underscore."""
    plain = PROGRAMS / f"{extra}.py"
    return plain if plain.exists() else PROGRAMS / f"{extra}_.py"


def run(*command: str | Path, **options: str | Path | dict[str, str]) -> None:
    """Run a command; where it fails, show what it said and end."""
    ran = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    if ran.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{ran.stdout}")


def install(wheel: Path, extra: str, environment: Path, *, lowest: bool) -> Path:
    """Make an environment with the wheel and one extra; return its interpreter."""
    run(UV, "venv", "--quiet", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    wanted = f"dmcore @ {wheel.resolve().as_uri()}"
    if extra != BARE:
        wanted = wanted.replace("dmcore", f"dmcore[{extra}]", 1)
    how = (
        ("--resolution", "lowest-direct")
        if lowest
        else ("--constraints", ROOT / "requirements/dev.txt")
    )
    run(UV, "pip", "install", "--quiet", "--python", python, *how, wanted)
    return python


def use(python: Path, extra: str, folder: Path, url: str) -> None:
    """Run the program of this extra where nothing but the installed package can be found."""
    folder.mkdir()
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    # The programs find each other, and none of the sources: those are below src.
    seen = {**clean, "DMCORE_URL": url, "PYTHONPATH": str(ROOT)}
    run(python, "-P", "-W", "error", program_of(extra), cwd=folder, env=seen)


def check_types(python: Path, folder: Path) -> None:
    """A host's own type checker, at its strictest, knows the public types."""
    shutil.copy(TYPES, folder / "host.py")
    ours = Path(sys.executable).with_name("mypy")
    strict = ("--strict", "--python-executable", python, "--cache-dir", folder / "mypy")
    run(ours, *strict, "--config-file", os.devnull, "host.py", cwd=folder)


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--lowest", action="store_true", help="in the lowest versions")
    parser.add_argument("--only", nargs="+", metavar="EXTRA", help="these alone")
    options = parser.parse_args(arguments)
    wanted = options.only or extras(ROOT)
    with ExitStack() as ending, tempfile.TemporaryDirectory() as spare:
        server = ending.enter_context(PostgresServer()) if "postgres" in wanted else None
        for extra in wanted:
            folder = Path(spare, extra)
            folder.mkdir()
            python = install(options.wheel, extra, folder / "venv", lowest=options.lowest)
            url = server.create_database() if server and extra == "postgres" else ""
            use(python, extra, folder / "run", url)
            if extra == "all":
                check_types(python, folder / "run")
            print(f"installed: {extra}")
            shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
