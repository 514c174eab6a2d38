"""What seals in a browser, as one module: RFC 9180 out of packages at exactly pinned versions.

It is built and never kept under version control: it is other people's work (ADR 65). Their licences
stand at its beginning.
"""

import shutil
from pathlib import Path

from tools.workshop import ROOT, Workshop

SOURCES = ROOT / "web-assets" / "sealing"
MODULE = ROOT / "src/dmcore/adapters/web/pages/static/hpke.js"
PACKAGES = ("@hpke/core", "@hpke/common", "@hpke/chacha20poly1305")
# It says so where it begins, and has no licence file of its own.
WITHIN = "@hpke/chacha20poly1305 holds parts of noble-ciphers, MIT License (c) 2023 Paul Miller."


def module() -> str:
    """The finished module, the same on every machine."""
    workshop = Workshop(SOURCES, "sealing-assets")
    shutil.copyfile(SOURCES / "hpke.js", workshop.folder / "hpke.js")
    how = ("--bundle", "--format=esm", "--target=es2022", "--minify", "--legal-comments=none")
    workshop.run("node_modules/esbuild/bin/esbuild", "hpke.js", *how, "--outfile=built.js")
    built = (workshop.folder / "built.js").read_text(encoding="utf-8").strip()
    return f"/*!\n{_licences(workshop.folder / 'node_modules')}*/\n{built}\n"


def _licences(packages: Path) -> str:
    """Whose it is, and under which licence it may be handed on."""
    texts: dict[str, list[str]] = {}
    for name in PACKAGES:
        text = (packages / name / "LICENSE").read_text(encoding="utf-8").strip()
        texts.setdefault(text, []).append(name)
    told = [f"{', '.join(names)}\n\n{text}\n" for text, names in texts.items()]
    return "\n".join((*told, f"{WITHIN}\n"))


if __name__ == "__main__":
    MODULE.write_text(module(), encoding="utf-8")
