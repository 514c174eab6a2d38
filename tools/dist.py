"""Builds what is published, wheel and source archive, and says what is wrong with them.

The same sources give the same bytes, whenever and wherever they are built: the time of the last
commit stands for the time of the build (SOURCE_DATE_EPOCH). `--out FOLDER` keeps what was built.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import attrs
from packaging.metadata import Metadata
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "src/dmcore"
# Read at run time and not imported, so that nothing else would miss them.
NEEDED = (
    "dmcore/py.typed",
    "dmcore/adapters/sql/migrations/__init__.py",
    "dmcore/adapters/web/pages/static/dmcore.css",
    "dmcore/adapters/web/pages/static/dmcore.js",
    "dmcore/adapters/web/pages/templates/document.html",
    "dmcore/cli/templates/demo_frame.html",
)
# Without these nobody can read what it is or build it.
SOURCES = ("README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "pyproject.toml", "PKG-INFO")
LARGEST_WHEEL = 2_000_000
LARGEST_SDIST = 8_000_000


@attrs.frozen
class Built:
    """What one build made."""

    wheel: Path
    sdist: Path


def build(source: Path, folder: Path, *, time: str | None = None) -> Built:
    """Build both from a tree of sources, without any other environment than this one."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder.resolve())]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": time or time_of(source)}
    ran = subprocess.run(command, cwd=source, env=environment, capture_output=True, check=False)
    if ran.returncode:
        raise SystemExit(ran.stderr.decode())
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


def time_of(source: Path) -> str:
    """When these sources were last changed, in seconds; what the caller says goes first."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    if said:
        return said
    command = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(
        command, cwd=source, check=True, capture_output=True, text=True
    ).stdout.strip()


def wrong_in_wheel(wheel: Path, root: Path) -> Iterator[str]:
    """It has every file of the package, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        yield from wrong_in_metadata(archive.read(metadata), root)
    ours = {
        file.relative_to(root / "src").as_posix()
        for file in (root / PACKAGE).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    yield from (f"the wheel has no {name}" for name in sorted((ours | set(NEEDED)) - names))
    yield from (f"the wheel has {name}, which is not ours" for name in sorted(names - ours))
    if wheel.stat().st_size > LARGEST_WHEEL:
        yield f"the wheel has more than {LARGEST_WHEEL} bytes"


def wrong_in_sdist(sdist: Path) -> Iterator[str]:
    """It has what a wheel is built from, and what one reads before."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {*SOURCES, *(f"src/{name}" for name in NEEDED)}
    yield from (f"the source archive has no {name}" for name in sorted(needed - names))
    # Stores of released versions belong to the tests; any other was left behind by something.
    stray = re.compile(
        r"(^|/)(\.venv|\.cache|\.ci|dist|__pycache__)(/|$)|\.pyc$"
        r"|^(?!tests/migrations/released/).*\.db$"
    )
    yield from (f"the source archive has {name}" for name in sorted(names) if stray.search(name))
    if sdist.stat().st_size > LARGEST_SDIST:
        yield f"the source archive has more than {LARGEST_SDIST} bytes"


def wrong_in_metadata(text: bytes, root: Path) -> Iterator[str]:
    """An index takes it, and it says what pyproject.toml says."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    try:
        found = Metadata.from_email(text, validate=True)
    except ExceptionGroup as complaints:
        yield from (f"metadata: {complaint}" for complaint in complaints.exceptions)
        return
    if found.version != Version(project["version"]):
        yield f"metadata: version {found.version} instead of {project['version']}"
    if set(found.provides_extra or ()) != set(project["optional-dependencies"]):
        yield "metadata: other extras than in pyproject.toml"
    if found.description_content_type != "text/markdown" or not found.description:
        yield "metadata: README.md is not its description"
    if found.license_expression != project["license"] or not found.license_files:
        yield "metadata: the licence is not told"


def wrong_in_changelog(text: str, version: str) -> Iterator[str]:
    """What is under way stands under *Unreleased*; what is released, under its version and day."""
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    first = headings[0] if headings else ""
    if Version(version).is_devrelease:
        if first != "Unreleased":
            yield f"CHANGELOG.md: {version} is under way, and its first heading is not Unreleased"
    elif not re.fullmatch(rf"{re.escape(version)} · \d{{4}}-\d\d-\d\d", first):
        yield f"CHANGELOG.md: its first heading is not `{version} · YEAR-MONTH-DAY`"
    released = [Version(heading.partition(" ")[0]) for heading in headings if "·" in heading]
    if released != sorted(set(released), reverse=True):
        yield "CHANGELOG.md: versions are not in order, newest first"


def complaints(built: Built, root: Path) -> list[str]:
    """Everything that is wrong with what was built."""
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    return [
        *wrong_in_wheel(built.wheel, root),
        *wrong_in_sdist(built.sdist),
        *wrong_in_changelog(changelog, version),
    ]


def differences(built: Built, root: Path) -> Iterator[str]:
    """The same again, and once more from the source archive alone: are the bytes the same?"""
    time = time_of(root)
    with tempfile.TemporaryDirectory() as folder:
        again = build(root, Path(folder, "again"), time=time)
        with tarfile.open(built.sdist) as archive:
            archive.extractall(folder, filter="data")
        (source,) = Path(folder).glob("dmcore-*")
        from_archive = build(source, Path(folder, "from-archive"), time=time)
        for one, two, which in (
            (built.wheel, again.wheel, "again"),
            (built.sdist, again.sdist, "again"),
            (built.wheel, from_archive.wheel, "from the archive"),
        ):
            if digest(one) != digest(two):
                yield f"{one.name} has other bytes when it is built {which}"


def digest(file: Path) -> str:
    """What two files have in common if, and only if, they are the same."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--out", type=Path, required=True, help="the folder for both")
    parser.add_argument("--twice", action="store_true", help="build again and compare the bytes")
    options = parser.parse_args(arguments)
    for old in (*options.out.glob("dmcore-*.whl"), *options.out.glob("dmcore-*.tar.gz")):
        old.unlink()
    built = build(options.root, options.out)
    wrong = complaints(built, options.root)
    if options.twice:
        wrong += differences(built, options.root)
    for line in wrong:
        print(f"dist: {line}", file=sys.stderr)
    for file in (built.wheel, built.sdist):
        print(f"{digest(file)}  {file}  {file.stat().st_size:,} bytes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
