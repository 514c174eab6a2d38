"""The outbox in SQL: who is behind is found by comparing marks with mailboxes, never by a queue."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
    tuple_,
    update,
)

from dmcore.adapters.sql._conditions import text_param
from dmcore.adapters.sql._rows import entry_of
from dmcore.adapters.sql._schema import aside, consumer, journal, mailbox, mark
from dmcore.domain.ids import ConsumerName, User
from dmcore.domain.relaying import LONGEST_DELAY_US, Backlog, Delivery, Lease, Mark, SetAside
from dmcore.ports.outbox import Outbox

# In statements that change rows a parameter cannot have the name of a column.
_NAME = bindparam("of_name", type_=Text())
_TENANT = text_param("of_tenant")
_OWNER = text_param("owner")
_REACHING = bindparam("reached", type_=BigInteger())
_NOW_US = bindparam("now_us", type_=BigInteger())

_CONSUMERS: Final = select(consumer).order_by(consumer.c.name)
_HOLD: Final = select(consumer).where(consumer.c.name == _NAME).with_for_update()
_SAVE: Final = (
    update(consumer)
    .where(consumer.c.name == _NAME)
    .values(holder=bindparam("taken_by", type_=Text()), until_us=bindparam("ends_us"))
)
_FORGET: Final = (
    delete(mark).where(mark.c.consumer == _NAME),
    delete(aside).where(aside.c.consumer == _NAME),
    delete(consumer).where(consumer.c.name == _NAME),
)
_PASS_OVER: Final = insert(mark).from_select(
    ["tenant", "user_id", "consumer", "position", "attempts", "due_us"],
    select(
        mailbox.c.tenant,
        mailbox.c.user_id,
        _NAME,
        mailbox.c.position,
        literal(0, Integer),
        literal(0, BigInteger),
    ),
)

# Behind ------------------------------------------------------------------------------------------

_MARKED: Final = mailbox.outerjoin(
    mark,
    and_(
        mark.c.tenant == mailbox.c.tenant,
        mark.c.user_id == mailbox.c.user_id,
        mark.c.consumer == _NAME,
    ),
)
_REACHED: Final = func.coalesce(mark.c.position, 0)
_IS_BEHIND: Final = mailbox.c.position > _REACHED
# What a journal tells begins behind what is kept no longer, and has no gap from there on.
_BEFORE_NEXT: Final = case((mailbox.c.pruned < _REACHED, _REACHED), else_=mailbox.c.pruned)


def _due() -> Select[Any]:
    attempts, due_us = func.coalesce(mark.c.attempts, 0), func.coalesce(mark.c.due_us, 0)
    at_once = case((attempts > 0, 1), else_=bindparam("events", type_=BigInteger()))
    page = (
        select(
            mailbox.c.tenant.label("its_tenant"),
            mailbox.c.user_id.label("its_user"),
            mailbox.c.position.label("head"),
            _REACHED.label("reached"),
            attempts.label("attempts"),
            due_us.label("due_us"),
            mark.c.error.label("error"),
            _BEFORE_NEXT.label("low"),
            (_BEFORE_NEXT + at_once).label("high"),
        )
        .select_from(_MARKED)
        .where(
            _IS_BEHIND,
            tuple_(mailbox.c.tenant, mailbox.c.user_id) > tuple_(_TENANT, _OWNER),
            or_(due_us <= _NOW_US, due_us > _NOW_US + LONGEST_DELAY_US),
        )
        .order_by(mailbox.c.tenant, mailbox.c.user_id)
        .limit(bindparam("users", type_=Integer()))
        .subquery("page")
    )
    is_next = and_(
        journal.c.tenant == page.c.its_tenant,
        journal.c.user_id == page.c.its_user,
        journal.c.position > page.c.low,
        journal.c.position <= page.c.high,
    )
    return (
        select(page, journal)
        .outerjoin(journal, is_next)
        .order_by(page.c.its_tenant, page.c.its_user, journal.c.position)
    )


def _backlog() -> Select[Any]:
    oldest = (
        select(func.min(journal.c.at_us))
        .select_from(
            _MARKED.join(
                journal,
                and_(
                    journal.c.tenant == mailbox.c.tenant,
                    journal.c.user_id == mailbox.c.user_id,
                    journal.c.position == _BEFORE_NEXT + 1,
                ),
            )
        )
        .where(_IS_BEHIND)
    )
    behind = select(func.count()).select_from(_MARKED).where(_IS_BEHIND)
    set_aside = select(func.count()).select_from(aside).where(aside.c.consumer == _NAME)
    counts = {"behind": behind, "oldest_us": oldest, "set_aside": set_aside}
    return select(*(it.scalar_subquery().label(name) for name, it in counts.items()))


_DUE: Final = _due()
_BACKLOG: Final = _backlog()

# What belongs to nobody would bring back who was erased: only of who is still there.

# Marks -------------------------------------------------------------------------------------------

_CLAIM: Final = text(
    "INSERT INTO dm_mark (tenant, user_id, consumer, position, attempts, due_us, error)"
    " SELECT tenant, user_id, :of_name, :reached, :attempts, :due_us, :error"
    " FROM dm_mailbox WHERE tenant = :of_tenant AND user_id = :owner"
    " ON CONFLICT (tenant, user_id, consumer) DO UPDATE SET position = excluded.position,"
    " attempts = excluded.attempts, due_us = excluded.due_us, error = excluded.error"
    " WHERE dm_mark.position <= excluded.position"
).bindparams(bindparam("error", type_=Text()))
_ADVANCE: Final = (
    update(mark)
    .where(
        mark.c.tenant == _TENANT,
        mark.c.user_id == _OWNER,
        mark.c.consumer == _NAME,
        mark.c.position <= _REACHING,
    )
    .values(
        position=_REACHING,
        attempts=bindparam("tried", type_=Integer()),
        due_us=bindparam("again_us", type_=BigInteger()),
        error=bindparam("kind", type_=Text()),
    )
)

# Set aside ---------------------------------------------------------------------------------------

_SET_ASIDE: Final = text(
    "INSERT INTO dm_aside"
    " (tenant, user_id, consumer, position, attempts, error, at_us, is_due)"
    " SELECT tenant, user_id, :of_name, :reached, :attempts, :error, :at_us, :is_due"
    " FROM dm_mailbox WHERE tenant = :of_tenant AND user_id = :owner"
    " ON CONFLICT (tenant, user_id, consumer, position) DO UPDATE SET"
    " attempts = excluded.attempts, error = excluded.error, at_us = excluded.at_us,"
    " is_due = excluded.is_due"
)


def _aside(condition: ColumnElement[bool]) -> Select[Any]:
    return (
        select(aside)
        .where(aside.c.consumer == _NAME, condition)
        .order_by(aside.c.tenant, aside.c.user_id, aside.c.position)
        .limit(bindparam("limit"))
    )


_ALL_ASIDE: Final = _aside(true())
_DUE_ASIDE: Final = _aside(aside.c.is_due != false())
_IS_THAT: Final = and_(
    aside.c.consumer == _NAME, aside.c.tenant == _TENANT, aside.c.user_id == _OWNER
)
_IS_AT: Final = aside.c.position == _REACHING
_TAKE_BACK: Final = delete(aside).where(_IS_THAT, _IS_AT)
_RETRY: Final = update(aside).values(is_due=true())


class SqlOutbox:
    """The ``Outbox`` port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Consumers ------------------------------------------------------------------------------------

    def consumers(self) -> Sequence[Lease]:
        return [_lease_of(row) for row in self._connection.execute(_CONSUMERS)]

    def hold(self, consumer: ConsumerName) -> Lease | None:
        row = self._connection.execute(_HOLD, {"of_name": consumer}).one_or_none()
        return None if row is None else _lease_of(row)

    def add(self, lease: Lease) -> None:
        row = {"name": lease.consumer, "holder": lease.holder, "until_us": lease.until_us}
        self._connection.execute(insert(consumer), row)

    def save(self, lease: Lease) -> None:
        row = {"of_name": lease.consumer, "taken_by": lease.holder, "ends_us": lease.until_us}
        self._connection.execute(_SAVE, row)

    def forget(self, consumer: ConsumerName) -> None:
        for statement in _FORGET:
            self._connection.execute(statement, {"of_name": consumer})

    def pass_over(self, consumer: ConsumerName) -> None:
        self._connection.execute(_PASS_OVER, {"of_name": consumer})

    # What belongs to nobody would bring back who was erased: only of who is still there.

    # Marks ----------------------------------------------------------------------------------------

    def due(
        self, consumer: ConsumerName, *, after: User | None, now_us: int, users: int, events: int
    ) -> Sequence[Delivery]:
        facts = {
            "of_name": consumer,
            "of_tenant": "" if after is None else after.tenant,
            "owner": "" if after is None else after.id,
            "now_us": now_us,
            "users": users,
            "events": events,
        }
        rows = self._connection.execute(_DUE, facts).all()
        return list(_deliveries(rows))

    def claim(self, consumer: ConsumerName, marks: Sequence[Mark]) -> None:
        self._all(
            _CLAIM,
            (
                _place(consumer, mark.owner, mark.position)
                | {"attempts": mark.attempts, "due_us": mark.due_us, "error": mark.error}
                for mark in marks
            ),
        )

    def advance(self, consumer: ConsumerName, marks: Sequence[Mark]) -> None:
        self._all(
            _ADVANCE,
            (
                _place(consumer, mark.owner, mark.position)
                | {"tried": mark.attempts, "again_us": mark.due_us, "kind": mark.error}
                for mark in marks
            ),
        )

    # What could not be delivered ------------------------------------------------------------------

    def set_aside(self, consumer: ConsumerName, events: Sequence[SetAside]) -> None:
        self._all(
            _SET_ASIDE,
            (
                _place(consumer, event.owner, event.position)
                | {
                    "attempts": event.attempts,
                    "error": event.error,
                    "at_us": event.at_us,
                    "is_due": event.is_due,
                }
                for event in events
            ),
        )

    def aside(self, consumer: ConsumerName, *, due: bool, limit: int) -> Sequence[SetAside]:
        statement = _DUE_ASIDE if due else _ALL_ASIDE
        rows = self._connection.execute(statement, {"of_name": consumer, "limit": limit})
        return [
            SetAside(
                owner=User(row.tenant, row.user_id),
                position=row.position,
                attempts=row.attempts,
                error=row.error,
                at_us=row.at_us,
                is_due=row.is_due,
            )
            for row in rows
        ]

    def take_back(self, consumer: ConsumerName, event: SetAside) -> None:
        place = _place(consumer, event.owner, event.position)
        self._connection.execute(_TAKE_BACK, place)

    def retry(self, consumer: ConsumerName, *, owner: User | None, position: int | None) -> int:
        statement = _RETRY.where(aside.c.consumer == _NAME)
        facts: dict[str, object] = {"of_name": consumer}
        if owner is not None:
            statement = statement.where(_IS_THAT)
            facts |= {"of_tenant": owner.tenant, "owner": owner.id}
        if position is not None:
            statement = statement.where(_IS_AT)
            facts |= {"reached": position}
        return self._connection.execute(statement, facts).rowcount

    def backlog(self, consumer: ConsumerName) -> Backlog:
        row = self._connection.execute(_BACKLOG, {"of_name": consumer}).one()
        return Backlog(behind=row.behind, oldest_us=row.oldest_us, set_aside=row.set_aside)

    def _all(self, statement: Any, rows: Iterable[Mapping[str, object]]) -> None:
        given = list(rows)
        if given:
            self._connection.execute(statement, given)


def _place(consumer: ConsumerName, owner: User, position: int) -> dict[str, object]:
    return {"of_name": consumer, "of_tenant": owner.tenant, "owner": owner.id, "reached": position}


def _lease_of(row: Row[Any]) -> Lease:
    return Lease(consumer=row.name, holder=row.holder, until_us=row.until_us)


def _deliveries(rows: Sequence[Row[Any]]) -> Iterator[Delivery]:
    for owner, of_owner in groupby(rows, key=lambda row: User(row.its_tenant, row.its_user)):
        found = list(of_owner)
        first = found[0]
        yield Delivery(
            mark=Mark(
                owner=owner,
                position=first.reached,
                attempts=first.attempts,
                due_us=first.due_us,
                error=first.error,
            ),
            head=first.head,
            events=tuple(entry_of(row) for row in found if row.position is not None),
        )


if TYPE_CHECKING:

    def _conforms(connection: Connection) -> Outbox:
        return SqlOutbox(connection)
