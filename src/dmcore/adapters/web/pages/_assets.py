"""The stylesheet and the modules: the same for everybody, kept by browsers until they change."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import attrs

from dmcore.adapters.web._values import Request, Response

_PREFIX: Final = "/static/"
_KINDS: Final[Mapping[str, str]] = {
    "dmcore.css": "text/css; charset=utf-8",
    "dmcore.js": "text/javascript; charset=utf-8",
    "sealed.js": "text/javascript; charset=utf-8",
    "sealing.js": "text/javascript; charset=utf-8",
    "hpke.js": "text/javascript; charset=utf-8",
}


@attrs.frozen(kw_only=True)
class Asset:
    """One file, and the mark of its content that its address carries."""

    kind: str
    content: bytes = attrs.field(repr=False)
    mark: str


def asset(request: Request) -> Response | None:
    """The file that is asked for; ``None`` for everything else. Nobody need be signed in."""
    name = request.path.removeprefix(_PREFIX)
    if request.method not in {"GET", "HEAD"} or name == request.path or not is_there(name):
        return None
    found = _read(name)
    is_marked = request.query.get("v") == found.mark
    return Response(
        headers=(
            ("Content-Type", found.kind),
            ("Cache-Control", "private, max-age=31536000, immutable" if is_marked else "no-cache"),
            ("X-Content-Type-Options", "nosniff"),
        ),
        body=found.content,
    )


def is_there(name: str) -> bool:
    """Whether there is such a file: what seals is built apart, or not at all (ADR 65)."""
    return name in _KINDS and _place_of(name).is_file()


def address_of(root: str, name: str) -> str:
    """Where a page finds the file: another address whenever its content is another."""
    return f"{root}{_PREFIX}{name}?v={_read(name).mark}"


def sealing_modules(root: str) -> Mapping[str, str] | None:
    """Where a page finds what seals and opens in a browser; ``None`` where it was not built."""
    names = ("sealed", "sealing", "hpke")
    is_built = all(is_there(f"{name}.js") for name in names)
    return {name: address_of(root, f"{name}.js") for name in names} if is_built else None


@cache
def _read(name: str) -> Asset:
    content = _place_of(name).read_bytes()
    mark = hashlib.sha256(content).hexdigest()[:16]
    return Asset(kind=_KINDS[name], content=content, mark=mark)


def _place_of(name: str) -> Traversable:
    return files(__package__).joinpath("static", name)
