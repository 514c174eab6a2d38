"""Reports: what participants reported, and the copies that they chose to show."""

from collections.abc import Mapping, Sequence
from typing import Protocol

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
)


class Reports(Protocol):
    """Storage of reports.

    Nobody but its tenant's moderators finds a report, and none of them one about themselves: to
    whoever is reported it MUST be as if it were not there. A text is in ``evidence`` alone.
    """

    def add(
        self,
        report: Report,
        *,
        chosen: Sequence[MessageId],
        evidence: Sequence[EvidenceItem],
    ) -> None:
        """Store a report with the ids that its reporter chose, and the copies, if there are any.

        That its id is there already MUST be noticed by the store itself, and MUST make the
        transaction start over: two attempts under one key are one report.
        """
        ...

    def made_as(self, report: ReportId) -> tuple[Report, Sequence[MessageId]] | None:
        """A report with the ids that its reporter chose, in their order; ``None`` where none is.

        For who repeats a report under its key. In two statements at most.
        """
        ...

    def is_made(self, report: ReportId) -> bool:
        """Whether there is such a report, of whatever tenant. In one statement."""
        ...

    def newest_by(self, reporter: User, *, limit: int) -> Sequence[int]:
        """When the newest ``limit`` reports of a user were made, in any order.

        While the reporter's account is held, and read after that, so that none is missed. In one
        statement.
        """
        ...

    def made_by(
        self, reporter: User, *, after: ReportPlace | None, limit: int
    ) -> Sequence[OwnReport]:
        """What a user reported, with the ids of messages that they chose, in their order.

        Oldest first, by the instant and then by the id, strictly after ``after``. In one statement.
        """
        ...

    def hold(self, report: ReportId, *, moderator: User) -> Report | None:
        """Hold a report: nobody else moves it until the transaction ends.

        ``None`` where there is none, where it is of another tenant than ``moderator``, and where
        ``moderator`` is who is reported: one answer by the same work. In one statement.
        """
        ...

    def save(self, report: Report) -> None:
        """Store the new state of a report that is held."""
        ...

    def find(self, report: ReportId, *, moderator: User) -> Report | None:
        """As ``hold``, held by nobody. In one statement."""
        ...

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
        """The reports that ``moderator`` may find, oldest first, strictly after ``after``.

        By the instant at which they were made, then by id. Filters apply before ``limit`` (PAGE-1).
        In one statement, whatever the size.
        """
        ...

    def counts(self, moderator: User, *, about: UserId | None) -> Mapping[ReportState, int]:
        """How many reports that ``moderator`` may find stand where, those about one user or all.

        States in which there is none MAY be missing. In one statement.
        """
        ...

    def last_move(self, report: ReportId) -> int:
        """The number of the newest move of a report that is held; 0 where there is none."""
        ...

    def add_move(self, made: MadeMove) -> None:
        """Add what comes next to the history of a report that is held."""
        ...

    def moves(self, report: ReportId, *, after: int, limit: int) -> Sequence[MadeMove]:
        """The history of a report, oldest first, from the number after ``after`` on.

        In one statement. Whether its reader may find the report is asked before.
        """
        ...

    def evidence(self, report: ReportId) -> Sequence[EvidenceItem]:
        """The copies that belong to a report, in order of their messages. In one statement."""
        ...

    def drop_evidence(self, *, before_us: int, limit: int) -> int:
        """Forget the copies of at most ``limit`` reports that were made before an instant.

        Returns of how many reports: 0 where none is left. What is forgotten MUST be gone from the
        store. It MAY be slow.
        """
        ...
