"""Lists every package that an installation with all extras brings, as a CycloneDX document.

Name, version, licence and who needs whom, as found in an environment that is made for it; what
writes the list has an environment of its own, so that it does not stand in it. The versions are
those of requirements/dev.txt. What is bundled for browsers is added, as its lock file has it. The
same wheel gives the same list.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tools.installed import ROOT, UV, run
from tools.sealing_assets import PACKAGES, SOURCES


def write(wheels: Path, out: Path, spare: Path) -> None:
    """Write the list for the wheel in this folder."""
    installed, writer = spare / "installed", spare / "writer"
    for environment in (installed, writer):
        run(UV, "venv", "--quiet", "--python", sys.executable, environment)
    # By its name and not by its place, which would stand in the list.
    (wheel,) = wheels.glob("dmcore-*.whl")
    version = wheel.name.split("-")[1]
    pinned = ("--constraints", ROOT / "requirements/dev.txt", "--find-links", wheels)
    add = (UV, "pip", "install", "--quiet", "--python")
    run(*add, installed / "bin/python", *pinned, f"dmcore[all]=={version}")
    hashed = ("--require-hashes", "--requirements", ROOT / "requirements/release.txt")
    run(*add, writer / "bin/python", *hashed)
    run(
        writer / "bin/cyclonedx-py",
        "environment",
        "--output-reproducible",
        "--pyproject",
        ROOT / "pyproject.toml",
        "--mc-type",
        "library",
        "--output-file",
        out.resolve(),
        installed / "bin/python",
    )


def with_bundled(text: str, locked: str) -> str:
    """The list with the packages that a browser is served, which stand in the wheel itself."""
    found, packages = json.loads(text), json.loads(locked)["packages"]
    for name in PACKAGES:
        package = packages[f"node_modules/{name}"]
        address = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
        component = {
            "type": "library",
            "bom-ref": address,
            "name": name,
            "version": package["version"],
            "licenses": [{"license": {"id": package["license"]}}],
            "purl": address,
        }
        found["components"].append(component)
        found["dependencies"].append({"ref": address})
    return json.dumps(found, indent=2) + "\n"


def complaints(text: str) -> list[str]:
    """What a list must have to be of use, and what must not stand in it."""
    found = json.loads(text)
    components = {it["name"].lower() for it in found.get("components", ())}
    needed = {"attrs", "sqlalchemy", "psycopg", "jinja2", "cryptography", "typer", "@hpke/core"}
    wrong = [f"{name} is not listed" for name in sorted(needed - components)]
    if found.get("metadata", {}).get("component", {}).get("name") != "dmcore":
        wrong.append("it is not about dmcore")
    if not found.get("dependencies"):
        wrong.append("it does not say who needs whom")
    if "file:" in text:
        wrong.append("it names a place on this machine")
    return wrong


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--wheels", type=Path, required=True, help="the folder of the wheel")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as spare:
        write(options.wheels, options.out, Path(spare))
    listed_text = options.out.read_text(encoding="utf-8")
    text = with_bundled(listed_text, (SOURCES / "package-lock.json").read_text("utf-8"))
    options.out.write_text(text, encoding="utf-8")
    wrong = complaints(text)
    for line in wrong:
        print(f"sbom: {line}", file=sys.stderr)
    listed = len(json.loads(text)["components"])
    print(f"{options.out}: {listed} packages")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
