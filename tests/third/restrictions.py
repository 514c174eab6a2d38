"""The port of restrictions on ``sqlite3``: each as a value, found by its user and its number."""

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.third.rows import Rows
from tests.third.values import to_json

from dmcore import Restriction, RestrictionKind, User
from dmcore.domain.ids import parse_user_id
from dmcore.domain.restriction import holding


class Restrictions(Rows):
    """The ``Restrictions`` port."""

    def add(self, restriction: Restriction) -> None:
        row = (restriction.tenant, restriction.user, restriction.number, to_json(restriction))
        self._rows.execute("INSERT INTO restrictions VALUES (?, ?, ?, ?)", row)

    def save(self, restriction: Restriction) -> None:
        row = (to_json(restriction), restriction.tenant, restriction.user, restriction.number)
        query = "UPDATE restrictions SET value = ? WHERE tenant = ? AND user = ? AND number = ?"
        self._rows.execute(query, row)

    def active(self, user: User, *, now_us: int) -> Sequence[Restriction]:
        return holding(self._restrictions(user), now_us)

    def history(self, user: User, *, before: int | None, limit: int) -> Sequence[Restriction]:
        found = reversed(self._restrictions(user))
        return [it for it in found if before is None or it.number < before][:limit]

    def counts(self, moderator: User, *, now_us: int) -> Mapping[RestrictionKind, int]:
        query = "SELECT DISTINCT user FROM restrictions WHERE tenant = ? AND user <> ?"
        users = self._values(query, moderator.tenant, moderator.id)
        owners = [User(moderator.tenant, parse_user_id(user)) for user in users]
        held = (holding(self._restrictions(owner), now_us) for owner in owners)
        return Counter(restriction.kind for found in held for restriction in found)
