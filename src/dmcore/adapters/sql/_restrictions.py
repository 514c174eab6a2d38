"""Restrictions in SQL: a user's history, which nobody who writes or reads messages looks at."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, bindparam, exists, func, or_, select

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._conditions import TENANT, text_param
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._rows import restriction_of, restriction_row
from dmcore.adapters.sql._schema import restriction
from dmcore.domain.ids import User
from dmcore.domain.restriction import Restriction, RestrictionKind
from dmcore.ports.restrictions import Restrictions

_OWNER = text_param("owner")
_OF_OWNER = select(restriction).where(
    restriction.c.tenant == TENANT, restriction.c.user_id == _OWNER
)
_newer = restriction.alias("newer")
_HOLDS = (
    ~exists().where(
        _newer.c.tenant == restriction.c.tenant,
        _newer.c.user_id == restriction.c.user_id,
        _newer.c.kind == restriction.c.kind,
        _newer.c.number > restriction.c.number,
    ),
    restriction.c.ended_at_us.is_(None),
    or_(restriction.c.until_us.is_(None), restriction.c.until_us > bindparam("now_us")),
)
_ACTIVE = _OF_OWNER.where(*_HOLDS).order_by(restriction.c.number)
_COUNTS = (
    select(restriction.c.kind, func.count().label("counted"))
    .where(
        restriction.c.tenant == TENANT, restriction.c.user_id != text_param("moderator"), *_HOLDS
    )
    .group_by(restriction.c.kind)
)
_HISTORY = (
    _OF_OWNER.where(restriction.c.number < bindparam("before"))
    .order_by(restriction.c.number.desc())
    .limit(bindparam("limit"))
)
_ABOVE_ALL_NUMBERS = (1 << 31) - 1


class SqlRestrictions:
    """The ``Restrictions`` port."""

    def __init__(self, connection: Connection, batch: Batch, identity: Identity) -> None:
        self._connection = connection
        self._batch = batch
        self._identity = identity

    def add(self, restriction_: Restriction) -> None:
        self._batch.insert(restriction, restriction_row(restriction_))

    def save(self, restriction_: Restriction) -> None:
        before = self._identity.restriction_before(restriction_)
        self._batch.update(restriction, restriction_row(restriction_), restriction_row(before))

    def active(self, user: User, *, now_us: int) -> Sequence[Restriction]:
        found = self._all(_ACTIVE, user, now_us=now_us)
        return [self._identity.restriction(it) for it in found]

    def history(self, user: User, *, before: int | None, limit: int) -> Sequence[Restriction]:
        below = _ABOVE_ALL_NUMBERS if before is None else min(before, _ABOVE_ALL_NUMBERS)
        return self._all(_HISTORY, user, before=below, limit=limit)

    def counts(self, moderator: User, *, now_us: int) -> Mapping[RestrictionKind, int]:
        facts = {"tenant": moderator.tenant, "moderator": moderator.id, "now_us": now_us}
        rows = self._connection.execute(_COUNTS, facts)
        return {RestrictionKind(row.kind): row.counted for row in rows}

    def _all(self, statement: Select[Any], user: User, **more: int) -> Sequence[Restriction]:
        facts = {"tenant": user.tenant, "owner": user.id, **more}
        return [restriction_of(row) for row in self._connection.execute(statement, facts)]


if TYPE_CHECKING:

    def _conforms(connection: Connection, batch: Batch, identity: Identity) -> Restrictions:
        return SqlRestrictions(connection, batch, identity)
