"""The public interface as text: every public name of dmcore, with its signature.

`--write` writes docs/api.txt, `--check` fails where it is stale: whoever reviews a change of the
interface sees it as a change of this page.
"""

import argparse
import enum
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

PAGE = "docs/api.txt"
_OPTIONAL = re.compile(r"Optional\[([^\[\]]+)\]")
_MODULE = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z_])")
MODULES = (
    "dmcore",
    "dmcore.errors",
    "dmcore.presets",
    "dmcore.adapters.memory",
    "dmcore.adapters.sql",
    "dmcore.adapters.crypto",
    "dmcore.adapters.e2ee",
    "dmcore.adapters.e2ee.wire",
    "dmcore.adapters.instrumentation",
    "dmcore.adapters.relay",
    "dmcore.adapters.screening",
    "dmcore.adapters.clock",
    "dmcore.adapters.ids",
    "dmcore.adapters.opening",
    "dmcore.adapters.signals",
    *(f"dmcore.adapters.web{name}" for name in ("", ".asgi", ".fastapi", ".flask", ".django")),
    *(
        f"dmcore.ports.{name}"
        for name in (
            *("clock", "contacts", "conversations", "directory", "ids", "inspection"),
            *(
                "installation",
                "instrumentation",
                "journal",
                "keyring",
                "mailboxes",
                "messages",
                "reading",
                "reports",
                "signals",
            ),
            "transactions",
        )
    ),
    # What the ports are made of, for whoever writes an adapter.
    *(
        f"dmcore.domain.{name}"
        for name in (
            *("account", "contact", "conversation", "events", "ids", "inbox", "limits", "message"),
            *("pair", "paging", "preferences", "reports", "verification", "viewing"),
        )
    ),
    "dmcore.testing.harness",
    "dmcore.testing.world",
    "dmcore.testing.plugin",
    "dmcore.testing.postgres",
)


def page() -> str:
    """The whole text."""
    return "\n".join(line for name in MODULES for line in _module(name)) + "\n"


def _module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    yield f"# {name}"
    for public in public_names(module):
        yield from _described(public, getattr(module, public))
    yield ""


def public_names(module: ModuleType) -> list[str]:
    """The names of a module that others may use."""
    named = getattr(module, "__all__", None)
    if named is not None:
        return sorted(named)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    )


def _described(name: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value) and issubclass(value, enum.Enum):
        yield f"enum {name}: {', '.join(str(member.name) for member in value)}"
    elif inspect.isclass(value):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        yield f"class {name}({bases})" if bases else f"class {name}"
        yield from _members(name, value)
    elif inspect.isroutine(value):
        word = "async def" if inspect.iscoroutinefunction(value) else "def"
        yield f"{word} {name}{signature_of(value)}"
    elif inspect.ismodule(value):
        yield f"module {name}"
    else:
        yield f"{name}: {type(value).__name__}"


def _members(name: str, kind: type) -> Iterator[str]:
    for field in attrs.fields(kind) if attrs.has(kind) else ():
        if not field.name.startswith("_"):
            default = "" if field.default is attrs.NOTHING else " = …"
            yield f"    {name}.{field.name}: {annotation(field.type)}{default}"
    for member, value in sorted(vars(kind).items()):
        if member.startswith("_") or (attrs.has(kind) and member in attrs.fields_dict(kind)):
            continue
        plain = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if isinstance(plain, property):
            returned = inspect.signature(plain.fget).return_annotation if plain.fget else None
            yield f"    {name}.{member} -> {annotation(returned)}"
        elif inspect.isroutine(plain):
            word = "async def" if inspect.iscoroutinefunction(plain) else "def"
            yield f"    {word} {name}.{member}{signature_of(plain)}"
        else:
            yield f"    {name}.{member} = {plain!r}"


def signature_of(value: Any) -> str:
    """The parameters and what is returned."""
    signature = inspect.signature(value)
    parameters = [
        parameter.replace(annotation=_Shown(annotation(parameter.annotation)))
        if parameter.annotation is not inspect.Parameter.empty
        else parameter
        for parameter in signature.parameters.values()
    ]
    returned: Any = signature.return_annotation
    if returned is not inspect.Signature.empty:
        returned = _Shown(annotation(returned))
    return str(signature.replace(parameters=parameters, return_annotation=returned))


class _Shown:
    """An annotation that prints itself as text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def annotation(value: object) -> str:
    """Without the modules: where a name lives may change, what it means may not."""
    shown = value if isinstance(value, str) else inspect.formatannotation(value)
    plain = _MODULE.sub("", re.sub("['~+]", "", shown))
    return _OPTIONAL.sub(r"\1 | None", plain)


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="fail when the page is stale")
    what.add_argument("--write", action="store_true", help=f"write {PAGE}")
    options = parser.parse_args(arguments)
    target: Path = options.root / PAGE
    if options.write:
        target.write_text(page(), encoding="utf-8")
    elif not target.exists() or target.read_text(encoding="utf-8") != page():
        print(f"api: {PAGE} is stale: run `python tools/api.py --write`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
