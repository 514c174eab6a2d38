"""Writing about what was read without holding it: the statement that writes makes sure (ADR 53).

Whatever changes about a pair changes a mailbox row of theirs, for whoever writes about a pair holds
both (ADR 13). So where those two rows are what they were, everything is that was read of the pair.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any, Final

import attrs
from sqlalchemy import ColumnElement, Text, literal_column

from dmcore.domain.ids import User


class Unguarded(BaseException):
    """This is to be done under locks. Not an error, so that no use case takes it for one."""


@attrs.frozen
class Seen:
    """A mailbox as it was read.

    One that was not there has no version. It must be missing still, and nobody must have been
    erased under its name, for it may have come and gone meanwhile (GDPR-1).
    """

    user: User
    version: str | None
    pseudonym: User


@attrs.frozen
class Guard:
    """The rows on which all hangs that was read of a pair, and the versions that were read."""

    installation: str
    mailboxes: Sequence[Seen]

    @property
    def present(self) -> tuple[bool, ...]:
        """Which of the mailboxes were there."""
        return tuple(it.version is not None for it in self.mailboxes)

    def values(self) -> list[object]:
        """The parameters of ``guarding``."""
        values: list[object] = [self.installation]
        for seen in self.mailboxes:
            last = seen.pseudonym.id if seen.version is None else seen.version
            values += (seen.user.tenant, seen.user.id, last)
        return values


def version_of(row: Any) -> ColumnElement[str]:
    """Which version of a row of PostgreSQL it is, by the transaction that wrote it."""
    return literal_column(f"CAST({row.name}.xmin AS TEXT)", Text())


IS_SURE: Final = "EXISTS (SELECT 1 FROM sure)"
"""The condition of each write behind a guard."""
ARE_SURE: Final = "(SELECT count(*) FROM sure)"
"""Whether it held: one or none."""
# Nobody is waited for: whoever holds one of the rows is about to change it. Nor is it an error, of
# which every server keeps a log.
_HOLD: Final = (
    "SELECT 1 FROM dm_mailbox WHERE tenant = ${0} AND user_id = ${1} AND xmin = ${2}"
    " FOR NO KEY UPDATE SKIP LOCKED"
)
_MISS: Final = (
    "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM dm_mailbox WHERE tenant = ${0} AND user_id = ${1})"
    " AND NOT EXISTS (SELECT 1 FROM dm_erasure WHERE tenant = ${0} AND pseudonym = ${2})"
)


def guarding(present: Sequence[bool]) -> tuple[list[str], "count[int]"]:
    """What a statement that writes begins with, and the places that are left for its parameters.

    ``sure`` has one row where nothing has changed, and none otherwise. ``present`` are mailboxes of
    a ``Guard``.
    """
    places = count(2)
    parts = []
    for number, is_there in enumerate(present):
        text = (_HOLD if is_there else _MISS).format(*(next(places) for _ in range(3)))
        parts.append(f"g{number} AS MATERIALIZED ({text})")
    rows = ", ".join(f"g{number}" for number in range(len(present)))
    parts.append(
        f"sure AS MATERIALIZED (SELECT 1 FROM {rows}, dm_installation"  # noqa: S608
        " WHERE dm_installation.xmin = $1)"
    )
    return parts, places
