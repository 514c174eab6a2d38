"""Restrictions in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dmcore.adapters.memory._store import Changes, Store
from dmcore.domain.ids import User
from dmcore.domain.restriction import Restriction, RestrictionKind, holding
from dmcore.errors import StoreRefused
from dmcore.ports.restrictions import Restrictions


class MemoryRestrictions:
    """The ``Restrictions`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def add(self, restriction: Restriction) -> None:
        rows = self._store.restrictions.setdefault(_owner(restriction), [])
        if any(row.number == restriction.number for row in rows):
            raise StoreRefused("pk_dm_restriction")
        self._changes.append(rows, restriction)

    def save(self, restriction: Restriction) -> None:
        rows = self._store.restrictions[_owner(restriction)]
        index = [row.number for row in rows].index(restriction.number)
        self._changes.replace(rows, index, restriction)

    def active(self, user: User, *, now_us: int) -> Sequence[Restriction]:
        return holding(self._store.restrictions.get(user, []), now_us)

    def history(self, user: User, *, before: int | None, limit: int) -> Sequence[Restriction]:
        rows = self._store.restrictions.get(user, [])
        return [row for row in reversed(rows) if before is None or row.number < before][:limit]

    def counts(self, moderator: User, *, now_us: int) -> Mapping[RestrictionKind, int]:
        return Counter(
            row.kind
            for owner, rows in self._store.restrictions.items()
            if owner.tenant == moderator.tenant and owner != moderator
            for row in holding(rows, now_us)
        )


def _owner(restriction: Restriction) -> User:
    return User(restriction.tenant, restriction.user)


if TYPE_CHECKING:

    def _conforms(store: Store, changes: Changes) -> Restrictions:
        return MemoryRestrictions(store, changes)
