"""Breaks the product in one place at a time and asks whether the tests notice.

`tests/canaries/canaries.toml` lists seeded mistakes: a file, a text that stands in it once, what it
becomes, and the tests that must fail then. Everything happens in copies of the tree in a temporary
folder, with the interpreter that runs this. Ends with 1 if a canary survives, or cannot be placed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
LIST = Path("tests/canaries/canaries.toml")
_PATIENCE_S = 600
_TESTS_FAILED = 1


class Fault(Exception):
    """Something a person has to mend; its text says what and where."""


class Fate(StrEnum):
    """What became of a canary."""

    KILLED = "killed"
    SURVIVED = "survived"
    NOT_APPLICABLE = "not applicable"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, kw_only=True)
class Canary:
    """One mistake. `only` narrows parametrised tests, in the words of pytest's `-k`."""

    name: str
    promise: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    only: str = ""

    def is_applicable(self, root: Path) -> bool:
        """Whether the text to change stands in the file exactly once."""
        path = root / self.file
        return path.is_file() and path.read_text(encoding="utf-8").count(self.old) == 1


def read_canaries(root: Path) -> list[Canary]:
    """The list, checked for form. Raises `Fault`."""
    rows = tomllib.loads((root / LIST).read_text(encoding="utf-8"))["canary"]
    try:
        canaries = [Canary(**{**row, "tests": tuple(row["tests"])}) for row in rows]
    except (KeyError, TypeError) as wrong:
        raise Fault(f"{LIST}: {wrong}") from None
    names = [canary.name for canary in canaries]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Fault(f"{LIST}: named twice: {', '.join(sorted(twice))}")
    return canaries


def named(canaries: Iterable[Canary], names: Sequence[str]) -> list[Canary]:
    """The canaries of these names, all of them for none. Raises `Fault`."""
    by_name = {canary.name: canary for canary in canaries}
    if unknown := [name for name in names if name not in by_name]:
        raise Fault(f"no such canary: {', '.join(unknown)}")
    return [by_name[name] for name in names] if names else list(by_name.values())


class Cage:
    """A copy of the tree in which one canary at a time is let loose."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(tree / "src"), str(tree)]),
            # A changed file may have the size and the second of the unchanged one.
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    @classmethod
    def built(cls, root: Path, tree: Path) -> Cage:
        """A copy of what is or could be under version control. Raises `Fault`."""
        asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(asked, cwd=root, check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            if (root / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, tree / name)
        cage = cls(tree)
        cage.check_import()
        return cage

    def check_import(self) -> None:
        """The copy is what gets tested, not what is installed. Raises `Fault`."""
        found = self._python("-c", "import dmcore; print(dmcore.__file__)").stdout.strip()
        if found != str(self.tree / "src" / "dmcore" / "__init__.py"):
            raise Fault(f"the copy is not what is imported, but {found or 'nothing'}")

    @contextmanager
    def let_loose(self, canary: Canary) -> Iterator[None]:
        """The mistake is in the copy while the block runs."""
        path = self.tree / canary.file
        before = path.read_text(encoding="utf-8")
        path.write_text(before.replace(canary.old, canary.new), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")

    def test(self, tests: Iterable[str], only: str) -> tuple[int, str]:
        """Run tests until one fails; what pytest ended with and said."""
        narrowed = ["-k", only] if only else []
        options = ["-q", "-x", "--no-header", "--tb=line", "-n", "0"]
        try:
            done = self._python("-m", "pytest", *options, *narrowed, *tests)
        except subprocess.TimeoutExpired:
            return -1, f"not done after {_PATIENCE_S} seconds"
        return done.returncode, done.stdout + done.stderr

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.tree,
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
        )


def judged(cage: Cage, canary: Canary) -> tuple[Fate, str]:
    """What becomes of one canary, and why. Its tests must pass without it."""
    if not canary.is_applicable(cage.tree):
        return Fate.NOT_APPLICABLE, f"its text does not stand once in {canary.file}"
    code, said = cage.test(canary.tests, canary.only)
    if code != 0:
        return Fate.NOT_JUDGED, f"its tests do not pass without it:\n{said[-1500:]}"
    with cage.let_loose(canary):
        code, said = cage.test(canary.tests, canary.only)
    if code == _TESTS_FAILED:
        return Fate.KILLED, ""
    if code == 0:
        return Fate.SURVIVED, f"all of {', '.join(canary.tests)} pass"
    return Fate.NOT_JUDGED, f"its tests cannot be run with it:\n{said[-1500:]}"


def run(canaries: Sequence[Canary], jobs: int) -> bool:
    """Judge all, `jobs` at a time, and say so line by line; whether every one was killed."""
    cages: SimpleQueue[Cage] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="canaries-") as folder:
        for number in range(jobs):
            cages.put(Cage.built(ROOT, Path(folder).resolve() / str(number)))

        def judge(canary: Canary) -> tuple[Fate, str]:
            cage = cages.get()
            try:
                return judged(cage, canary)
            finally:
                cages.put(cage)

        fates = []
        with ThreadPoolExecutor(jobs) as pool:
            for canary, (fate, why) in zip(canaries, pool.map(judge, canaries), strict=True):
                print(f"{fate:14} {canary.name}", f"\n    {why}" if why else "", flush=True)
                fates.append(fate)
    print(", ".join(f"{fates.count(fate)} {fate}" for fate in Fate if fate in fates))
    return all(fate is Fate.KILLED for fate in fates)


def check_applicable(canaries: Iterable[Canary]) -> bool:
    """Say which canaries cannot be placed in the present source; whether all can."""
    lost = [canary for canary in canaries if not canary.is_applicable(ROOT)]
    for canary in lost:
        print(f"{Fate.NOT_APPLICABLE} {canary.name}: {canary.file}")
    return not lost


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="name the canaries")
    what.add_argument("--run", nargs="*", metavar="NAME", help="judge these, or all of them")
    what.add_argument("--check-applicable", action="store_true", help="only look for their places")
    parser.add_argument("--jobs", type=int, default=1, help="how many to judge at a time")
    given = parser.parse_args(arguments)
    try:
        canaries = read_canaries(ROOT)
        if given.list:
            for canary in canaries:
                print(f"{canary.promise:8} {canary.name}")
            return 0
        if given.check_applicable:
            return 0 if check_applicable(canaries) else 1
        return 0 if run(named(canaries, given.run), max(given.jobs, 1)) else 1
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
