"""The port of reports on ``sqlite3``: each report as a value, found by the columns beside it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from tests.third.rows import Rows
from tests.third.values import from_json, to_json

from dmcore import EvidenceItem, MessageId, ReportId, ReportReason, ReportState, User, UserId
from dmcore.domain.ids import parse_message_id
from dmcore.domain.reports import (
    MadeMove,
    OwnReport,
    Report,
    ReportOrigin,
    ReportPlace,
    own_report,
)


class Reports(Rows):
    """The ``Reports`` port."""

    def add(
        self,
        report: Report,
        *,
        chosen: Sequence[MessageId],
        evidence: Sequence[EvidenceItem],
    ) -> None:
        given = (str(report.id), report.tenant, report.reporter, report.reported)
        self._rows.execute(
            "INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?)",
            (*given, report.made_at_us, to_json(report)),
        )
        for message in chosen:
            self._rows.execute("INSERT INTO chosen VALUES (?, ?)", (str(report.id), str(message)))
        for item in evidence:
            values = (str(report.id), str(item.message), to_json(item))
            self._rows.execute("INSERT INTO evidence VALUES (?, ?, ?)", values)

    def made_as(self, report: ReportId) -> tuple[Report, Sequence[MessageId]] | None:
        found = next(self._reports("WHERE id = ?", str(report)), None)
        return None if found is None else (found, self._chosen(report))

    def is_made(self, report: ReportId) -> bool:
        return any(self._values("SELECT id FROM reports WHERE id = ?", str(report)))

    def newest_by(self, reporter: User, *, limit: int) -> Sequence[int]:
        clause = "WHERE tenant = ? AND reporter = ? ORDER BY made_at_us DESC"
        found = self._reports(clause, reporter.tenant, reporter.id)
        return [report.made_at_us for report in islice(found, limit)]

    def made_by(
        self, reporter: User, *, after: ReportPlace | None, limit: int
    ) -> Sequence[OwnReport]:
        clause = "WHERE tenant = ? AND reporter = ? ORDER BY made_at_us, id"
        found = (
            report
            for report in self._reports(clause, reporter.tenant, reporter.id)
            if after is None or (report.made_at_us, report.id) > (after.made_at_us, after.id)
        )
        return [own_report(it, self._chosen(it.id)) for it in islice(found, limit)]

    def _chosen(self, report: ReportId) -> list[MessageId]:
        query = "SELECT message FROM chosen WHERE report = ? ORDER BY message"
        return [parse_message_id(it) for it in self._values(query, str(report))]

    def hold(self, report: ReportId, *, moderator: User) -> Report | None:
        return self.find(report, moderator=moderator)

    def save(self, report: Report) -> None:
        values = (to_json(report), str(report.id))
        self._rows.execute("UPDATE reports SET value = ? WHERE id = ?", values)

    def find(self, report: ReportId, *, moderator: User) -> Report | None:
        clause = "WHERE id = ? AND tenant = ? AND reported <> ?"
        return next(self._reports(clause, str(report), moderator.tenant, moderator.id), None)

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
        clause = "WHERE tenant = ? AND reported <> ? ORDER BY made_at_us, id"
        found = (
            report
            for report in self._reports(clause, moderator.tenant, moderator.id)
            if state in (None, report.state) and reason in (None, report.reason)
            if origin in (None, report.origin)
            if after is None or (report.made_at_us, report.id) > (after.made_at_us, after.id)
        )
        return list(islice(found, limit))

    def counts(self, moderator: User, *, about: UserId | None) -> Mapping[ReportState, int]:
        found = self._reports("WHERE tenant = ? AND reported <> ?", moderator.tenant, moderator.id)
        return Counter(it.state for it in found if about in (None, it.reported))

    def last_move(self, report: ReportId) -> int:
        return int(
            self._one("SELECT coalesce(max(number), 0) FROM moves WHERE report = ?", str(report))
        )

    def add_move(self, made: MadeMove) -> None:
        row = (str(made.report), made.number, made.tenant, made.by, to_json(made))
        self._rows.execute("INSERT INTO moves VALUES (?, ?, ?, ?, ?)", row)

    def moves(self, report: ReportId, *, after: int, limit: int) -> Sequence[MadeMove]:
        query = "SELECT value FROM moves WHERE report = ? AND number > ? ORDER BY number LIMIT ?"
        found = self._values(query, str(report), after, limit)
        return [from_json(MadeMove, value) for value in found]

    def evidence(self, report: ReportId) -> Sequence[EvidenceItem]:
        query = "SELECT value FROM evidence WHERE report = ? ORDER BY message"
        return [from_json(EvidenceItem, value) for value in self._values(query, str(report))]

    def drop_evidence(self, *, before_us: int, limit: int) -> int:
        query = (
            "SELECT id FROM reports WHERE made_at_us < ? AND id IN (SELECT report FROM evidence)"
        )
        old = list(islice(self._values(query, before_us), limit))
        self._rows.executemany("DELETE FROM evidence WHERE report = ?", [(it,) for it in old])
        return len(old)

    def _reports(self, clause: str, *values: object) -> Iterator[Report]:
        query = f"SELECT value FROM reports {clause}"
        return (from_json(Report, value) for value in self._values(query, *values))
