"""The page for client developers tells what is so."""

import re
from pathlib import Path

import pytest

from dmcore.adapters.web import _errors, wire
from dmcore.adapters.web.wire._endpoint import Endpoint
from dmcore.errors import DmcoreError

PAGE = (Path(__file__).resolve().parents[2] / "docs/http-api.md").read_text(encoding="utf-8")


def row(endpoint: Endpoint) -> str:
    taken = [parameter.name for parameter in endpoint.parameters]
    taken += [endpoint.takes.__name__] if endpoint.takes is not None else []
    answer = "" if endpoint.answers is None else f" `{endpoint.answers.__name__}`"
    cells = (
        f"`{endpoint.method} {endpoint.pattern}`",
        endpoint.summary,
        ", ".join(f"`{name}`" for name in taken),
        f"{endpoint.status.value}{answer}",
    )
    return f"| {' | '.join(cells)} |"


def test_the_table_of_endpoints_is_that_of_the_interface() -> None:
    """A row that is missing or wrong is shown as it should be."""
    rows = re.findall(r"^\| `[A-Z]+ /.*\|$", PAGE, re.MULTILINE)
    assert rows == [row(endpoint) for endpoint in wire.EVERY]


def test_the_table_of_refusals_lists_what_is_refused_before_messaging_is_asked() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", PAGE, re.MULTILINE)
    own = [kind for kind in vars(_errors).values() if is_own(kind)]
    assert sorted(rows) == sorted((kind.code, str(kind.http_status)) for kind in own)


def is_own(kind: object) -> bool:
    is_error = isinstance(kind, type) and issubclass(kind, DmcoreError)
    return is_error and kind is not DmcoreError


@pytest.mark.parametrize("name", ["Message", "Entry", "Conversation"])
def test_what_is_explained_is_there(name: str) -> None:
    assert f"`{name}`" in PAGE
    assert name in wire.openapi("")["components"]["schemas"]
