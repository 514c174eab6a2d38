"""Recounting where the tables are spread over machines, page by page (ADR 71).

What lies together is counted there; of the rest, only what belongs to a page travels.
"""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from dmcore.adapters.sql._conditions import id_param, part, text_param
from dmcore.adapters.sql._inspection import (
    LISTED,
    ORPHANS,
    SIDES,
    STORED,
    SqlInspection,
    listed_columns,
    other_side,
)
from dmcore.adapters.sql._schema import block, conversation, erasure, message, report, side
from dmcore.domain.ids import ConversationId
from dmcore.domain.verification import Orphans

_AT_A_TIME: Final = 500
_AFTER: Final = id_param("after")
_BEFORE_ALL: Final = UUID(int=0)


def _conversations(condition: ColumnElement[bool]) -> Select[Any]:
    """A page of conversations with what lies with them, and what is said of them elsewhere."""
    rows = select(*STORED).where(condition).order_by(conversation.c.id).limit(_AT_A_TIME)
    page = part(rows, "page")
    found: FromClause = page
    columns: list[ColumnElement[Any]] = [*page.c]
    for name in SIDES:
        is_listed = and_(
            side.c.tenant == page.c.tenant,
            side.c.user_id == page.c[name],
            side.c.conversation_id == page.c.id,
        )
        listed = part(
            select(page.c.id, *(side.c[column] for column in LISTED)).join_from(
                page, side, is_listed
            ),
            f"{name}_listed",
        )
        is_barred = and_(
            block.c.tenant == page.c.tenant,
            block.c.blocker == page.c[name],
            block.c.blocked == other_side(name, page),
        )
        barred = part(select(page.c.id).join_from(page, block, is_barred), f"{name}_barred")
        found = found.outerjoin(listed, listed.c.id == page.c.id)
        found = found.outerjoin(barred, barred.c.id == page.c.id)
        columns += [
            barred.c.id.is_not(None).label(f"{name}_is_block_listed"),
            *listed_columns(name, listed),
        ]
    return select(*columns).select_from(found).order_by(page.c.id)


_ONE: Final = _conversations(conversation.c.id == _AFTER)
_NEXT: Final = _conversations(conversation.c.id > _AFTER)


def _sides() -> Select[Any]:
    """A page of lines, and whether each is of a conversation of theirs."""
    key = (side.c.tenant, side.c.user_id, side.c.conversation_id)
    after = tuple_(text_param("tenant"), text_param("user"), _AFTER)
    rows = select(*key).where(tuple_(*key) > after).order_by(*key).limit(_AT_A_TIME)
    page = part(rows, "page")
    is_theirs = and_(
        conversation.c.id == page.c.conversation_id,
        conversation.c.tenant == page.c.tenant,
        or_(conversation.c.low == page.c.user_id, conversation.c.high == page.c.user_id),
    )
    listed = part(
        select(page.c.user_id, page.c.conversation_id).join_from(page, conversation, is_theirs),
        "listed",
    )
    is_it = and_(
        listed.c.conversation_id == page.c.conversation_id, listed.c.user_id == page.c.user_id
    )
    return (
        select(page, listed.c.user_id.is_not(None).label("is_listed"))
        .select_from(page.outerjoin(listed, is_it))
        .order_by(page.c.tenant, page.c.user_id, page.c.conversation_id)
    )


def _under_way() -> Any:
    """Who is being erased: names change one after the other."""
    return part(
        select(erasure.c.tenant, erasure.c.pseudonym).where(erasure.c.finished_at_us.is_(None)),
        "under_way",
    )


def _foreign_senders() -> Select[Any]:
    strangers = part(
        select(conversation.c.tenant, message.c.sender).join_from(
            message,
            conversation,
            and_(
                conversation.c.id == message.c.conversation_id,
                message.c.sender.not_in((conversation.c.low, conversation.c.high)),
            ),
        ),
        "strangers",
    )
    gone = _under_way()
    is_renamed = exists(literal(1)).where(
        gone.c.tenant == strangers.c.tenant, gone.c.pseudonym == strangers.c.sender
    )
    return select(func.count()).select_from(strangers).where(~is_renamed)


def _foreign_reports() -> Select[Any]:
    names = (report.c.id, report.c.tenant, report.c.reporter, report.c.reported)
    made = part(
        select(*names, report.c.conversation_id).where(report.c.conversation_id.is_not(None)),
        "made",
    )
    two = part(
        select(made.c.id, conversation.c.tenant, conversation.c.low, conversation.c.high).join_from(
            made, conversation, conversation.c.id == made.c.conversation_id
        ),
        "two",
    )
    gone = _under_way()
    pair = (two.c.low, two.c.high)
    is_of_two = exists().where(
        two.c.id == made.c.id,
        two.c.tenant == made.c.tenant,
        or_(made.c.reporter.is_(None), made.c.reporter.in_(pair)),
        made.c.reported.in_(pair),
    )
    is_renamed = exists(literal(1)).where(
        two.c.id == made.c.id, gone.c.tenant == two.c.tenant, gone.c.pseudonym.in_(pair)
    )
    return select(func.count()).select_from(made).where(~is_of_two, ~is_renamed)


_SIDES: Final = _sides()
_APART: Final = {"foreign_senders": _foreign_senders(), "foreign_reports": _foreign_reports()}
_TOGETHER: Final = select(
    *(count.label(name) for name, count in ORPHANS.items() if name not in {*_APART, "sides"})
)


class SqlInspectionApart(SqlInspection):
    """The ``Inspection`` port, on Citus."""

    def _recounted(self, only: ConversationId | None) -> Iterator[Row[Any]]:
        if only is not None:
            yield from self._connection.execute(_ONE, {"after": only})
        else:
            after: UUID = _BEFORE_ALL
            while rows := self._connection.execute(_NEXT, {"after": after}).all():
                yield from rows
                after = rows[-1].id

    def orphans(self) -> Orphans:
        counts = dict(self._connection.execute(_TOGETHER).one()._mapping)
        for name, statement in _APART.items():
            counts[name] = self._connection.execute(statement).scalar_one()
        return Orphans(**counts, sides=self._stray_sides())

    def _stray_sides(self) -> int:
        strays, last = 0, ("", "", _BEFORE_ALL)
        while True:
            tenant, user, conversation_ = last
            facts = {"tenant": tenant, "user": user, "after": conversation_}
            rows = self._connection.execute(_SIDES, facts).all()
            if not rows:
                return strays
            strays += sum(not row.is_listed for row in rows)
            last = rows[-1].tenant, rows[-1].user_id, rows[-1].conversation_id
