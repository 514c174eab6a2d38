"""Reports in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dmcore.adapters.memory._store import Changes, Store
from dmcore.domain.ids import MessageId, ReportId, User, UserId
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
from dmcore.errors import StoreRefused
from dmcore.ports.reports import Reports


class MemoryReports:
    """The ``Reports`` port."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    def add(
        self,
        report: Report,
        *,
        chosen: Sequence[MessageId],
        evidence: Sequence[EvidenceItem],
    ) -> None:
        if report.id in self._store.reports:
            raise StoreRefused("pk_dm_report")
        self._changes.put(self._store.reports, report.id, report)
        self._changes.put(self._store.chosen, report.id, tuple(chosen))
        self._changes.put(self._store.evidence, report.id, tuple(evidence))

    def made_as(self, report: ReportId) -> tuple[Report, Sequence[MessageId]] | None:
        found = self._store.reports.get(report)
        return None if found is None else (found, self._store.chosen[report])

    def is_made(self, report: ReportId) -> bool:
        return report in self._store.reports

    def newest_by(self, reporter: User, *, limit: int) -> Sequence[int]:
        made_us = [
            it.made_at_us
            for it in self._store.reports.values()
            if (it.tenant, it.reporter) == (reporter.tenant, reporter.id)
        ]
        return sorted(made_us, reverse=True)[:limit]

    def made_by(
        self, reporter: User, *, after: ReportPlace | None, limit: int
    ) -> Sequence[OwnReport]:
        found = [
            it
            for it in self._store.reports.values()
            if (it.tenant, it.reporter) == (reporter.tenant, reporter.id)
            and (after is None or _place(it) > (after.made_at_us, after.id))
        ]
        some = sorted(found, key=_place)[:limit]
        return [own_report(it, self._store.chosen[it.id]) for it in some]

    def hold(self, report: ReportId, *, moderator: User) -> Report | None:
        return self.find(report, moderator=moderator)

    def save(self, report: Report) -> None:
        self._changes.put(self._store.reports, report.id, report)

    def find(self, report: ReportId, *, moderator: User) -> Report | None:
        found = self._store.reports.get(report)
        return found if found is not None and _may_find(moderator, found) else None

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
        found = [
            it
            for it in self._store.reports.values()
            if _may_find(moderator, it)
            and state in (None, it.state)
            and reason in (None, it.reason)
            and origin in (None, it.origin)
            and (after is None or _place(it) > (after.made_at_us, after.id))
        ]
        return sorted(found, key=_place)[:limit]

    def counts(self, moderator: User, *, about: UserId | None) -> Mapping[ReportState, int]:
        return Counter(
            it.state
            for it in self._store.reports.values()
            if _may_find(moderator, it) and about in (None, it.reported)
        )

    def last_move(self, report: ReportId) -> int:
        return len(self._store.moves.get(report, ()))

    def add_move(self, made: MadeMove) -> None:
        self._changes.append(self._store.moves.setdefault(made.report, []), made)

    def moves(self, report: ReportId, *, after: int, limit: int) -> Sequence[MadeMove]:
        found = self._store.moves.get(report, [])
        return [made for made in found if made.number > after][:limit]

    def evidence(self, report: ReportId) -> Sequence[EvidenceItem]:
        return sorted(self._store.evidence[report], key=lambda item: item.message)

    def drop_evidence(self, *, before_us: int, limit: int) -> int:
        reports, evidence = self._store.reports, self._store.evidence
        old = [key for key in evidence if evidence[key] and reports[key].made_at_us < before_us]
        for key in old[:limit]:
            self._changes.put(evidence, key, ())
        return len(old[:limit])


def _may_find(moderator: User, report: Report) -> bool:
    return report.tenant == moderator.tenant and report.reported != moderator.id


def _place(report: Report) -> tuple[int, ReportId]:
    return report.made_at_us, report.id


if TYPE_CHECKING:

    def _conforms(store: Store, changes: Changes) -> Reports:
        return MemoryReports(store, changes)
