"""The ledger of erasures as lines of JSON, which outlive the database that they were written in.

A line names the installation by a mark, a tenant, and a pseudonym; nobody is found by it without
the installation's secret (GDPR-1).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dmcore._rules import Rules
from dmcore.domain.erasure import Erasure
from dmcore.domain.ids import TenantId, User, UserId, installation_mark, parse_tenant_id
from dmcore.domain.instants import is_instant
from dmcore.domain.paging import CursorScope, Page
from dmcore.domain.pseudonyms import is_pseudonym
from dmcore.errors import InvalidId, InvalidLedger
from dmcore.operations import _erasing
from dmcore.operations._erasing import Recorded
from dmcore.ports.transactions import Transaction


def written(tx: Transaction, *, scope: CursorScope, after: UserId | None, limit: int) -> Page[str]:
    """A page of the ledger, a text for each line, without their ends."""
    mark = installation_mark(tx.namespace)
    found = _erasing.ledger(tx, scope=scope, after=after, limit=limit)
    return Page(tuple(_line(erasure, mark) for erasure in found.items), found.next)


def _line(erasure: Erasure, mark: str) -> str:
    return json.dumps(
        {
            "kind": "erasure",
            "installation": mark,
            "tenant": erasure.tenant,
            "pseudonym": erasure.pseudonym,
            "began_at_us": erasure.began_at_us,
            "finished_at_us": erasure.finished_at_us,
        }
    )


def record(
    tx: Transaction, rules: Rules, *, operator: User, lines: Sequence[str], first: int
) -> Recorded:
    """Take lines into the ledger, the ``first`` of them by its number. Raises ``InvalidLedger``."""
    found = tuple(read(lines, installation_mark(tx.namespace), first=first))
    return _erasing.record(tx, rules, operator=operator, lines=found)


def read(lines: Iterable[str], mark: str, *, first: int = 1) -> Iterator[Erasure]:
    """What lines say, of the installation with a mark. Raises ``InvalidLedger``."""
    for number, text in enumerate(lines, first):
        found = _read(text, mark)
        if found is None:
            raise InvalidLedger(number)
        yield found


def _read(text: str, mark: str) -> Erasure | None:
    try:
        line: Any = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or line.get("kind") != "erasure":
        return None
    pseudonym, began = line.get("pseudonym"), line.get("began_at_us")
    finished = line.get("finished_at_us")
    tenant = _tenant(line.get("tenant"))
    if line.get("installation") != mark or tenant is None:
        return None
    if not isinstance(pseudonym, str) or not is_pseudonym(pseudonym):
        return None
    if (
        not isinstance(began, int)
        or not is_instant(began)
        or not (finished is None or is_instant(finished))
    ):
        return None
    return Erasure(
        tenant=tenant,
        pseudonym=UserId(pseudonym),
        began_at_us=began,
        finished_at_us=finished,
    )


def _tenant(value: Any) -> TenantId | None:
    try:
        return parse_tenant_id(value)
    except InvalidId:
        return None
