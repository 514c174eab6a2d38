"""Writes docs/metadata.md from docs/metadata.toml: every stored column, why, how long, for whom.

`--write` writes the page anew, `--check` fails where it is another one.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs

SOURCE = Path("docs/metadata.toml")
PAGE = Path("docs/metadata.md")
HEAD = """\
<!-- Written by tools/metadata.py from docs/metadata.toml. Do not edit. -->

# Metadata

Everything that dmcore stores, column by column: why, for how long, and who sees it through
dmcore. Whoever may read the database sees all of it; the [threat model](threat-model.md) says who
that should be. A test fails when a store holds a column that is not listed here.

Times are in microseconds since 1970. A column that begins with `*_` is there once for each of the
two.
"""


@attrs.frozen(kw_only=True)
class StoredTable:
    """One table: its columns by name, each with why it is there and who sees it."""

    name: str
    what: str
    kept: str
    columns: dict[str, tuple[str, str]]
    memory: tuple[str, ...] = ()

    def names(self) -> Iterator[str]:
        """Its columns as they are called in the database."""
        for name in self.columns:
            if name.startswith("*"):
                yield from (side + name[1:] for side in ("low", "high"))
            else:
                yield name


def read_tables(root: Path) -> list[StoredTable]:
    """The tables in the order of the source."""
    with (root / SOURCE).open("rb") as file:
        found = tomllib.load(file)["table"]
    return [
        StoredTable(
            name=it["name"],
            what=it["what"],
            kept=it["kept"],
            columns={name: (why, seen) for name, (why, seen) in it["columns"].items()},
            memory=tuple(it.get("memory", ())),
        )
        for it in found
    ]


def page(tables: list[StoredTable]) -> str:
    """The whole page."""
    return HEAD + "".join(map(_section, tables))


def _section(table: StoredTable) -> str:
    lines = [
        f"\n## {table.name}\n",
        f"{table.what} Kept {table.kept}.\n",
        "| column | why | seen by |",
        "|---|---|---|",
        *(f"| `{name}` | {why} | {seen} |" for name, (why, seen) in table.columns.items()),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="fail when the page is stale")
    what.add_argument("--write", action="store_true", help=f"write {PAGE}")
    options = parser.parse_args(arguments)
    target: Path = options.root / PAGE
    wanted = page(read_tables(options.root))
    if options.write:
        target.write_text(wanted, encoding="utf-8")
    elif not target.exists() or target.read_text(encoding="utf-8") != wanted:
        print(f"metadata: {PAGE} is stale: run `python tools/metadata.py --write`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
