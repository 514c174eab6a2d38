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
    """The rows on which all hangs that was read of a pair, and the versions that were read.

    A mailbox that was not there has none, and must not be there still.
    """

    installation: str
    mailboxes: Sequence[tuple[User, str | None]]

    @property
    def present(self) -> tuple[bool, ...]:
        """Which of the mailboxes were there."""
        return tuple(version is not None for _, version in self.mailboxes)

    def values(self) -> list[object]:
        """The parameters of ``guarded``."""
        values: list[object] = [self.installation]
        for user, version in self.mailboxes:
            values += (user.tenant, user.id) if version is None else (user.tenant, user.id, version)
        return values


def version_of(row: Any) -> ColumnElement[str]:
    """Which version of a row of PostgreSQL it is, by the transaction that wrote it."""
    return literal_column(f"CAST({row.name}.xmin AS TEXT)", Text())


# What was read is found once; and to divide by none undoes the statement and all its writes.
_IS_SAME: Final = " / (SELECT count(*) FROM dm_installation WHERE xmin = $1)"
_IS_MISSING: Final = " / (SELECT 1 - count(*) FROM dm_mailbox WHERE tenant = ${} AND user_id = ${})"
_IS_HELD: Final = " / (SELECT count(*) FROM {})"
# Nobody is waited for: whoever holds one of the rows is about to change it.
_HOLD: Final = (
    "{} AS (SELECT 1 FROM dm_mailbox WHERE tenant = ${} AND user_id = ${} AND xmin = ${}"
    " FOR NO KEY UPDATE NOWAIT)"
)


def guarded(present: Sequence[bool]) -> tuple[list[str], str, "count[int]"]:
    """For a statement that writes: what it begins with, what it selects, and the places left.

    It does nothing and fails where anything has changed; ``present`` are mailboxes of a ``Guard``.
    """
    places = count(2)
    holds, sure = [], f"1{_IS_SAME}"
    for number, is_there in enumerate(present):
        user = next(places), next(places)
        if is_there:
            name = f"g{number}"
            holds.append(_HOLD.format(name, *user, next(places)))
            sure += _IS_HELD.format(name)
        else:
            sure += _IS_MISSING.format(*user)
    return holds, sure, places
