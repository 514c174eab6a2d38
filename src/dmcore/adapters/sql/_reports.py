"""Reports in SQL. A text is read by one statement, which asks for the evidence of one report."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Delete, Select, and_, bindparam, delete, func, select, tuple_

from dmcore.adapters.sql._batch import Batch
from dmcore.adapters.sql._conditions import TENANT, id_param, text_param
from dmcore.adapters.sql._identity import Identity
from dmcore.adapters.sql._rows import (
    evidence_of,
    evidence_row,
    move_of,
    move_row,
    report_of,
    report_row,
)
from dmcore.adapters.sql._schema import evidence, report, report_message, report_move
from dmcore.adapters.sql._texts import Texts
from dmcore.domain.ids import MessageId, ReportId, TenantId, User, UserId
from dmcore.domain.reports import (
    EvidenceItem,
    MadeMove,
    OwnReport,
    Report,
    ReportOrigin,
    ReportPlace,
    ReportReason,
    ReportState,
    own_report,
)
from dmcore.ports.reports import Reports

_REPORT = id_param("report")
_ABOVE_ALL_NUMBERS = (1 << 31) - 1
# Under another name, where a port's parameter has the table's.
_COPIES = evidence
_MAY_FIND = and_(report.c.tenant == TENANT, report.c.reported != text_param("moderator"))
_FOUND = select(report).where(report.c.id == _REPORT, _MAY_FIND)
_HELD = _FOUND.with_for_update(key_share=True)
_MADE = select(report).where(report.c.id == _REPORT)
_IS_MADE = select(report.c.id).where(report.c.id == _REPORT)
_CHOSEN = (
    select(report_message.c.message_id)
    .where(report_message.c.report_id == _REPORT)
    .order_by(report_message.c.message_id)
)
_NEWEST = (
    select(report.c.made_at_us)
    .where(report.c.tenant == TENANT, report.c.reporter == text_param("reporter"))
    .order_by(report.c.made_at_us.desc())
    .limit(bindparam("limit"))
)
_COUNTS = (
    select(report.c.state, func.count().label("counted")).where(_MAY_FIND).group_by(report.c.state)
)
_COUNTS_ABOUT = _COUNTS.where(report.c.reported == text_param("about"))
_LAST_MOVE = select(func.coalesce(func.max(report_move.c.number), 0)).where(
    report_move.c.report_id == _REPORT
)
_MOVES = (
    select(report_move)
    .where(report_move.c.report_id == _REPORT, report_move.c.number > bindparam("after"))
    .order_by(report_move.c.number)
    .limit(bindparam("limit"))
)
_EVIDENCE = (
    select(evidence, report.c.tenant)
    .join_from(evidence, report, report.c.id == evidence.c.report_id)
    .where(evidence.c.report_id == _REPORT)
    .order_by(evidence.c.message_id)
)


@cache
def _made_by(*, continued: bool) -> Select[Any]:
    """A row for each message that was chosen, and one for a report in which none was."""
    place = (report.c.made_at_us, report.c.id)
    made = select(report).where(
        report.c.tenant == TENANT, report.c.reporter == text_param("reporter")
    )
    if continued:
        after = tuple_(bindparam("after_made_at_us"), id_param("after_id"))
        made = made.where(tuple_(*place) > after)
    some = made.order_by(*place).limit(bindparam("limit")).subquery("some")
    chosen = report_message.c.message_id
    return (
        select(some, chosen)
        .outerjoin_from(some, report_message, report_message.c.report_id == some.c.id)
        .order_by(some.c.made_at_us, some.c.id, chosen)
    )


@cache
def _queue(
    *, of_state: bool, for_reason: bool, origin: ReportOrigin | None, continued: bool
) -> Select[Any]:
    place = (report.c.made_at_us, report.c.id)
    lines = select(report).where(_MAY_FIND)
    if of_state:
        lines = lines.where(report.c.state == text_param("state"))
    if for_reason:
        lines = lines.where(report.c.reason == text_param("reason"))
    if origin is not None:
        nobody = report.c.reporter.is_(None)
        lines = lines.where(nobody if origin is ReportOrigin.SCREENING else ~nobody)
    if continued:
        after = tuple_(bindparam("after_made_at_us"), id_param("after_id"))
        lines = lines.where(tuple_(*place) > after)
    return lines.order_by(*place).limit(bindparam("limit"))


def _drop_evidence() -> Delete:
    old = (
        select(report.c.id)
        .where(
            report.c.made_at_us < bindparam("before_us"),
            select(evidence.c.report_id).where(evidence.c.report_id == report.c.id).exists(),
        )
        .order_by(report.c.made_at_us, report.c.id)
        .limit(bindparam("limit"))
    )
    return delete(evidence).where(evidence.c.report_id.in_(old))


_DROP_EVIDENCE = _drop_evidence().returning(evidence.c.report_id)


class SqlReports:
    """The ``Reports`` port."""

    def __init__(
        self, connection: Connection, batch: Batch, identity: Identity, texts: Texts
    ) -> None:
        self._connection = connection
        self._batch = batch
        self._identity = identity
        self._texts = texts

    def add(
        self,
        report_: Report,
        *,
        chosen: Sequence[MessageId],
        evidence: Sequence[EvidenceItem],
    ) -> None:
        if evidence and self._texts.are_sealed:
            # Sealing may make a key in somebody else's name, for which an erasure has to wait.
            self._batch.check_held()
        self._batch.insert(report, report_row(report_))
        for message in chosen:
            row = {"report_id": report_.id, "message_id": message}
            self._batch.insert(report_message, row)
        for item in evidence:
            stored = self._texts.new_evidence(item, report_.id, report_.tenant)
            self._batch.insert(_COPIES, evidence_row(report_, stored))

    def made_as(self, report: ReportId) -> tuple[Report, Sequence[MessageId]] | None:
        row = self._connection.execute(_MADE, {"report": report}).one_or_none()
        if row is None:
            return None
        chosen = self._connection.execute(_CHOSEN, {"report": report}).scalars().all()
        return report_of(row), chosen

    def is_made(self, report: ReportId) -> bool:
        found = self._connection.execute(_IS_MADE, {"report": report})
        return found.one_or_none() is not None

    def newest_by(self, reporter: User, *, limit: int) -> Sequence[int]:
        facts = {"tenant": reporter.tenant, "reporter": reporter.id, "limit": limit}
        return self._connection.execute(_NEWEST, facts).scalars().all()

    def made_by(
        self, reporter: User, *, after: ReportPlace | None, limit: int
    ) -> Sequence[OwnReport]:
        facts: dict[str, object] = {
            "tenant": reporter.tenant,
            "reporter": reporter.id,
            "limit": limit,
        }
        if after is not None:
            facts |= {"after_made_at_us": after.made_at_us, "after_id": after.id}
        rows = self._connection.execute(_made_by(continued=after is not None), facts)
        found = []
        for _, of_one in groupby(rows, key=lambda row: row.id):
            first, *rest = of_one
            chosen = [row.message_id for row in (first, *rest) if row.message_id is not None]
            found.append(own_report(report_of(first), chosen))
        return found

    def hold(self, report: ReportId, *, moderator: User) -> Report | None:
        self._batch.check_held()
        found = self._one(_HELD, report, moderator)
        return None if found is None else self._identity.report(found)

    def save(self, report_: Report) -> None:
        before = self._identity.report_before(report_.id)
        self._batch.update(report, report_row(report_), report_row(before))

    def find(self, report: ReportId, *, moderator: User) -> Report | None:
        return self._one(_FOUND, report, moderator)

    def _one(self, statement: Select[Any], report: ReportId, moderator: User) -> Report | None:
        facts = {"report": report, "tenant": moderator.tenant, "moderator": moderator.id}
        row = self._connection.execute(statement, facts).one_or_none()
        return None if row is None else report_of(row)

    def queue(
        self,
        moderator: User,
        *,
        state: ReportState | None,
        reason: ReportReason | None,
        origin: ReportOrigin | None,
        after: ReportPlace | None,
        limit: int,
    ) -> Sequence[Report]:
        facts: dict[str, object] = {
            "tenant": moderator.tenant,
            "moderator": moderator.id,
            "limit": limit,
        }
        if state is not None:
            facts["state"] = state.value
        if reason is not None:
            facts["reason"] = reason.value
        if after is not None:
            facts |= {"after_made_at_us": after.made_at_us, "after_id": after.id}
        statement = _queue(
            of_state=state is not None,
            for_reason=reason is not None,
            origin=origin,
            continued=after is not None,
        )
        return [report_of(row) for row in self._connection.execute(statement, facts)]

    def counts(self, moderator: User, *, about: UserId | None) -> Mapping[ReportState, int]:
        facts = {"tenant": moderator.tenant, "moderator": moderator.id}
        statement = _COUNTS
        if about is not None:
            facts["about"] = about
            statement = _COUNTS_ABOUT
        rows = self._connection.execute(statement, facts)
        return {ReportState(row.state): row.counted for row in rows}

    def last_move(self, report: ReportId) -> int:
        return int(self._connection.execute(_LAST_MOVE, {"report": report}).scalar_one())

    def add_move(self, made: MadeMove) -> None:
        self._batch.insert(report_move, move_row(made))

    def moves(self, report: ReportId, *, after: int, limit: int) -> Sequence[MadeMove]:
        facts = {"report": report, "after": min(after, _ABOVE_ALL_NUMBERS), "limit": limit}
        return [move_of(row) for row in self._connection.execute(_MOVES, facts)]

    def evidence(self, report: ReportId) -> Sequence[EvidenceItem]:
        rows = self._connection.execute(_EVIDENCE, {"report": report}).all()
        tenant = rows[0].tenant if rows else TenantId("")
        return self._texts.evidence(map(evidence_of, rows), report, tenant)

    def drop_evidence(self, *, before_us: int, limit: int) -> int:
        self._batch.check_held()
        facts = {"before_us": before_us, "limit": limit}
        dropped = self._connection.execute(_DROP_EVIDENCE, facts).scalars()
        return len(set(dropped))


if TYPE_CHECKING:

    def _conforms(connection: Connection, batch: Batch, identity: Identity) -> Reports:
        return SqlReports(connection, batch, identity, Texts())
