"""The stylesheet of the pages, compiled from web-assets/ by Tailwind at exactly pinned versions.

`--write` writes it, `--check` fails where it is stale.
"""

import argparse
import shutil
import sys

from tools.workshop import ROOT, Workshop

SOURCES = ROOT / "web-assets"
PAGE = "src/dmcore/adapters/web/pages/static/dmcore.css"


def stylesheet() -> str:
    """The finished sheet, the same on every machine."""
    workshop = Workshop(SOURCES, "web-assets")
    for source in SOURCES.glob("*.css"):
        shutil.copyfile(source, workshop.folder / source.name)
    compiler = "node_modules/@tailwindcss/cli/dist/index.mjs"
    workshop.run(compiler, "--input", "styles.css", "--output", "dmcore.css", "--minify")
    return (workshop.folder / "dmcore.css").read_text(encoding="utf-8").strip() + "\n"


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
