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
class Guard:
    """The rows on which all hangs that was read of a pair, and the versions that were read."""

    installation: str
    mailboxes: tuple[tuple[User, str], tuple[User, str]]

    def values(self) -> list[object]:
        """The parameters of ``guarded``."""
        (one, one_version), (other, other_version) = self.mailboxes
        return [
            *(one.tenant, one.id, one_version),
            *(other.tenant, other.id, other_version),
            self.installation,
        ]


def version_of(row: Any) -> ColumnElement[str]:
    """Which version of a row of PostgreSQL it is, by the transaction that wrote it."""
    return literal_column(f"CAST({row.name}.xmin AS TEXT)", Text())


# Nobody is waited for: whoever holds one of the rows is about to change it.
_HELD: Final = (
    "SELECT 1 FROM dm_mailbox WHERE tenant = ${} AND user_id = ${} AND xmin = ${}"
    " FOR NO KEY UPDATE NOWAIT"
)
_ONE: Final = f"one AS ({_HELD.format(1, 2, 3)})"
_OTHER: Final = f"other AS ({_HELD.format(4, 5, 6)})"
# A row that is not what it was is not found, and to divide by none undoes the whole statement.
_SURE: Final = (
    "1 / (SELECT count(*) FROM one) / (SELECT count(*) FROM other)"
    " / (SELECT count(*) FROM dm_installation WHERE xmin = $7)"
)


def places_after_guard() -> "count[int]":
    """The numbers of the parameters that writes behind a guard may use."""
    return count(8)


def guarded(writes: Sequence[str]) -> str:
    """One statement of several writes: all of them, or none where anything has changed."""
    return f"WITH {', '.join((_ONE, _OTHER, *writes))} SELECT {_SURE}"
