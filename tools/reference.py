"""Writes docs/reference from the docstrings: what a host, and whoever writes an adapter, may use.

A page for each subject, a section for each public name. What is awaited has the same methods as
what is called, so its page says so and no more. `--write` writes all anew, `--check` fails where a
page is stale.
"""

from __future__ import annotations

import argparse
import enum
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from tools import api

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("docs/reference")
NOTE = "<!-- Written by tools/reference.py from the docstrings. Do not edit. -->"


@attrs.frozen
class Page:
    """One page of the reference: names of one module or of several."""

    name: str
    title: str
    modules: tuple[str, ...]
    only: tuple[str, ...] = ()


ROLES = ("DirectMessages", "Mailbox", "ModerationDesk", "Operations", "Relaying")
AWAITED = tuple(f"Async{name}" for name in ROLES)
PAGES = (
    Page("messaging", "Messaging and the three roles", ("dmcore",), (*ROLES, *AWAITED)),
    Page("values", "Values, policies and what a host supplies", ("dmcore",)),
    Page("presets", "Presets", ("dmcore.presets",)),
    Page(
        "stores",
        "Stores",
        ("dmcore.adapters.memory", "dmcore.adapters.sql", "dmcore.adapters.crypto"),
    ),
    Page(
        "sealing",
        "Devices that seal end to end",
        ("dmcore.adapters.e2ee", "dmcore.adapters.e2ee.wire"),
    ),
    Page(
        "web",
        "Web",
        tuple(
            f"dmcore.adapters.web{name}" for name in ("", ".asgi", ".fastapi", ".flask", ".django")
        ),
    ),
    Page(
        "around",
        "Relay, screeners, signals, observing, clocks",
        tuple(
            f"dmcore.adapters.{name}"
            for name in ("relay", "screening", "signals", "instrumentation", "clock", "ids")
        ),
    ),
    Page(
        "ports",
        "Ports: the contracts of an adapter",
        tuple(name for name in api.MODULES if name.startswith("dmcore.ports.")),
    ),
    Page(
        "testing",
        "Opening a store of your own, and proving it",
        (
            "dmcore.adapters.opening",
            "dmcore.testing.harness",
            "dmcore.testing.plugin",
            "dmcore.testing.world",
            "dmcore.testing.postgres",
        ),
    ),
)


def pages() -> Iterator[tuple[Path, str]]:
    """Every page, with its text."""
    lines = [
        "# Reference",
        "",
        NOTE,
        "",
        "What the docstrings say, by subject. In an editor or with `help()` you read the same.",
        "",
    ]
    named = {name for page in PAGES for name in page.only}
    for page in PAGES:
        yield FOLDER / f"{page.name}.md", _page(page, named)
        shown = ", ".join(f"`{module}`" for module in page.modules[:5])
        more = " …" if len(page.modules) > 5 else ""
        lines.append(f"- [{page.title}]({page.name}.md): {shown}{more}")
    lines += [
        "",
        "Besides: [errors](../errors.md) with codes and HTTP status, the",
        "[JSON interface](../http-api.md), the [command line](../cli-reference.md), and the whole",
        "interface as [one text](../api.txt) of signatures, in which every change of it shows.",
    ]
    yield FOLDER / "README.md", "\n".join(lines) + "\n"


def _page(page: Page, named: set[str]) -> str:
    lines = [f"# {page.title}", "", NOTE]
    for module_name in page.modules:
        module = importlib.import_module(module_name)
        lines += ["", f"## {module_name}", "", _prose(module)]
        public = api.public_names(module)
        chosen = [name for name in page.only if name in public] or [
            name for name in public if name not in named or module_name != "dmcore"
        ]
        for name in chosen:
            lines += _described(name, getattr(module, name))
    return "\n".join(lines) + "\n"


def _prose(value: object) -> str:
    """A docstring as Markdown: its literals have two marks, ours one."""
    text = inspect.getdoc(value) or ""
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def _described(name: str, value: Any) -> Iterator[str]:
    if inspect.ismodule(value) or (inspect.isclass(value) and issubclass(value, Exception)):
        return
    yield from ("", f"### {name}", "")
    if inspect.isclass(value):
        yield from _class(name, value)
    elif inspect.isroutine(value):
        yield from _call(name, value)
    else:
        yield f"`{name}`: {type(value).__name__}"


def _class(name: str, kind: type) -> Iterator[str]:
    yield _prose(kind)
    if name.startswith("Async") and name.removeprefix("Async") in ROLES:
        called = name.removeprefix("Async")
        yield from (
            "",
            f"The methods of [{called}](#{called.lower()}), awaited where they ask the store.",
        )
        return
    if issubclass(kind, enum.Enum):
        yield from ("", "One of " + ", ".join(f"`{member.value}`" for member in kind) + ".")
        return
    fields = (
        [it for it in attrs.fields(kind) if not it.name.startswith("_")] if attrs.has(kind) else []
    )
    if fields:
        yield from ("", "| | type | |", "|---|---|---|")
        for field in fields:
            shown = api.annotation(field.type).replace("|", "\\|")
            must = "needed" if field.default is attrs.NOTHING else ""
            yield f"| `{field.name}` | `{shown}` | {must} |"
    for member, value in _members(kind):
        yield from ("", f"#### {name}.{member}", "")
        plain = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if isinstance(plain, property):
            returned = inspect.signature(plain.fget).return_annotation if plain.fget else None
            yield from ("```py", f"{member}: {api.annotation(returned)}", "```", "")
            yield _prose(plain)
        else:
            yield from _call(member, plain)


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """Its public methods and properties in the order in which they were written."""
    fields = attrs.fields_dict(kind) if attrs.has(kind) else {}
    for member, value in vars(kind).items():
        plain = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if member.startswith("_") or member in fields:
            continue
        if isinstance(plain, property) or inspect.isroutine(plain):
            yield member, value


def _call(name: str, value: Any) -> Iterator[str]:
    word = "async def" if inspect.iscoroutinefunction(value) else "def"
    yield from ("```py", _wrapped(f"{word} {name}{api.signature_of(value)}"), "```", "")
    yield _prose(value)


def _wrapped(line: str) -> str:
    """A signature on one line where it fits, otherwise with a line for each parameter."""
    if len(line) <= 96:
        return line
    head, _, rest = line.partition("(")
    inside, _, returned = rest.rpartition(")")
    parts, depth, begin = [], 0, 0
    for place, letter in enumerate(inside):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not depth:
            parts.append(inside[begin:place].strip())
            begin = place + 1
    parts.append(inside[begin:].strip())
    return "\n".join([f"{head}(", *(f"    {part}," for part in parts if part), f"){returned}"])


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=ROOT)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="fail when a page is stale")
    what.add_argument("--write", action="store_true", help=f"write {FOLDER}")
    options = parser.parse_args(arguments)
    wanted = {options.root / file: text for file, text in pages()}
    found = set((options.root / FOLDER).glob("*.md"))
    stale = [
        file
        for file, text in wanted.items()
        if file not in found or file.read_text(encoding="utf-8") != text
    ]
    if options.write:
        (options.root / FOLDER).mkdir(parents=True, exist_ok=True)
        for file in found - wanted.keys():
            file.unlink()
        for file, text in wanted.items():
            file.write_text(text, encoding="utf-8")
        return 0
    for file in (*stale, *(found - wanted.keys())):
        print(f"reference: {file.name} is stale: run `make docs`", file=sys.stderr)
    return 1 if stale or found - wanted.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
